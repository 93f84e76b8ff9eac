// SPDX-License-Identifier: GPL-2.0
// Texts and places as 64 bits, under a secret that nobody outside knows or sees an effect of.
//
// Each step folds the 128-bit product of two words of the text, as wyhash does (by Wang Yi, public
// domain), each hidden by adding a secret one: hidden by XOR, a word and its complement would meet
// too often. Which texts meet in one number depends on the secret alone, and whoever writes them
// can only guess. SipHash would also stand up to somebody who sees the numbers, at four to five
// times the cost, several times a message.
#ifndef SIP_EXT_KEYED_HASH_H
#define SIP_EXT_KEYED_HASH_H

#include "cursor.h"

namespace sip {

namespace detail {

// fold() where no machine word has 64 bits.
constexpr u64 fold_by_halves(u64 a, u64 b)
{
	const u64 a_low = static_cast<u32>(a), a_high = a >> 32, b_low = static_cast<u32>(b), b_high = b >> 32;
	const u64 low = a_low * b_low, cross = a_high * b_low + (low >> 32);
	const u64 middle = a_low * b_high + static_cast<u32>(cross);
	return (middle << 32 | static_cast<u32>(low)) ^ (a_high * b_high + (cross >> 32) + (middle >> 32));
}

// Both halves of the product, one on the other.
constexpr u64 fold(u64 a, u64 b)
{
#ifdef __SIZEOF_INT128__
	const auto product = static_cast<unsigned __int128>(a) * b;
	return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
#else
	return fold_by_halves(a, b);
#endif
}

// One to three bytes, all of them in one word.
inline u64 few_bytes(const char *at, u32 length)
{
	return u64{u8(at[0])} << 16 | u64{u8(at[length / 2])} << 8 | u8(at[length - 1]);
}

} // namespace detail

// length: any; no byte behind it is read. Not the same from one load of the module to the next.
inline u64 keyed_hash(const char *at, u32 length)
{
	const u64 *secret = sipx_secret();
	const u64 last_factor = secret[1] ^ length;	// where no byte of the text can undo it
	u64 hash = secret[0], first = 0, last = 0;
	for (; length > 64; at += 64, length -= 64)	// the same four times: a whole message is long
		for (u32 i = 0; i < 64; i += 16)
			hash = detail::fold(detail::load<8>(at + i) + secret[1], detail::load<8>(at + i + 8) + hash);
	for (; length > 16; at += 16, length -= 16)
		hash = detail::fold(detail::load<8>(at) + secret[1], detail::load<8>(at + 8) + hash);
	// two words that overlap where there are fewer than 16 bytes
	if (length >= 8) {
		first = detail::load<8>(at);
		last = detail::load<8>(at + length - 8);
	} else if (length >= 4) {
		first = detail::load<4>(at);
		last = detail::load<4>(at + length - 4);
	} else if (length) {
		first = detail::few_bytes(at, length);
	}
	hash = detail::fold(first + secret[2], last + hash);
	return detail::fold(hash + secret[3], last_factor);
}

// Of a struct without padding.
template<typename T>
u64 keyed_hash(const T &key)
{
	static_assert(__has_unique_object_representations(T));
	return keyed_hash(reinterpret_cast<const char *>(&key), sizeof(key));
}

} // namespace sip

#endif

// SPDX-License-Identifier: GPL-2.0
// Text into a buffer that it never overruns: what does not fit is remembered as an overflow.
#ifndef SIP_EXT_TEXT_WRITER_H
#define SIP_EXT_TEXT_WRITER_H

#include "endpoint.h"

namespace sip {

namespace detail {

// 00 to 99: a number is written two digits at a time.
struct pair_table {
	char of[100][2];
};

consteval pair_table make_pairs()
{
	pair_table pairs{};
	for (u32 i = 0; i < 100; i++) {
		pairs.of[i][0] = static_cast<char>('0' + i / 10);
		pairs.of[i][1] = static_cast<char>('0' + i % 10);
	}
	return pairs;
}

inline constexpr pair_table pairs = make_pairs();

} // namespace detail

class text_writer {
public:
	constexpr text_writer(char *buffer, u32 capacity) : buffer_(buffer), capacity_(capacity) {}

	constexpr u32 size() const { return size_; }
	constexpr bool overflowed() const { return overflowed_; }
	constexpr text_view text() const { return {buffer_, size_}; }

	constexpr void put(char c)
	{
		if (size_ == capacity_)
			overflowed_ = true;
		else
			buffer_[size_++] = c;
	}

	void put(text_view text)
	{
		if (text.size() > capacity_ - size_) {
			overflowed_ = true;
			return;
		}
		copy(buffer_ + size_, text.data(), text.size());
		size_ += text.size();
	}

	// Of what is known to fit.
	void put_fitting(const char *from, u32 length)
	{
		copy(buffer_ + size_, from, length);
		size_ += length;
	}

	// The most have one to three digits: octets of an address.
	constexpr void put_number(u64 value)
	{
		const u32 digits = digits_of(value);
		if (digits > capacity_ - size_) {
			overflowed_ = true;
			return;
		}
		size_ += digits;
		char *at = buffer_ + size_;
		for (; value >= 100; value /= 100)
			put_pair(at -= 2, value % 100);
		if (value >= 10)
			put_pair(at - 2, value);
		else
			at[-1] = static_cast<char>('0' + value);
	}

	constexpr void put_hex(u64 value)
	{
		u32 shift = 0;
		while (shift < 60 && value >> (shift + 4))
			shift += 4;
		for (;; shift -= 4) {
			put("0123456789abcdef"[value >> shift & 15]);
			if (shift == 0)
				return;
		}
	}

	// An IP literal without brackets; IPv6 as RFC 5952 recommends.
	constexpr void put_address(const endpoint &e)
	{
		if (e.family == SIPX_IPV4)
			put_ipv4(e.bytes);
		else
			put_ipv6(e);
	}

	constexpr void put_endpoint(const endpoint &e)
	{
		const bool ipv6 = e.family == SIPX_IPV6;
		if (ipv6)
			put('[');
		put_address(e);
		if (ipv6)
			put(']');
		put(':');
		put_number(e.port);
	}

private:
	// Ports and octets need no division.
	static constexpr u32 digits_of(u64 value)
	{
		u32 digits = 0;
		for (; value >= 100000; value /= 100000)
			digits += 5;
		return digits + 1 + (value >= 10) + (value >= 100) + (value >= 1000) + (value >= 10000);
	}

	static constexpr void put_pair(char *at, u64 pair)
	{
		at[0] = detail::pairs.of[pair][0];
		at[1] = detail::pairs.of[pair][1];
	}

	template<u32 width>
	static void copy_ends(char *to, const char *from, u32 length)
	{
		__builtin_memcpy(to, from, width);
		__builtin_memcpy(to + length - width, from + length - width, width);
	}

	// Most texts are short: a call would cost more than the copy. The last piece overlaps the
	// one before.
	static void copy(char *to, const char *from, u32 length)
	{
		for (; length > 32; to += 32, from += 32, length -= 32)
			__builtin_memcpy(to, from, 32);
		if (length >= 16)
			copy_ends<16>(to, from, length);
		else if (length >= 8)
			copy_ends<8>(to, from, length);
		else if (length >= 4)
			copy_ends<4>(to, from, length);
		else
			for (; length; length--)
				*to++ = *from++;
	}

	constexpr void put_ipv4(const u8 *bytes)
	{
		for (u32 i = 0; i < 4; i++) {
			if (i)
				put('.');
			put_number(bytes[i]);
		}
	}

	static constexpr u32 group(const endpoint &e, u32 index)
	{
		return u32{e.bytes[2 * index]} << 8 | e.bytes[2 * index + 1];
	}

	// RFC 5952 4.2: the longest run of zero groups, at least two, the first of equals.
	static constexpr u32 find_zero_run(const endpoint &e, u32 &length)
	{
		u32 best = 8;
		length = 1;
		for (u32 i = 0; i < 8; i++) {
			u32 run = 0;
			while (i + run < 8 && group(e, i + run) == 0)
				run++;
			if (run > length) {
				best = i;
				length = run;
			}
		}
		return best;
	}

	static constexpr bool is_mapped_ipv4(const endpoint &e)
	{
		for (u32 i = 0; i < 5; i++)
			if (group(e, i))
				return false;
		return group(e, 5) == 0xffff;
	}

	constexpr void put_ipv6(const endpoint &e)
	{
		if (is_mapped_ipv4(e)) {	// RFC 5952 5
			put("::ffff:");
			put_ipv4(e.bytes + 12);
			return;
		}
		u32 zero_count = 0;
		const u32 zeroes = find_zero_run(e, zero_count);
		for (u32 i = 0; i < 8; i++) {
			if (i == zeroes) {
				put("::");
				i += zero_count - 1;
				continue;
			}
			if (i && !(i == zeroes + zero_count && zeroes < 8))
				put(':');
			put_hex(group(e, i));
		}
	}

	char *buffer_;
	u32 capacity_;
	u32 size_ = 0;
	bool overflowed_ = false;
};

} // namespace sip

#endif

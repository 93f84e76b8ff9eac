// SPDX-License-Identifier: GPL-2.0
// What the measured part of the core asks of its surroundings: the keyed hash that the kernel has
// too (SipHash-2-4), and a packet that takes its new bytes for nothing.
#include <bit>
#include <cstring>

#include "../kernel/boundary.h"

namespace {

constexpr u64 key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct siphash_state {
	u64 a, b, c, d;

	void round()
	{
		a += b;
		b = std::rotl(b, 13) ^ a;
		a = std::rotl(a, 32);
		c += d;
		d = std::rotl(d, 16) ^ c;
		a += d;
		d = std::rotl(d, 21) ^ a;
		c += b;
		b = std::rotl(b, 17) ^ c;
		c = std::rotl(c, 32);
	}
	void take(u64 word)
	{
		d ^= word;
		round();
		round();
		a ^= word;
	}
};

} // namespace

u64 sipx_hash(const void *bytes, u32 length)
{
	siphash_state state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
			key[1] ^ 0x7465646279746573};
	const char *at = static_cast<const char *>(bytes);
	u64 word = 0;
	u32 left = length;
	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		state.take(word);
	}
	word = 0;
	memcpy(&word, at, left);
	state.take(word | u64{length} << 56);
	state.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		state.round();
	return state.a ^ state.b ^ state.c ^ state.d;
}

bool sipx_packet_replace(sipx_packet *, u32, u32, const u8 *, u32) { return true; }

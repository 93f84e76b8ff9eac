// SPDX-License-Identifier: GPL-2.0
// What the measured part of the core asks of its surroundings: a secret, and a packet that takes
// its new bytes for nothing.
#include "../kernel/boundary.h"

const u64 *sipx_secret()
{
	static constexpr u64 secret[] = {0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x1716151413121110,
					 0x1f1e1d1c1b1a1918};
	return secret;
}

bool sipx_packet_replace(sipx_packet *, u32, u32, const u8 *, u32) { return true; }

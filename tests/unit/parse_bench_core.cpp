// SPDX-License-Identifier: GPL-2.0
// The parser as the kernel gets it: freestanding, -O2, general registers only.
#include "sip_parse.h"

extern "C" int count_here(const char *bytes, u32 size, sip::message_view *view);

[[gnu::noinline]] int count_here(const char *bytes, u32 size, sip::message_view *view)
{
	return int(sip::parse({bytes, size}, *view));
}

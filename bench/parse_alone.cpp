// SPDX-License-Identifier: GPL-2.0
// The parser as a function that can be counted by itself, compiled as for the kernel.
#include "../sip_parse.h"

bool parse_alone(const char *bytes, u32 size, sip::message_view *view);

bool parse_alone(const char *bytes, u32 size, sip::message_view *view)
{
	return sip::parse(sip::text_view(bytes, size), *view) == sip::parse_error::none;
}

// SPDX-License-Identifier: GPL-2.0
#include "pcap.h"

#include <algorithm>

namespace corpora {

namespace {

u64 number(const std::string &bytes, size_t at, size_t width, bool big)
{
	u64 value = 0;

	if (at + width > bytes.size())
		return 0;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | u8(bytes[at + (big ? i : width - 1 - i)]);
	return value;
}

// The offset of the IP header in a frame of this link type, by its first plausible byte.
size_t ip_offset(const std::string &frame, u64 link)
{
	switch (link) {
	case 1:		// Ethernet, perhaps with a VLAN tag
		return number(frame, 12, 2, true) == 0x8100 ? 18 : 14;
	case 0:
	case 108:	// BSD loopback
		return 4;
	case 113:	// Linux cooked
		return 16;
	case 276:
		return 20;
	default:	// raw IP
		return 0;
	}
}

void take_datagram(const std::string &frame, u64 link, const payload_sink &sink)
{
	size_t at = ip_offset(frame, link);
	const u64 version = number(frame, at, 1, true) >> 4;
	u64 protocol;

	if (version == 4) {
		protocol = number(frame, at + 9, 1, true);
		if (number(frame, at + 6, 2, true) & 0x1fff)
			return;
		at += (number(frame, at, 1, true) & 15) * 4;
	} else if (version == 6) {
		protocol = number(frame, at + 6, 1, true);
		at += 40;
	} else {
		return;
	}
	if (protocol == 17 && at + 8 <= frame.size())
		sink(frame.substr(at + 8, number(frame, at + 4, 2, true) - 8), true);
	else if (protocol == 6 && at + 20 <= frame.size())
		sink(frame.substr(std::min<size_t>(frame.size(), at + (number(frame, at + 12, 1, true) >> 4) * 4)),
		     false);
}

void read_classic(const std::string &file, const payload_sink &sink)
{
	const bool big = u8(file[0]) == 0xa1;
	const u64 link = number(file, 20, 4, big) & 0xffff;

	for (size_t at = 24; at + 16 <= file.size();) {
		const u64 length = number(file, at + 8, 4, big);
		at += 16;
		if (at + length > file.size())
			return;
		take_datagram(file.substr(at, length), link, sink);
		at += length;
	}
}

// pcapng: the enhanced packet blocks of the first section, all of one link type.
void read_blocks(const std::string &file, const payload_sink &sink)
{
	const bool big = number(file, 8, 4, true) == 0x1a2b3c4d;
	u64 link = 1;

	for (size_t at = 0; at + 12 <= file.size();) {
		const u64 type = number(file, at, 4, big);
		const u64 length = number(file, at + 4, 4, big);

		if (length < 12 || at + length > file.size())
			return;
		if (type == 1)
			link = number(file, at + 8, 2, big);
		if (type == 6 && length >= 32)
			take_datagram(file.substr(at + 28, number(file, at + 20, 4, big)), link, sink);
		at += length;
	}
}

} // namespace

bool read_pcap(const std::string &file, const payload_sink &sink)
{
	if (file.size() < 24)
		return false;

	const u64 magic = number(file, 0, 4, true);
	if (magic == 0x0a0d0d0a)
		read_blocks(file, sink);
	else if (magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || magic == 0xa1b23c4d || magic == 0x4d3cb2a1)
		read_classic(file, sink);
	else
		return false;
	return true;
}

} // namespace corpora

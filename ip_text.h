// SPDX-License-Identifier: GPL-2.0
// IP literals in text: RFC 3261 25.1 IPv4address, RFC 4291 2.2 for IPv6 (the ABNF of
// RFC 3261 is wrong there, see RFC 5954).
#ifndef SIP_EXT_IP_TEXT_H
#define SIP_EXT_IP_TEXT_H

#include "cursor.h"

namespace sip {

// The longest IPv6 text: six full groups and an embedded IPv4 address.
inline constexpr u32 max_ipv6_text = 45;

// Exactly four decimal octets of one to three digits: anything else is a host name.
inline bool parse_ipv4(cursor text, u8 *bytes)
{
	if (text.left() < 7 || text.left() > 15)
		return false;
	for (u32 i = 0; i < 4; i++) {
		u32 octet;

		if (i && !text.accept('.'))
			return false;
		const char *begin = text.at();
		if (!read_number(text, 255, octet) || text.at() - begin > 3)
			return false;
		bytes[i] = u8(octet);
	}
	return text.done();
}

inline int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

namespace detail {

struct ipv6_reader {
	cursor text;
	u8 bytes[16]{};
	u32 filled = 0;
	u32 gap = ~0u;		// where "::" stands, in bytes

	// One to four hex digits.
	bool read_group()
	{
		u32 value = 0;
		u32 digits = 0;

		for (; digits < 4 && hex_digit(text.peek()) >= 0; digits++) {
			value = value << 4 | u32(hex_digit(text.peek()));
			text.skip(1);
		}
		if (!digits || filled > 14)
			return false;
		bytes[filled++] = u8(value >> 8);
		bytes[filled++] = u8(value);
		return true;
	}
	// The rest of the text is dotted: the last four bytes.
	bool read_embedded_ipv4()
	{
		if (filled > 12 || !parse_ipv4(text, bytes + filled))
			return false;
		filled += 4;
		text.skip(text.left());
		return true;
	}
	bool next_is_dotted() const
	{
		u32 digits = 0;

		while (digits < 3 && hex_digit(text.peek(digits)) >= 0)
			digits++;
		return text.peek(digits) == '.';
	}
	bool read_all()
	{
		while (!text.done()) {
			if (text.looking_at<"::">()) {
				if (gap != ~0u)
					return false;
				gap = filled;
				text.skip(2);
				if (text.done())
					break;
			} else if (filled && !text.accept(':')) {
				return false;
			}
			if (next_is_dotted() ? !read_embedded_ipv4() : !read_group())
				return false;
		}
		return gap == ~0u ? filled == 16 : filled < 16;
	}
	// Moves what stands behind "::" to the end and fills with zeros.
	void open_gap()
	{
		const u32 tail = filled - gap;

		for (u32 i = 0; i < tail; i++) {
			bytes[15 - i] = bytes[filled - 1 - i];
			if (16 - filled)
				bytes[filled - 1 - i] = 0;
		}
	}
};

} // namespace detail

inline bool parse_ipv6(cursor text, u8 *bytes)
{
	if (text.left() < 2 || text.left() > max_ipv6_text)
		return false;

	detail::ipv6_reader reader{.text = text};
	if (!reader.read_all())
		return false;
	if (reader.gap != ~0u)
		reader.open_gap();
	__builtin_memcpy(bytes, reader.bytes, 16);
	return true;
}

// The whole text is one IP literal without brackets. family 0: it is not.
inline ip_address parse_ip(cursor text)
{
	ip_address address;
	const bool colon = text.find(':') != text.end();

	if (!colon && parse_ipv4(text, address.bytes))
		address.family = SIPX_IPV4;
	else if (colon && parse_ipv6(text, address.bytes))
		address.family = SIPX_IPV6;
	else
		address = ip_address{};
	return address;
}

inline bool is_unspecified(const ip_address &address)
{
	for (u8 byte : address.bytes)
		if (byte)
			return false;
	return true;
}

} // namespace sip

#endif

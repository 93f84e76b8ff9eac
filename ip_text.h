// SPDX-License-Identifier: GPL-2.0
// IP literals in text: RFC 3261 25.1 IPv4address, RFC 4291 2.2 for IPv6 (the ABNF of
// RFC 3261 is wrong there, see RFC 5954).
#ifndef SIP_EXT_IP_TEXT_H
#define SIP_EXT_IP_TEXT_H

#include "cursor.h"

namespace sip {

// The longest IPv6 text: six full groups and an embedded IPv4 address.
inline constexpr u32 max_ipv6_text = 45;

// One to three digits, at most 255, or nullptr. Like read_number(), unrolled for the
// place where most digits of a message stand.
inline const char *read_octet(const char *at, const char *end, u8 &octet)
{
	u32 value, digit;

	if (at == end || (value = u32(u8(*at)) - '0') > 9)
		return nullptr;
	if (++at < end && (digit = u32(u8(*at)) - '0') <= 9) {
		value = value * 10 + digit;
		if (++at < end && (digit = u32(u8(*at)) - '0') <= 9) {
			value = value * 10 + digit;
			at++;
		}
	}
	octet = u8(value);
	return value <= 255 ? at : nullptr;
}

// Exactly four decimal octets. Leaves the cursor behind them.
inline bool read_ipv4(cursor &text, u8 *bytes)
{
	const char *end = text.end();
	const char *at = read_octet(text.at(), end, bytes[0]);

	for (u32 i = 1; i < 4; i++) {
		if (!at || at == end || *at != '.')
			return false;
		at = read_octet(at + 1, end, bytes[i]);
	}
	if (!at || (at < end && is_in(*at, cc_digit)))
		return false;
	text.skip_to(at);
	return true;
}

// The whole text is one: anything else is a host name.
inline bool parse_ipv4(cursor text, u8 *bytes)
{
	return read_ipv4(text, bytes) && text.done();
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
	// The address, with as many zeros in the place of "::" as it stands for.
	void write(u8 *out) const
	{
		const u32 before = gap == ~0u ? filled : gap;
		const u32 zeros = 16 - filled;

		for (u32 i = 0; i < 16; i++) {
			if (i < before)
				out[i] = bytes[i];
			else
				out[i] = i < before + zeros ? 0 : bytes[i - zeros];
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
	reader.write(bytes);
	return true;
}

// The whole text is one IP literal without brackets. family 0: it is not.
inline ip_address parse_ip(cursor text)
{
	ip_address address;

	if (parse_ipv4(text, address.bytes))
		address.family = SIPX_IPV4;
	else if (text.find(':') != text.end() && parse_ipv6(text, address.bytes))
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

// SPDX-License-Identifier: GPL-2.0
// What the parts of the parser share while they read one message.
#ifndef SIP_EXT_PARSER_STATE_H
#define SIP_EXT_PARSER_STATE_H

#include "cursor.h"
#include "ip_text.h"
#include "message_view.h"

namespace sip {

// A malformed expiry counts as one hour (RFC 3261 20.10 and 20.19).
inline constexpr u32 malformed_expires = 3600;
// RFC 2046 5.1.1.
inline constexpr u32 max_boundary = 70;

// Values of address fields and Via in one message, names included, and c= lines in it: what
// has more is an attack, or at least no message of a phone.
inline constexpr u32 max_message_values = 250;

enum class content_type : u8 { none, sdp, multipart, other };

// What a Content-Type and its neighbours say of the bytes that follow.
struct content {
	content_type type = content_type::none;
	bool encoded = false;	// compressed or base64: not ours to read
	cursor boundary{};	// of a multipart type
	span length{};		// digits of its Content-Length
};

// A host as written: RFC 3261 25.1 host.
struct host_text {
	cursor text{};		// without brackets
	ip_address address{};	// none: a name
	bool bracketed = false;
};

struct parser {
	const char *base;
	message_view &view;
	content body{};
	parse_error error = parse_error::none;
	u8 seen = 0;		// enum seen_header
	u8 values = 0;		// of max_message_values
	cursor literal{};	// the IP literal read last: most of a message are the same
	ip_address address{};	// that it is

	// Always false, so that a reader ends with `return p.fail(...)`.
	bool fail(parse_error why)
	{
		error = why;
		return false;
	}
	span span_of(cursor text) const
	{
		return {u16(text.at() - base), u16(text.left())};
	}
	bool count_value()
	{
		return ++values <= max_message_values || fail(parse_error::too_many_addresses);
	}
	// Enters an address into the list; `index` is its number there.
	bool add(const address_ref &ref, u8 &index)
	{
		if (view.address_count == max_addresses)
			return fail(parse_error::too_many_addresses);
		index = view.address_count++;
		view.addresses[index] = ref;
		return true;
	}
};

// The text is the literal read last, or begins with it.
inline bool is_known(const parser &p, cursor text, u32 length)
{
	return p.address && length == p.literal.left() && same_bytes(text.at(), p.literal.at(), length);
}

inline void note_literal(parser &p, cursor text, const ip_address &address)
{
	p.literal = text;
	p.address = address;
}

// An IPv4 literal, up to a byte that is none of `part`; leaves the cursor behind it.
inline bool read_ipv4(parser &p, cursor &text, u16 part, ip_address &address)
{
	const u32 length = p.literal.left();
	cursor rest = text;

	if (p.address.family == SIPX_IPV4 && length <= text.left() && is_known(p, text, length)) {
		rest.skip(length);
		if (rest.done() || !is_in(*rest.at(), part)) {
			text = rest;
			address = p.address;
			return true;
		}
		rest = text;
	}
	if (!read_ipv4(rest, address.bytes) || (!rest.done() && is_in(*rest.at(), part))) {
		address = ip_address{};
		return false;
	}
	address.family = SIPX_IPV4;
	note_literal(p, {text.at(), rest.at()}, address);
	text = rest;
	return true;
}

// As parse_ip(): the whole text.
inline ip_address read_ip(parser &p, cursor text)
{
	if (is_known(p, text, text.left()))
		return p.address;
	const ip_address address = parse_ip(text);
	if (address)
		note_literal(p, text, address);
	return address;
}

inline bool read_name_or_ipv4(parser &p, cursor &text, host_text &host)
{
	const char *begin = text.at();

	if (read_ipv4(p, text, cc_host, host.address)) {
		host.text = {begin, text.at()};
		return true;
	}
	host.text = text.take_while(cc_host);
	return !host.text.done();
}

// An IPv6reference, an IPv4address or a name. Text in brackets that has the characters
// of an IPv6 address without being one (RFC 5118 4.10: three colons) counts as a name. `host` is fresh.
inline bool read_host(parser &p, cursor &text, host_text &host)
{
	if (text.accept('[')) {
		const char *stop = text.find(']');

		if (stop == text.end() || stop == text.at())
			return false;
		host.text = {text.at(), stop};
		host.bracketed = true;
		host.address = read_ip(p, host.text);
		text.skip_to(stop + 1);
		if (host.address.family == SIPX_IPV6)
			return true;
		host.address = ip_address{};
		for (cursor c = host.text; !c.done(); c.skip(1))
			if (hex_digit(c.peek()) < 0 && c.peek() != ':' && c.peek() != '.')
				return false;
		return true;
	}
	return read_name_or_ipv4(p, text, host);
}

// A host that fills its window, where IPv6 comes with and without brackets: received=,
// maddr= (RFC 5118 4.5), c= and o= lines. `bracketed` says which.
inline host_text whole_host(parser &p, cursor text)
{
	host_text host;

	if (text.left() > 2 && text.peek() == '[' && text.end()[-1] == ']') {
		text = {text.at() + 1, text.end() - 1};
		host.bracketed = true;
	}
	host.text = text;
	host.address = read_ip(p, text);
	if (host.bracketed && host.address.family != SIPX_IPV6)
		host.address = ip_address{};
	return host;
}

inline void set_host(parser &p, address_ref &ref, const host_text &host)
{
	ref.host = p.span_of(host.text);
	ref.address = host.address;
	ref.bracketed = host.bracketed;
}

// Digits that name a port, into the list's form.
inline bool read_port(parser &p, cursor &text, address_ref &ref)
{
	const char *begin = text.at();

	if (text.done() || !is_in(*begin, cc_digit))
		return p.fail(parse_error::header);
	if (!read_port(text, ref.port_number))
		return p.fail(parse_error::number);
	ref.port = p.span_of({begin, text.at()});
	return true;
}

// RFC 3261 25.1 generic-param, with LWS where SEMI and EQUAL allow it.
struct parameter {
	cursor name{};
	cursor value{};		// without quotes
	bool has_value = false;
};

// The next ";name=value". False where none follows; text that is no parameter is left
// for the caller to stumble on. Empty parameters (";;") are skipped over.
inline bool next_parameter(cursor &text, parameter &out)
{
	text.skip_lws();
	if (!text.accept(';'))
		return false;
	do
		text.skip_lws();
	while (text.accept(';'));
	out.name = text.take_until(cc_name_end);
	out.value = {text.at(), text.at()};
	text.skip_lws();
	out.has_value = text.accept('=');
	if (!out.has_value)
		return true;
	text.skip_lws();
	if (text.peek() != '"') {
		out.value = text.take_until(cc_value_end);
		return true;
	}
	return text.take_quoted(out.value);
}

} // namespace sip

#endif

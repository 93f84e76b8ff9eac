// SPDX-License-Identifier: GPL-2.0
// URIs and the header fields made of them: name-addr and addr-spec values, one or many
// in a line (RFC 3261 19.1, 20, 25.1), and Via.
#ifndef SIP_EXT_ADDRESS_PARSE_H
#define SIP_EXT_ADDRESS_PARSE_H

#include "parser_state.h"

namespace sip {

// Any other absolute URI (RFC 3986): what follows its scheme is none of our business. Nor
// is a user at a host name without a scheme, as in the "To: Bob <bob@biloxi.com>" that RFC
// 3261 23.4 prints.
inline bool is_other_uri(parser &p, cursor uri)
{
	host_text host;

	if (uri.take_while(cc_token).done())
		return false;
	if (uri.accept(':'))
		return true;
	return uri.accept('@') && read_host(p, uri, host) && !host.address && !host.bracketed && uri.done();
}

// A maddr= names a host of its own (RFC 3261 19.1.1 and 18.2.2).
inline bool add_maddr(parser &p, cursor value, address_ref ref)
{
	const host_text host = whole_host(p, value);
	u8 index;

	if (!host.address)
		return true;
	set_host(p, ref, host);
	return p.add(ref, index);
}

inline uri_transport transport_of(cursor value)
{
	if (value.accept_word<"tcp">() && value.done())
		return uri_transport::tcp;
	return value.accept_word<"udp">() && value.done() ? uri_transport::udp : uri_transport::other;
}

// uri-parameters, up to the headers part, which is never searched for addresses. `index` is the
// number of the URI's host in the list, or none.
inline bool parse_uri_parameters(parser &p, cursor uri, const address_ref &owner, u8 index)
{
	for (;;) {
		uri.skip_lws();
		if (uri.done() || uri.peek() == '?')
			return true;
		if (!uri.accept(';'))
			return p.fail(parse_error::header);
		uri.skip_lws();
		const bool maddr = uri.looking_at<"maddr=">();
		const bool transport = !maddr && index != none && uri.looking_at<"transport=">();
		if (maddr || transport)
			uri.skip(maddr ? 6 : 10);
		cursor value = uri.take_until(cc_parameter_end);
		value.trim_end();
		if (transport)
			p.view.addresses[index].transport = transport_of(value);
		if (maddr && !add_maddr(p, value, {.where = place::uri_maddr, .secure = owner.secure}))
			return false;
	}
}

// SIP and SIPS URIs list their host where it is an IP literal. `index` is its number in
// the list, or none.
inline bool parse_uri(parser &p, cursor uri, place where, u8 &index)
{
	address_ref ref{.where = where};
	host_text host;

	index = none;
	ref.secure = uri.accept_word<"sips:">();
	if (!ref.secure && !uri.accept_word<"sip:">())
		return is_other_uri(p, uri) || p.fail(parse_error::header);

	// userinfo may hold ; ? & and more, but never a bare @ (RFC 3261 25.1).
	const char *at_sign = uri.find('@');
	if (at_sign != uri.end()) {
		ref.has_user = true;
		uri.skip_to(at_sign + 1);
	}
	if (!read_host(p, uri, host))
		return p.fail(parse_error::header);
	if (uri.accept(':') && !read_port(p, uri, ref))
		return false;
	if (host.address) {
		set_host(p, ref, host);
		if (!p.add(ref, index))
			return false;
	}
	return uri.done() || parse_uri_parameters(p, uri, ref, index);
}

// One value of a field such as Contact, as far as its header parameters.
struct address_value {
	cursor uri{};
	u8 index = none;
};

// <URI>. Blanks inside of the brackets are not legal but unmistakable (RFC 4475 3.1.2.14).
inline bool parse_bracketed_uri(parser &p, cursor &text, place where, address_value &value)
{
	const char *stop = text.find('>');

	if (stop == text.end())
		return p.fail(parse_error::header);
	value.uri = {text.at() + 1, stop};
	value.uri.skip_lws();
	value.uri.trim_end();
	text.skip_to(stop + 1);
	return parse_uri(p, value.uri, where, value.index);
}

// Fields of one value (RFC 3261 7.3.1), where a comma divides nothing.
inline bool is_single(place where)
{
	constexpr u32 single = 1u << u8(place::from) | 1u << u8(place::to) | 1u << u8(place::refer_to) |
			       1u << u8(place::referred_by) | 1u << u8(place::reply_to);

	return single >> u8(where) & 1;
}

// Goes to the '<' of a name-addr, if there is one: quoted strings and words may stand
// before it. In a field of one value even a comma may (RFC 4475 3.1.2.15). A backslash
// outside of quotes takes the meaning of what it stands before (\"arik\" of Nero SIPPS).
// Without a '<' it stops where an addr-spec ends: from ; or , on the text belongs to the
// header (RFC 3261 20).
inline void skip_display_name(cursor &text, place where)
{
	const u16 stops = is_single(where) ? cc_display_end : cc_address_end;
	cursor quoted;

	for (;;) {
		text.skip_until(stops);
		if (text.peek() == '\\')
			text.skip(2);
		else if (!text.take_quoted(quoted))
			return;
	}
}

inline bool parse_address(parser &p, cursor &text, place where, address_value &value)
{
	const char *begin = text.at();

	if (text.peek() != '<')
		skip_display_name(text, where);
	if (text.peek() == '<')
		return parse_bracketed_uri(p, text, where, value);
	value.uri = {begin, text.at()};
	value.uri.trim_end();
	return parse_uri(p, value.uri, where, value.index);
}

// After the parameters of a value: the next value, or nothing.
inline bool at_value_end(parser &p, cursor &text)
{
	return text.done() || text.peek() == ',' || p.fail(parse_error::header);
}

inline void read_contact_parameter(parser &p, const parameter &found, u8 index)
{
	if (index == none || !found.has_value || !found.name.is<"expires">())
		return;

	address_ref &ref = p.view.addresses[index];
	cursor digits = found.value;
	ref.has_expires = true;
	if (!read_number(digits, ~0u, ref.expires) || !digits.done())
		ref.expires = malformed_expires;
}

// Goes to the next value of a list, if there is one. An empty value says nothing.
inline bool next_value(cursor &text)
{
	do
		text.skip_lws();
	while (text.accept(','));
	return !text.done();
}

// Contact, Route and their kind: any number of values.
inline bool parse_address_list(parser &p, cursor text, place where)
{
	parameter found;

	while (next_value(text)) {
		address_value value;

		if (!p.count_value() || !parse_address(p, text, where, value))
			return false;
		while (next_parameter(text, found))
			if (where == place::contact)
				read_contact_parameter(p, found, value.index);
		if (!at_value_end(p, text))
			return false;
		if (where == place::contact)
			p.view.contact_count++;
	}
	return true;
}

inline bool parse_contact(parser &p, cursor text)
{
	cursor rest = text;

	rest.skip_lws();
	if (rest.accept('*')) {
		rest.skip_lws();
		if (rest.done()) {
			p.view.contact_star = true;
			return true;
		}
	}
	return parse_address_list(p, text, place::contact);
}

// From and To: one value with its tag.
inline bool parse_party(parser &p, cursor text, place where)
{
	address_value value;
	parameter found;
	span tag;

	text.skip_lws();
	if (!parse_address(p, text, where, value))
		return false;
	while (next_parameter(text, found))
		if (found.name.is<"tag">())
			tag = p.span_of(found.value);
	if (!text.done())
		return p.fail(parse_error::header);
	(where == place::from ? p.view.from_tag : p.view.to_tag) = tag;
	(where == place::from ? p.view.from_uri : p.view.to_uri) = p.span_of(value.uri);
	return true;
}

// sent-protocol: SIP / 2.0 / transport, with LWS around the slashes.
inline bool read_sent_protocol(cursor &text, bool &secure)
{
	secure = false;
	if (!text.accept_word<"sip/2.0/udp ">()) {
		for (u32 i = 0; i < 2; i++) {
			if (text.take_while(cc_token).done())
				return false;
			text.skip_lws();
			if (!text.accept('/'))
				return false;
			text.skip_lws();
		}
		const cursor transport = text.take_while(cc_token);
		secure = transport.looking_at<"tls">();
		if (transport.done() || text.done() || !is_in(*text.at(), cc_lws))
			return false;
	}
	text.skip_lws();
	return true;
}

// The parameters of one Via value while they are read.
struct via_value {
	address_ref received{.where = place::via_received};
	cursor branch{};
	u8 index = 0;
	bool has_rport = false;
	bool has_received = false;
	bool has_branch = false;
	bool has_maddr = false;
};

// A parameter that comes twice means two things at once.
inline bool first_time(parser &p, bool &flag)
{
	if (flag)
		return p.fail(parse_error::header);
	flag = true;
	return true;
}

inline bool read_rport(parser &p, cursor value, via_value &via)
{
	if (!first_time(p, via.has_rport) || value.done())
		return p.error == parse_error::none;
	if (!read_port(p, value, via.received))
		return false;
	return value.done() || p.fail(parse_error::number);
}

inline bool read_via_parameter(parser &p, const parameter &found, via_value &via)
{
	if (found.name.is<"branch">()) {
		via.branch = found.value;
		return first_time(p, via.has_branch);
	}
	if (found.name.is<"rport">())
		return read_rport(p, found.value, via);
	if (found.name.is<"received">()) {
		const host_text host = whole_host(p, found.value);
		if (host.address)
			set_host(p, via.received, host);
		return first_time(p, via.has_received);
	}
	if (found.name.is<"maddr">())
		return first_time(p, via.has_maddr) &&
		       add_maddr(p, found.value, {.where = place::via_maddr, .index = via.index});
	return true;
}

// sent-by, and for the first value what responses will need (RFC 3261 18.2.2).
inline bool parse_sent_by(parser &p, cursor &text, u8 via_index, bool secure)
{
	address_ref ref{.where = place::via, .index = via_index, .secure = secure};
	host_text host;
	u8 index;

	if (!read_host(p, text, host))
		return p.fail(parse_error::header);
	text.skip_lws();
	if (text.accept(':')) {
		text.skip_lws();
		if (!read_port(p, text, ref))
			return false;
	}
	if (!p.view.via.present) {
		p.view.via.sent_by_host = p.span_of(host.text);
		p.view.via.sent_by_port = ref.port_number;
	}
	if (!host.address)
		return true;
	set_host(p, ref, host);
	return p.add(ref, index);
}

inline bool parse_via_value(parser &p, cursor &text)
{
	via_value via{.index = p.view.via_count};
	parameter found;
	bool secure;
	u8 index;

	if (!read_sent_protocol(text, secure))
		return p.fail(parse_error::header);
	if (!parse_sent_by(p, text, via.index, secure))
		return false;
	while (next_parameter(text, found))
		if (!read_via_parameter(p, found, via))
			return false;
	if (!p.view.via.present) {
		p.view.via.present = true;
		p.view.via.has_rport = via.has_rport;
		if (via.has_branch)
			p.view.via.branch = p.span_of(via.branch);
	}
	p.view.via_count++;
	via.received.index = via.index;
	if (via.received.address || !via.received.port.empty())
		return p.add(via.received, index) && at_value_end(p, text);
	return at_value_end(p, text);
}

inline bool parse_via(parser &p, cursor text)
{
	while (next_value(text))
		if (!p.count_value() || !parse_via_value(p, text))
			return false;
	return true;
}

} // namespace sip

#endif

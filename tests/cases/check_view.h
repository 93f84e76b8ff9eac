// SPDX-License-Identifier: GPL-2.0
// What must hold of every view that parse() returns, whatever the message. The numbers
// and addresses are read again here by other means than the parser's where that is short.
#ifndef SIP_EXT_CASES_CHECK_VIEW_H
#define SIP_EXT_CASES_CHECK_VIEW_H

#include "../../ip_text.h"
#include "dump_view.h"

namespace sip_cases {

// Holds the first promise found broken.
struct view_check {
	text_view bytes;
	const sip::message_view &view;
	const char *broken = nullptr;

	void expect(bool holds, const char *what)
	{
		if (!holds && !broken)
			broken = what;
	}
	void inside(sip::span s, const char *what)
	{
		expect(s.empty() || s.end() <= view.end, what);
	}
};

// Digits and nothing else, with exactly this value; no digits: zero.
inline bool spells(text_view digits, u32 value)
{
	u64 sum = 0;

	for (u32 i = 0; i < digits.size(); i++) {
		if (digits[i] < '0' || digits[i] > '9' || sum > 0xffffffff)
			return false;
		sum = sum * 10 + u32(digits[i] - '0');
	}
	return sum == value;
}

inline bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
	       c == '-' || c == '_';
}

inline void check_summary(view_check &check)
{
	const sip::message_view &view = check.view;

	check.expect(view.start < view.body_start && view.body_start <= view.end &&
		     view.end <= check.bytes.size(), "start, body and end in order");
	const sip::span spans[] = {view.method_name, view.request_uri, view.call_id, view.from_tag,
				   view.to_tag, view.to_uri, view.from_uri, view.cseq_method,
				   view.content_length, view.via.branch, view.via.sent_by_host};
	for (sip::span s : spans)
		check.inside(s, "summary span inside the message");
	check.expect(view.request == !view.method_name.empty(), "a request has a method");
	check.expect(view.request == !view.request_uri.empty(), "a request has a URI");
	check.expect(view.request ? view.status == 0 : view.status >= 100 && view.status <= 699,
		     "a response has a status");
	check.expect(view.via.present && view.via_count, "Via is there");
	check.expect(!view.call_id.empty() && !view.cseq_method.empty() && !view.from_uri.empty() &&
		     !view.to_uri.empty() && !view.via.sent_by_host.empty(), "needed fields are there");
	check.expect(view.has_content_length == !view.content_length.empty(), "Content-Length digits");
	check.expect(spells(check.bytes.sub(view.content_length), view.content_length_value),
		     "Content-Length value");
	check.expect(!view.has_content_length ||
		     view.content_length_value == u32(view.end - view.body_start), "Content-Length fits");
	check.expect(view.address_count <= sip::max_addresses && view.stream_count <= sip::max_streams &&
		     view.body_count <= sip::max_bodies, "counts within bounds");
}

// The literal stands alone: nothing around it belongs to the same word.
inline void check_literal(view_check &check, const sip::address_ref &ref)
{
	const text_view bytes = check.bytes;
	const u32 end = ref.host.end();
	sip::text_view host = bytes.sub(ref.host);
	sip::cursor text{host.data(), host.data() + host.size()};

	check.expect(sip::parse_ip(text) == ref.address, "host text is the address");
	check.expect(ref.address.family == SIPX_IPV4 || ref.address.family == SIPX_IPV6, "family");
	check.expect(ref.host.offset > 0, "something stands before a host");
	if (ref.bracketed) {
		check.expect(bytes[ref.host.offset - 1] == '[' && end < check.view.end &&
			     bytes[end] == ']', "brackets around the host");
		return;
	}
	check.expect(!is_word_byte(bytes[ref.host.offset - 1]), "host starts a word");
	check.expect(end >= check.view.end || !is_word_byte(bytes[end]), "host ends a word");
}

inline void check_place(view_check &check, const sip::address_ref &ref)
{
	const sip::message_view &view = check.view;
	const bool via = ref.where == sip::place::via || ref.where == sip::place::via_received ||
			 ref.where == sip::place::via_maddr;

	if (in_sdp(ref.where)) {
		check.expect(ref.index < view.body_count, "body of an SDP address");
		check.expect(ref.host.offset >= view.body_start, "SDP address in the body");
		check.expect(ref.stream == sip::none || (ref.stream < view.stream_count &&
			     view.streams[ref.stream].body == ref.index), "stream of an SDP address");
	} else {
		check.expect(ref.host.end() <= view.body_start, "header address in the header");
		check.expect(!via || ref.index < view.via_count || view.via_count == 255, "Via number");
		check.expect(ref.stream == sip::none, "no stream in the header");
	}
	check.expect(!ref.has_expires || ref.where == sip::place::contact, "expires of a Contact");
}

inline void check_addresses(view_check &check)
{
	u32 behind = 0;

	for (u32 i = 0; i < check.view.address_count; i++) {
		const sip::address_ref &ref = check.view.addresses[i];
		const bool received = ref.where == sip::place::via_received;

		check.inside(ref.host, "host inside the message");
		check.inside(ref.port, "port inside the message");
		check.expect(!ref.host.empty() || (received && !ref.port.empty()), "an address has a host");
		check.expect(spells(check.bytes.sub(ref.port), ref.port_number), "port digits");
		if (ref.host.empty())
			check.expect(!ref.address, "no host, no address");
		else
			check_literal(check, ref);
		check_place(check, ref);
		// The pair of received= and rport= is entered when its Via value ends.
		if (received)
			continue;
		check.expect(ref.host.offset >= behind, "addresses in the order of the text");
		behind = ref.host.end();
	}
}

inline bool refers_to(const sip::message_view &view, u8 index, sip::place where, u8 body)
{
	return index == sip::none || (index < view.address_count &&
	       view.addresses[index].where == where && view.addresses[index].index == body);
}

inline void check_stream(view_check &check, u8 number)
{
	const sip::message_view &view = check.view;
	const sip::media_stream &stream = view.streams[number];

	check.inside(stream.port, "stream port inside the message");
	check.inside(stream.rtcp_port, "RTCP port inside the message");
	check.expect(!stream.port.empty() && spells(check.bytes.sub(stream.port), stream.port_number),
		     "stream port digits");
	check.expect(spells(check.bytes.sub(stream.rtcp_port), stream.rtcp_port_number),
		     "RTCP port digits");
	check.expect(stream.port_count > 0, "at least one port");
	check.expect(stream.body < view.body_count, "stream has a body");
	check.expect(refers_to(view, stream.connection, sip::place::sdp_connection, stream.body),
		     "c= of a stream");
	check.expect(refers_to(view, stream.rtcp_address, sip::place::sdp_rtcp, stream.body),
		     "a=rtcp of a stream");
	if (check.broken)
		return;
	if (stream.connection != sip::none) {
		const sip::address_ref &ref = view.addresses[stream.connection];
		check.expect(ref.stream == sip::none || ref.stream == number, "c= of this stream");
		check.expect(stream.on_hold_address == sip::is_unspecified(ref.address), "hold address");
	}
	check.expect(!stream.connection_is_name || stream.connection == sip::none, "a name is no address");
	check.expect(stream.rtcp_address == sip::none ||
		     view.addresses[stream.rtcp_address].stream == number, "a=rtcp of this stream");
}

inline void check_bodies(view_check &check)
{
	const sip::message_view &view = check.view;
	u32 streams = 0;
	u32 behind = view.body_start;

	for (u32 i = 0; i < view.body_count; i++) {
		const sip::sdp_body &body = view.bodies[i];

		check.inside(body.text, "SDP inside the message");
		check.inside(body.part_content_length, "part length inside the message");
		check.expect(!body.text.empty() && body.text.offset >= behind, "SDP bodies in order");
		check.expect(body.first_stream == streams, "streams of a body in order");
		check.expect(refers_to(view, body.origin, sip::place::sdp_origin, u8(i)), "o= of a body");
		check.expect(refers_to(view, body.connection, sip::place::sdp_connection, u8(i)),
			     "c= of a body");
		behind = body.text.end();
		streams += body.stream_count;
	}
	check.expect(streams == view.stream_count, "every stream has a body");
}

// nullptr, or what is wrong with the view of a message that parse() accepted.
inline const char *check_view(text_view bytes, const sip::message_view &view)
{
	view_check check{.bytes = bytes, .view = view};

	check_summary(check);
	if (!check.broken)
		check_addresses(check);
	for (u32 i = 0; !check.broken && i < view.stream_count; i++)
		check_stream(check, u8(i));
	if (!check.broken)
		check_bodies(check);
	return check.broken;
}

} // namespace sip_cases

#endif

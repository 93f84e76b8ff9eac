// SPDX-License-Identifier: GPL-2.0
// SDP (RFC 8866): where the addresses and ports of each media stream stand, and what
// decides how they are used.
#ifndef SIP_EXT_SDP_PARSE_H
#define SIP_EXT_SDP_PARSE_H

#include "parser_state.h"

namespace sip {

// One SDP body while it is read. Attributes of the session are handed down to each
// m= section when it starts (RFC 8866 5.13): they all stand before the first.
struct sdp_reader {
	parser &p;
	u8 body;
	u8 bundled_count = 0;
	bool own_connection = false;	// this section has had a c= of its own
	bool has_mid = false;
	bool has_origin = false;
	media_stream *stream = nullptr;	// null at session level
	media_stream session{};		// what the session level says
	struct { u16 offset, length; u32 hash; } bundled[max_streams];	// mids of a=group:BUNDLE

	sdp_reader(parser &state, u8 number) : p(state), body(number) {}
	u8 stream_index() const { return stream ? u8(p.view.stream_count - 1) : none; }
	media_stream &scope() { return stream ? *stream : session; }
};

inline bool broken_sdp(sdp_reader &sdp)
{
	return sdp.p.fail(parse_error::body);
}

inline cursor next_field(cursor &line)
{
	line.skip_blanks();
	return line.take_until(cc_lws);
}

// A port field as a whole, at most `limit`: SDP with another is not understood.
inline bool read_sdp_port(sdp_reader &sdp, cursor digits, span &where, u16 &number)
{
	where = sdp.p.span_of(digits);
	if (!read_port(digits, number) || !digits.done())
		return broken_sdp(sdp);
	return true;
}

// The form that nearly all have, without taking it apart into fields. Of IPv6 the literal read last.
inline bool read_plain_data(sdp_reader &sdp, cursor &line, address_ref &ref)
{
	cursor rest = line;

	rest.skip_blanks();
	if (rest.accept_word<"in ip4 ">()) {
		const char *begin = rest.at();
		if (!read_ipv4(sdp.p, rest, cc_field, ref.address))
			return false;
		ref.host = sdp.p.span_of({begin, rest.at()});
		line = rest;
		return true;
	}
	if (!rest.accept_word<"in ip6 ">() || sdp.p.address.family != SIPX_IPV6 || !is_known(sdp.p, rest, rest.left()))
		return false;
	ref.address = sdp.p.address;
	ref.host = sdp.p.span_of(rest);
	line.skip_to(line.end());
	return true;
}

// "IN IP4 address" and "IN IP6 address" (RFC 8866 5.7, 5.2; RFC 3605). Other network
// types and names leave `ref` without an address. False: there is no address field.
inline bool read_connection_data(sdp_reader &sdp, cursor &line, address_ref &ref)
{
	if (read_plain_data(sdp, line, ref))
		return true;

	const cursor nettype = next_field(line);
	const cursor addrtype = next_field(line);
	cursor address = next_field(line);

	if (address.done())
		return false;
	if (nettype.is<"in">() && (addrtype.is<"ip4">() || addrtype.is<"ip6">())) {
		// A multicast address has its TTL and count behind a slash (RFC 8866 5.7).
		address = {address.at(), address.find('/')};
		set_host(sdp.p, ref, whole_host(sdp.p, address));
	}
	return true;
}

// The last field of an o= line and the two before it, where they have their usual form.
inline bool read_plain_origin(sdp_reader &sdp, cursor line, address_ref &ref)
{
	const char *begin = line.end();

	while (begin > line.at() && !is_in(begin[-1], cc_lws))
		begin--;
	if (begin - line.at() < 8 || !is_in(begin[-8], cc_blank))
		return false;
	cursor last_three{begin - 7, line.end()};
	return read_plain_data(sdp, last_three, ref);
}

// o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>. User
// names with blanks have been seen: the last three fields count.
inline bool parse_origin(sdp_reader &sdp, cursor line)
{
	address_ref ref{.where = place::sdp_origin, .index = sdp.body};

	// One o= and no more (RFC 8866 5.2).
	if (sdp.has_origin)
		return broken_sdp(sdp);
	sdp.has_origin = true;
	if (!read_plain_origin(sdp, line, ref)) {
		cursor fields[3] = {next_field(line), next_field(line), next_field(line)};

		for (cursor next = next_field(line); !next.done(); next = next_field(line)) {
			fields[0] = fields[1];
			fields[1] = fields[2];
			fields[2] = next;
		}
		cursor last_three{fields[0].at(), fields[2].end()};
		if (!read_connection_data(sdp, last_three, ref) || !ref.address)
			return true;
	}
	return sdp.p.add(ref, sdp.p.view.bodies[sdp.body].origin);
}

// Of several c= in one section (layered multicast) the first counts.
inline bool parse_connection(sdp_reader &sdp, cursor line)
{
	address_ref ref{.where = place::sdp_connection, .index = sdp.body,
			.stream = sdp.stream_index()};
	u8 index = none;

	if (!sdp.p.count_value())
		return false;
	if (!read_connection_data(sdp, line, ref))
		return broken_sdp(sdp);
	if (ref.address && !sdp.p.add(ref, index))
		return false;
	if (sdp.own_connection)
		return true;
	sdp.own_connection = true;
	sdp.scope().connection = index;
	if (!sdp.stream)
		sdp.p.view.bodies[sdp.body].connection = index;
	sdp.scope().connection_is_name = index == none;
	sdp.scope().on_hold_address = index != none && is_unspecified(ref.address);
	return true;
}

inline media_kind kind_of(cursor media)
{
	if (media.is<"audio">())
		return media_kind::audio;
	if (media.is<"video">())
		return media_kind::video;
	if (media.is<"image">())
		return media_kind::image;
	if (media.is<"text">())
		return media_kind::text;
	if (media.is<"application">())
		return media_kind::application;
	if (media.is<"message">())
		return media_kind::message;
	return media_kind::other;
}

// proto is a path of protocols, topmost last: RTP/AVP, UDP/TLS/RTP/SAVPF, TCP/MSRP.
// RTP, UDPTL and DTLS run over UDP where nothing is said; a TCP anywhere wins
// (RFC 4145, RFC 7850; RTP/AVP/TCP as in RTSP).
inline void read_proto(cursor proto, media_stream &stream)
{
	if (proto.is<"rtp/avp">()) {
		stream.transport = media_transport::udp;
		stream.rtp = true;
		return;
	}
	if (proto.looking_at<"udp">() || proto.looking_at<"rtp/">() || proto.looking_at<"dtls/">())
		stream.transport = media_transport::udp;
	for (;;) {
		const char *slash = proto.find('/');
		const cursor part{proto.at(), slash};

		if (part.is<"tcp">())
			stream.transport = media_transport::tcp;
		else if (part.is<"rtp">())
			stream.rtp = true;
		if (slash == proto.end())
			return;
		proto.skip_to(slash + 1);
	}
}

// The section that starts here, with what the session level hands down to it.
inline media_stream &start_section(sdp_reader &sdp)
{
	message_view &view = sdp.p.view;

	sdp.stream = &view.streams[view.stream_count++];
	sdp.own_connection = false;
	sdp.has_mid = false;
	view.bodies[sdp.body].stream_count++;
	*sdp.stream = {.body = sdp.body,
		       .connection = sdp.session.connection,
		       .direction = sdp.session.direction,
		       .setup = sdp.session.setup,
		       .connection_is_name = sdp.session.connection_is_name,
		       .on_hold_address = sdp.session.on_hold_address};
	return *sdp.stream;
}

// m=<media> <port>["/"<count>] <proto> <fmt> ...
inline bool parse_media(sdp_reader &sdp, cursor line)
{
	const cursor media = next_field(line);
	cursor port = next_field(line);
	const cursor proto = next_field(line);
	u32 count = 1;

	if (proto.done())
		return broken_sdp(sdp);
	if (sdp.p.view.stream_count == max_streams)
		return sdp.p.fail(parse_error::too_many_streams);

	media_stream &stream = start_section(sdp);
	stream.kind = kind_of(media);
	read_proto(proto, stream);
	const char *slash = port.find('/');
	if (slash != port.end()) {
		cursor digits{slash + 1, port.end()};
		if (!read_number(digits, 65535, count) || !digits.done() || !count)
			return broken_sdp(sdp);
	}
	stream.port_count = u16(count);
	return read_sdp_port(sdp, {port.at(), slash}, stream.port, stream.port_number);
}

// a=rtcp:<port> [<nettype> <addrtype> <address>] (RFC 3605), a media attribute.
inline bool parse_rtcp(sdp_reader &sdp, cursor line)
{
	address_ref ref{.where = place::sdp_rtcp, .index = sdp.body, .stream = sdp.stream_index()};
	media_stream &scope = sdp.scope();

	if (!scope.rtcp_port.empty())
		return broken_sdp(sdp);
	if (!read_sdp_port(sdp, next_field(line), scope.rtcp_port, scope.rtcp_port_number))
		return false;
	ref.port = scope.rtcp_port;
	ref.port_number = scope.rtcp_port_number;
	if (!read_connection_data(sdp, line, ref))
		return true;
	scope.rtcp_is_name = !ref.address;
	return scope.rtcp_is_name || sdp.p.add(ref, scope.rtcp_address);
}

inline bool add_candidate(sdp_reader &sdp, cursor address, cursor port, place where)
{
	address_ref ref{.where = where, .index = sdp.body, .stream = sdp.stream_index()};
	u8 index;

	set_host(sdp.p, ref, whole_host(sdp.p, address));
	if (!port.done() && !read_sdp_port(sdp, port, ref.port, ref.port_number))
		return false;
	return !ref.address || sdp.p.add(ref, index);
}

// What follows "typ <type>": pairs of names and values (RFC 8839 5.1).
inline bool parse_candidate_extensions(sdp_reader &sdp, cursor line)
{
	cursor address, port;

	for (;;) {
		const cursor name = next_field(line);
		const cursor value = next_field(line);

		if (value.done())
			break;
		if (name.is<"raddr">())
			address = value;
		else if (name.is<"rport">())
			port = value;
	}
	return address.done() || add_candidate(sdp, address, port, place::sdp_candidate_related);
}

// a=candidate:<foundation> <component> <transport> <priority> <address> <port> typ ...
// A line that is no candidate is one to nobody, and passed over like an unknown attribute.
inline bool parse_candidate(sdp_reader &sdp, cursor line)
{
	for (u32 i = 0; i < 4; i++)
		next_field(line);

	const cursor address = next_field(line);
	const cursor port = next_field(line);
	if (port.done() || !next_field(line).is<"typ">() || next_field(line).done())
		return true;
	sdp.scope().has_candidates = true;
	return add_candidate(sdp, address, port, place::sdp_candidate) &&
	       parse_candidate_extensions(sdp, line);
}

// a=path:<MSRP-URI> ... (RFC 4975 6 and 8.1): relays, and last the sender itself. A URI
// that is not understood is passed over, as a host name is.
inline bool parse_path(sdp_reader &sdp, cursor line)
{
	for (cursor uri = next_field(line); !uri.done(); uri = next_field(line)) {
		address_ref ref{.where = place::sdp_path, .index = sdp.body, .stream = sdp.stream_index()};
		host_text host;
		u8 index;

		if (!uri.accept_word<"msrp://">() && !uri.accept_word<"msrps://">())
			continue;
		cursor authority{uri.at(), uri.find('/')};
		const char *at_sign = authority.find('@');
		if (at_sign != authority.end())
			authority.skip_to(at_sign + 1);
		if (!read_host(sdp.p, authority, host) || !host.address)
			continue;
		set_host(sdp.p, ref, host);
		if (authority.accept(':') &&
		    !read_sdp_port(sdp, authority.take_while(cc_digit), ref.port, ref.port_number))
			return false;
		// behind digits that are no port there may be anything
		if (!authority.done() && authority.peek() != ';')
			continue;
		if (!sdp.p.add(ref, index))
			return false;
	}
	return true;
}

// Keeps long mids that differ from being compared byte by byte, 64 with 64.
inline u32 hash_of(cursor text)
{
	u32 hash = 0;

	for (; !text.done(); text.skip(1))
		hash = hash * 31 + u32(text.peek());
	return hash;
}

// a=group:<semantics> <mid> ... (RFC 9143), a session attribute.
inline bool parse_group(sdp_reader &sdp, cursor line)
{
	if (sdp.stream || !next_field(line).is<"bundle">())
		return true;
	for (cursor mid = next_field(line); !mid.done(); mid = next_field(line)) {
		if (sdp.bundled_count == max_streams)
			return sdp.p.fail(parse_error::too_many_streams);
		const span where = sdp.p.span_of(mid);
		sdp.bundled[sdp.bundled_count++] = {where.offset, where.length, hash_of(mid)};
	}
	return true;
}

// The first a=mid of a section names it (RFC 5888 9.1).
inline void parse_mid(sdp_reader &sdp, cursor line)
{
	const cursor mid = next_field(line);

	if (!sdp.stream || sdp.has_mid)
		return;
	sdp.has_mid = true;
	const u32 hash = sdp.bundled_count ? hash_of(mid) : 0;
	for (u32 i = 0; i < sdp.bundled_count; i++)
		if (sdp.bundled[i].hash == hash && sdp.bundled[i].length == mid.left() &&
		    same_bytes(sdp.p.base + sdp.bundled[i].offset, mid.at(), mid.left()))
			sdp.stream->bundled = true;
}

// RFC 4145 4.
inline setup_role setup_of(cursor value)
{
	value = next_field(value);
	if (value.is<"active">())
		return setup_role::active;
	if (value.is<"passive">())
		return setup_role::passive;
	if (value.is<"actpass">())
		return setup_role::actpass;
	if (value.is<"holdconn">())
		return setup_role::holdconn;
	return setup_role::unset;
}

inline media_direction direction_of(cursor attribute)
{
	attribute.trim_end();
	if (attribute.left() != 8)
		return media_direction::unset;
	if (attribute.is<"sendrecv">())
		return media_direction::sendrecv;
	if (attribute.is<"sendonly">())
		return media_direction::sendonly;
	if (attribute.is<"recvonly">())
		return media_direction::recvonly;
	if (attribute.is<"inactive">())
		return media_direction::inactive;
	return media_direction::unset;
}

inline void parse_direction(sdp_reader &sdp, cursor line)
{
	const media_direction direction = direction_of(line);

	if (direction != media_direction::unset)
		sdp.scope().direction = direction;
}

// RFC 5761, RFC 8858.
inline bool parse_rtcp_attribute(sdp_reader &sdp, cursor line)
{
	if (line.accept_word<"rtcp:">())
		return parse_rtcp(sdp, line);
	line.trim_end();
	if (line.is<"rtcp-mux">())
		sdp.scope().rtcp_mux = true;
	if (line.is<"rtcp-mux-only">())
		sdp.scope().rtcp_mux = sdp.scope().rtcp_mux_only = true;
	return true;
}

inline bool parse_attribute(sdp_reader &sdp, cursor line)
{
	switch (line.peek() | 0x20) {
	case 'r':
		if (line.looking_at<"rtcp">())
			return parse_rtcp_attribute(sdp, line);
		parse_direction(sdp, line);
		return true;
	case 'c':
		return !line.accept_word<"candidate:">() || parse_candidate(sdp, line);
	case 's':
		if (line.accept_word<"setup:">())
			sdp.scope().setup = setup_of(line);
		else
			parse_direction(sdp, line);
		return true;
	case 'i':
		parse_direction(sdp, line);
		return true;
	case 'g':
		return !line.accept_word<"group:">() || parse_group(sdp, line);
	case 'm':
		if (line.accept_word<"mid:">())
			parse_mid(sdp, line);
		else if (line.looking_at<"msrp-cema">())
			sdp.scope().msrp_cema = true;
		return true;
	case 'p':
		return !line.accept_word<"path:">() || parse_path(sdp, line);
	case 'b':
		line.trim_end();
		if (line.is<"bundle-only">())
			sdp.scope().bundle_only = true;
		return true;
	default:
		return true;
	}
}

// Most lines are attributes of codecs: a=rtpmap, a=fmtp and their like.
inline bool says_nothing(cursor line)
{
	const char *at = line.at();

	if (line.left() < 6 || at[0] != 'a' || at[1] != '=')
		return false;
	return !is_in(at[2], cc_attribute) || detail::matches<"rtpm">(at + 2);
}

// Type letters are case-sensitive (RFC 8866 5). A line of a type that names addresses
// must have the form that every receiver reads in the same way.
inline bool parse_sdp_line(sdp_reader &sdp, cursor line)
{
	const int type = line.peek();

	if (type == 'a') {
		line.skip(1);
		return !line.accept('=') || parse_attribute(sdp, line);
	}
	if (type != 'm' && type != 'c' && type != 'o')
		return true;
	line.skip(1);
	if (!line.accept('='))
		return broken_sdp(sdp);
	if (type == 'm')
		return parse_media(sdp, line);
	if (type == 'c')
		return parse_connection(sdp, line);
	return parse_origin(sdp, line);
}

// One application/sdp body or part. Empty lines before v= are none of it.
inline bool parse_sdp(parser &p, cursor text, span part_length)
{
	while (text.peek() == '\r' || text.peek() == '\n')
		text.skip(1);
	if (text.done())
		return true;
	if (p.view.body_count == max_bodies)
		return p.fail(parse_error::body);

	sdp_reader sdp(p, p.view.body_count++);
	sdp_body &body = p.view.bodies[sdp.body];
	body = {.text = p.span_of(text), .part_content_length = part_length,
		.first_stream = p.view.stream_count};
	line_reader lines(text);
	cursor line;
	while (!lines.done()) {
		(void)lines.take(line);
		if (!says_nothing(line) && !parse_sdp_line(sdp, line))
			return false;
	}
	return true;
}

} // namespace sip

#endif

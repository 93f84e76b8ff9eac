// SPDX-License-Identifier: GPL-2.0
// Which bytes of a message change, and what stands there instead.
//
// A message from the inside is translated inner -> outer, a message to it outer -> inner.
// Address and port change as a pair, in every place that names them or in none.
#include "cursor.h"
#include "plan.h"
#include "text_writer.h"

namespace sip {

namespace {

// RFC 768 and RFC 791: 16 bits count a whole packet with its headers. A message over TCP has
// no headers before it, but the parser's offsets have 16 bits, too.
constexpr u32 longest_datagram = 65535 - 20 - 8;
constexpr u32 longest_message = 65535;

u32 longest(const sipx_packet_info &info)
{
	return info.source_inner.protocol == SIPX_TCP ? longest_message : longest_datagram;
}

// One message while its edits are planned.
struct drafting {
	const sipx_packet_info &info;
	const message_view &view;
	const call_event &event;
	plan &p;
	bool forward;	// the sender's own addresses are translated
	bool backward;	// the receiver's are
	bool from_inside;
	sipx_reason refusal;	// why the message stays as it is; `unchanged`: no reason yet
	text_view noted;	// see note_literal()
};

u8 add_value(plan &p, const endpoint &fixed, u8 wish)
{
	for (u8 i = 0; i < p.value_count; i++)
		if (p.values[i].wish == wish && (wish != none || same_endpoint(p.values[i].fixed, fixed)))
			return i;
	if (p.value_count == max_edit_values)
		return none;
	p.values[p.value_count] = {fixed, wish};
	return p.value_count++;
}

void refuse(drafting &d, sipx_reason why)
{
	if (d.refusal == SIPX_COUNT_unchanged)
		d.refusal = why;
}

u8 value_of_wish(drafting &d, u8 wish)
{
	const u8 value = wish == none ? none : add_value(d.p, {}, wish);
	if (value == none)
		refuse(d, SIPX_COUNT_too_many_addresses);
	return value;
}

void add_edit(drafting &d, u32 offset, u32 length, edit_kind kind, u8 value)
{
	if (d.p.edit_count == max_edits || value == none) {
		refuse(d, SIPX_COUNT_too_many_addresses);
		return;
	}
	d.p.edits[d.p.edit_count++] = {static_cast<u16>(offset), static_cast<u16>(length), kind, value, 0};
}

void edit_span(drafting &d, span at, edit_kind kind, u8 value)
{
	add_edit(d, at.offset, at.length, kind, value);
}

u16 default_port(const address_ref &ref) { return ref.secure ? default_sips_port : default_sip_port; }
u16 port_of(const address_ref &ref) { return ref.port.empty() ? default_port(ref) : ref.port_number; }
u32 host_end(const address_ref &ref) { return ref.host.end() + ref.bracketed; }

constexpr u32 via_bit = 1u << static_cast<u8>(place::via);

// The bit under which it is remembered whether the inside endpoint wrote a port: what comes
// back in one place was written in another (RFC 3261 12.2.1.1).
u32 spelling_bit(const address_ref &ref)
{
	place where = ref.where;
	if (where == place::request_uri)
		where = place::contact;
	if (where == place::route)
		where = place::record_route;
	if (where == place::via && ref.index)	// another program of the host: it has its own way
		where = place::via_received;
	return 1u << static_cast<u8>(where);
}

// The places where the inside endpoint expects its outside address, since it never wrote
// the inside one there.
u32 expects_outer(const drafting &d)
{
	return d.p.before.outer & ~d.p.before.inner;
}

bool is_identity(place where)
{
	return where >= place::from && where <= place::history_info;
}

// ---- inner -> outer

// The sender says that of itself. In a response these fields were written by the other
// end before, and are repeated (RFC 3261 8.2.6.2 and 12.1.1, RFC 3327 5.3).
bool speaks_of_itself(const drafting &d, const address_ref &ref)
{
	const place where = ref.where;
	const bool repeated = where == place::via || where == place::from || where == place::to ||
			      where == place::record_route || where == place::path;
	return d.view.request || !repeated;
}

bool is_known(const plan &p, const endpoint &inside)
{
	for (u8 i = 0; i < p.known_count; i++)
		if (same_socket(p.known[i].inside, inside))
			return true;
	return false;
}

// Sockets that the connection knows once this message is through.
u32 sockets_taken(const plan &p)
{
	u32 taken = p.known_count;
	for (u8 i = 0; i < p.wish_count; i++)
		taken += p.wishes[i].signalling && !is_known(p, p.wishes[i].inside);
	return taken;
}

// An identity is spoken of and need not be listened at, but it comes back as it was written
// (R4): it has a binding while there is room for one.
u8 value_of_identity(drafting &d, const endpoint &inside)
{
	if (sockets_taken(d.p) >= max_sockets - 1u && find_wish(d.p, inside) == none)
		return source_value;
	const u8 before = d.p.wish_count;
	const u8 wish = wish_binding(d.p, inside, true);
	if (d.p.wish_count != before)
		d.p.wishes[wish].spoken_of = true;
	return value_of_wish(d, wish);
}

port_group group_of(const drafting &d, const address_ref &ref)
{
	switch (ref.where) {
	case place::via:
		return ref.index ? port_group::other_via : port_group::via;
	case place::request_uri:
		return d.view.to_tag.empty() ? port_group::registered : port_group::contact;
	case place::contact:
		return d.view.request_method == method::register_ ? port_group::registered : port_group::contact;
	case place::refer_to:
		return port_group::contact;
	case place::record_route:
	case place::route:
	case place::path:
	case place::service_route:
		return port_group::route;
	default:
		return port_group::identity;
	}
}

constexpr u32 bit_of(place where) { return 1u << static_cast<u8>(where); }

// Where the sender has written a port before, in that group. spelling_bit() leaves the bits of
// request_uri and route to a Contact that was registered, and any other.
u32 bits_of(port_group group)
{
	switch (group) {
	case port_group::via:
		return bit_of(place::via);
	case port_group::other_via:
		return bit_of(place::via_received);
	case port_group::registered:
		return bit_of(place::request_uri);
	case port_group::contact:
		return bit_of(place::route);
	case port_group::route:
		return bit_of(place::record_route) | bit_of(place::path) | bit_of(place::service_route);
	case port_group::identity:
		break;
	}
	return bit_of(place::history_info) * 2 - bit_of(place::from);
}

// Requests go there, and not only what is compared with what was written (RFC 3261 18.1.2).
bool is_reached_at(port_group group)
{
	return group == port_group::registered || group == port_group::contact || group == port_group::route;
}

// Whether the port means the connection itself. Over TCP a phone sends from any port and names
// the one that it listens at, but nobody can come in there (S2): it is reached by the connection
// that it began, so that this is what its first port stands for, and is led back to (T8). Where
// requests go, the port that it sends from does so, too.
bool names_connection(drafting &d, const address_ref &ref, u16 port)
{
	const port_group group = group_of(d, ref);
	u16 &stands_for = d.p.stands_for.port[!d.from_inside][static_cast<u8>(group)];
	const bool own = port == d.info.source_inner.port;
	const bool reached = is_reached_at(group);
	if (stands_for)
		return port == stands_for || (own && d.p.one_port && reached);
	const bool wrote_own = !reached && d.from_inside && (d.p.after.inner & bits_of(group));
	// Who was called on the port that it listens at means another one by another number.
	const bool called = d.info.reply != 0;
	if (own || called || !d.p.one_port || !port || wrote_own || !speaks_of_itself(d, ref))
		return own;
	stands_for = port;
	d.p.fresh_stand_in = true;
	return true;
}

// The inside port that the own outside one of this connection stands for where the receiver
// reads it; 0: that which it has. What it never wrote in the one Contact it wrote in the other.
u16 stand_in(const drafting &d, const address_ref &ref)
{
	port_group group = group_of(d, ref);
	const bool written = d.p.before.inner & bits_of(group);
	if (group == port_group::registered && !written)
		group = port_group::contact;
	else if (group == port_group::contact && !written)
		group = port_group::registered;
	return d.p.stands_for.port[d.from_inside][static_cast<u8>(group)];
}

// Over TCP a Contact may mean UDP: it says so, or says nothing, and the socket is known there.
u8 protocol_of(const drafting &d, const address_ref &ref)
{
	const u8 own = d.info.source_inner.protocol;
	if (own == SIPX_UDP || ref.where != place::contact || ref.secure)
		return own;
	const endpoint socket = make_endpoint(ref.address, port_of(ref), SIPX_UDP);
	bool known = ref.transport == uri_transport::udp;
	if (ref.transport == uri_transport::unsaid) {
		known = find_wish(d.p, socket) != none;
		for (u8 i = 0; i < d.p.known_count; i++)
			known |= same_socket(d.p.known[i].inside, socket);
	}
	return known ? SIPX_UDP : own;
}

// Which value stands for that inside socket of the sender; `none`: it is not changed.
u8 outer_of(drafting &d, const address_ref &ref)
{
	const u16 port = port_of(ref);
	const u8 protocol = protocol_of(d, ref);
	const endpoint inside = make_endpoint(ref.address, port, protocol);
	if (protocol == d.info.source_inner.protocol && names_connection(d, ref, port))
		return source_value;
	for (u8 i = 0; i < d.p.known_count; i++) {
		const known_socket &known = d.p.known[i];
		const bool listens_now = known.spoken_of && !is_identity(ref.where) && speaks_of_itself(d, ref);
		if (same_socket(known.inside, inside) && !listens_now)
			return add_value(d.p, known.outside, none);
	}
	if (!speaks_of_itself(d, ref))
		return none;
	if (port == 0)		// nobody listens there: what it means is not known
		refuse(d, SIPX_COUNT_malformed_number);
	// No door leads to a low port (S4): the pair that the message itself has stands for both.
	if (port < lowest_media_port)
		return source_value;
	if (is_identity(ref.where))
		return value_of_identity(d, inside);
	const u8 wish = wish_binding(d.p, inside, true);
	if (wish != none)
		d.p.wishes[wish].spoken_of = d.p.wishes[wish].media;
	return value_of_wish(d, wish);
}

// How the inside endpoint writes its IPv6 address, if not in the form that we would use.
void note_literal(drafting &d, const address_ref &ref)
{
	inner_literal &literal = d.p.literal;
	if (ref.address.family != SIPX_IPV6 || ref.host.length > sizeof(literal.text))
		return;
	const text_view written(reinterpret_cast<const char *>(d.info.payload) + ref.host.offset, ref.host.length);
	if (written == d.noted)		// the one before says so as well
		return;
	d.noted = written;
	char buffer[sizeof(literal.text)];
	text_writer usual(buffer, sizeof(buffer));
	usual.put_address(d.info.source_inner);
	const text_view kept = written == usual.text() ? text_view() : written;
	if (kept == text_view(literal.text, literal.length))
		return;
	__builtin_memcpy(literal.text, kept.data(), kept.size());
	literal.length = static_cast<u8>(kept.size());
	literal.fresh = true;
}

void translate_outward(drafting &d, const address_ref &ref)
{
	const u8 value = outer_of(d, ref);
	if (value == none)
		return;
	note_literal(d, ref);
	edit_span(d, ref.host, edit_kind::address, value);
	const u32 bit = spelling_bit(ref);
	d.p.after.inner |= bit;
	if (ref.where == place::contact && d.info.source_inner.protocol == SIPX_TCP)
		d.p.after.inner |= bits_of(group_of(d, ref));
	if (!ref.port.empty()) {
		if (ref.port_number == default_port(ref))	// any other port is written in any case
			d.p.after.bare &= ~bit;
		edit_span(d, ref.port, edit_kind::port, value);
		return;
	}
	d.p.after.bare |= bit;
	add_edit(d, host_end(ref), 0, ref.secure ? edit_kind::add_secure_port : edit_kind::add_port, value);
}

// ---- outer -> inner

// Which value stands for that outside socket of the receiver; `none` if it is none of its.
u8 inner_of(drafting &d, const address_ref &ref)
{
	const u16 port = port_of(ref);
	if (port == d.info.destination_outer.port) {
		const u16 inside = stand_in(d, ref);
		return inside ? add_value(d.p, with_port(d.info.destination_inner, inside), none) : destination_value;
	}
	for (u8 i = 0; i < d.p.known_count; i++)
		if (d.p.known[i].outside.port == port && same_address(d.p.known[i].outside, ref.address))
			return add_value(d.p, d.p.known[i].inside, none);
	return none;
}

void translate_inward(drafting &d, const address_ref &ref)
{
	const u8 value = inner_of(d, ref);
	if (value == none)
		return;
	edit_span(d, ref.host, edit_kind::address, value);
	const bool default_inside = d.p.values[value].fixed.port == default_port(ref);
	if (ref.port.empty()) {
		if (!default_inside)
			add_edit(d, host_end(ref), 0,
				 ref.secure ? edit_kind::add_secure_port : edit_kind::add_port, value);
		return;
	}
	if (default_inside && (d.p.before.bare & spelling_bit(ref)))
		add_edit(d, host_end(ref), ref.port.end() - host_end(ref), edit_kind::drop_port, value);
	else
		edit_span(d, ref.port, edit_kind::port, value);
}

// An identity without a port names a host, not a socket: it keeps having none.
void translate_identity(drafting &d, const address_ref &ref, bool outward)
{
	if (!ref.port.empty())
		return outward ? translate_outward(d, ref) : translate_inward(d, ref);
	edit_span(d, ref.host, edit_kind::address, outward ? source_value : destination_value);
	// it no longer writes its outside address there
	if (outward)
		d.p.after.inner |= d.p.after.outer & spelling_bit(ref);
}

// received= and rport= say where the server saw the request come from (RFC 3581 4): on the
// way back that is where the client sent it from.
void translate_received(drafting &d, const address_ref &ref)
{
	if (!d.backward || d.view.request || (expects_outer(d) & via_bit))
		return;
	const bool address = same_address(d.info.destination_outer, ref.address);
	const bool port = ref.port_number == d.info.destination_outer.port;
	if ((!ref.host.empty() && !address) || (!ref.port.empty() && !port))
		return;
	if (!ref.host.empty())
		edit_span(d, ref.host, edit_kind::address, destination_value);
	if (!ref.port.empty())
		edit_span(d, ref.port, edit_kind::port, destination_value);
}

void translate_maddr(drafting &d, const address_ref &ref)
{
	if (d.forward && same_address(d.info.source_inner, ref.address))
		edit_span(d, ref.host, edit_kind::address, source_value);
	else if (d.backward && same_address(d.info.destination_outer, ref.address))
		edit_span(d, ref.host, edit_kind::address, destination_value);
}

// The inside endpoint wrote its outside address by itself: it expects it back so.
bool names_outer_itself(const drafting &d, const address_ref &ref)
{
	const bool port = port_of(ref) == d.info.source_outer.port || (is_identity(ref.where) && ref.port.empty());
	return d.forward && port && same_address(d.info.source_outer, ref.address);
}

void translate_routing(drafting &d, const address_ref &ref)
{
	if (d.p.leave_identity && is_identity(ref.where))
		return;
	const u32 bit = spelling_bit(ref);
	const bool outward = d.forward && same_address(d.info.source_inner, ref.address);
	if (names_outer_itself(d, ref))
		d.p.after.outer |= bit;
	const bool inward = d.backward && !(expects_outer(d) & bit) &&
			    same_address(d.info.destination_outer, ref.address);
	if (!outward && !inward)
		return;
	if (is_identity(ref.where))
		translate_identity(d, ref, outward);
	else if (outward)
		translate_outward(d, ref);
	else
		translate_inward(d, ref);
}

// ---- SDP: the sender's own

// Its address, or that of an inside host whose media it may speak for.
bool is_own_media_host(const drafting &d, const address_ref &ref)
{
	return same_address(d.info.source_inner, ref.address) || is_media_host(d.p, ref.address);
}

// A c= line follows the streams that it counts for: it changes with any that is bound, and
// where nothing is sent at all. Ports that are left alone (below 1024) keep theirs.
bool connection_follows(const drafting &d, u8 ref_index, const address_ref &ref)
{
	if (ref.stream != none)
		return d.p.streams[ref.stream].rtp != none || d.view.streams[ref.stream].port_number == 0;
	bool any_left_alone = false;
	const sdp_body &body = d.view.bodies[ref.index];
	for (u32 i = body.first_stream; i < u32{body.first_stream} + body.stream_count; i++) {
		const media_stream &stream = d.view.streams[i];
		if (stream.connection != ref_index)
			continue;
		if (d.p.streams[i].rtp != none)
			return true;
		any_left_alone |= stream.port_number != 0;
	}
	return !any_left_alone;
}

// The wish whose inside socket that is; `none` if the message binds no such socket.
u8 find_bound(const drafting &d, const address_ref &ref, u8 protocol)
{
	for (u8 i = 0; i < d.p.wish_count; i++) {
		const binding_wish &wish = d.p.wishes[i];
		if (wish.media && wish.inside.protocol == protocol && wish.inside.port == ref.port_number &&
		    same_address(wish.inside, ref.address))
			return i;
	}
	return none;
}

bool is_line_end(u8 byte) { return byte == '\r' || byte == '\n'; }

// MSRP runs over TCP. Of a candidate the third field of its line says it (RFC 8839 5.1): UDP,
// or one of TCP (RFC 6544).
u8 media_protocol_of(const drafting &d, const address_ref &ref)
{
	if (ref.where == place::sdp_path)
		return SIPX_TCP;
	const char *payload = reinterpret_cast<const char *>(d.info.payload);
	u32 begin = ref.host.offset;
	while (begin && !is_line_end(d.info.payload[begin - 1]))
		begin--;
	cursor line{payload + begin, payload + ref.host.offset};
	for (u32 i = 0; i < 2; i++) {
		line.take_until(cc_blank);
		line.skip_blanks();
	}
	return line.looking_at<"tcp">() ? SIPX_TCP : SIPX_UDP;
}

// What a server-reflexive candidate names besides its own: the inside socket (raddr, rport).
const address_ref *related_of(const drafting &d, u8 index)
{
	if (index + 1 >= d.view.address_count)
		return nullptr;
	const address_ref &next = d.view.addresses[index + 1];
	for (u32 i = d.view.addresses[index].host.end(); i < next.host.offset; i++)
		if (is_line_end(d.info.payload[i]))
			return nullptr;
	return next.where == place::sdp_candidate_related ? &next : nullptr;
}

// RFC 8839 4.2.1.4: the default destination must be one of the candidates, so those that
// name it change with it. One that its sender found by STUN says which outside port it
// expects; whatever the binding's is, both agree then.
void translate_candidate(drafting &d, u8 index)
{
	const address_ref &ref = d.view.addresses[index];
	const address_ref *base = &ref;
	const bool reflexive = same_address(d.info.source_outer, ref.address);
	if (reflexive && ref.where == place::sdp_candidate)
		base = related_of(d, index);
	const u8 wish = base ? find_bound(d, *base, media_protocol_of(d, ref)) : none;
	if (wish == none)
		return;
	if (reflexive)
		d.p.wishes[wish].hint = ref.port_number;
	const u8 value = value_of_wish(d, wish);
	edit_span(d, ref.host, edit_kind::address, value);
	edit_span(d, ref.port, edit_kind::port, value);
}

// An MSRP URI names the session to both ends (RFC 4975 7.2): where nobody connects to its
// address, it stays as whoever wrote it will look for it. RFC 6714 4 says so in so many words.
bool is_name_alone(const media_stream &stream)
{
	return stream.msrp_cema || stream.setup == setup_role::active;
}

void translate_path(drafting &d, const address_ref &ref)
{
	const u8 wish = ref.port.empty() ? none : find_bound(d, ref, SIPX_TCP);
	if (wish == none || ref.stream == none || is_name_alone(d.view.streams[ref.stream]))
		return;
	const u8 value = value_of_wish(d, wish);
	edit_span(d, ref.host, edit_kind::address, value);
	edit_span(d, ref.port, edit_kind::port, value);
}

void translate_sdp_outward(drafting &d, u8 index)
{
	const address_ref &ref = d.view.addresses[index];
	if (ref.where == place::sdp_candidate || ref.where == place::sdp_candidate_related)
		return translate_candidate(d, index);
	if (ref.where == place::sdp_path)
		return translate_path(d, ref);
	if (!is_own_media_host(d, ref))
		return;
	const bool bound_rtcp = ref.stream != none && d.p.streams[ref.stream].rtcp != none;
	if (ref.where == place::sdp_origin ||
	    (ref.where == place::sdp_connection && connection_follows(d, index, ref)) ||
	    (ref.where == place::sdp_rtcp && bound_rtcp))
		edit_span(d, ref.host, edit_kind::address, source_value);
}

void translate_ports_outward(drafting &d, u8 index)
{
	const media_stream &stream = d.view.streams[index];
	const stream_wishes &wishes = d.p.streams[index];
	if (wishes.rtp != none)
		edit_span(d, stream.port, edit_kind::port, value_of_wish(d, wishes.rtp));
	// "a=rtcp:0" names no port: none stands for it.
	if (wishes.rtcp != none && stream.rtcp_port_number)
		edit_span(d, stream.rtcp_port, edit_kind::port, value_of_wish(d, wishes.rtcp));
}

// ---- SDP: the peer speaks of another inside endpoint (R14)

bool is_direct(const drafting &d, u8 stream) { return stream != none && d.event.media[stream].direct; }

// The stream through which a c= line is told; `none` if it is not.
u8 direct_stream_of(const drafting &d, u8 connection)
{
	for (u8 i = 0; i < d.view.stream_count; i++)
		if (d.view.streams[i].connection == connection && is_direct(d, i))
			return i;
	return none;
}

u8 direct_value(drafting &d, const endpoint &inside)
{
	return inside.port ? add_value(d.p, inside, none) : none;
}

// The inside socket behind one that the stream names, or a port of 0.
endpoint behind(const drafting &d, const address_ref &ref)
{
	const media_stream &stream = d.view.streams[ref.stream];
	const media_wish &media = d.event.media[ref.stream];
	const ip_address &rtp = d.view.addresses[stream.connection].address;
	const ip_address &rtcp = stream.rtcp_address == none ? rtp : d.view.addresses[stream.rtcp_address].address;
	const u32 rtcp_port = stream.rtcp_port_number ? stream.rtcp_port_number : stream.port_number + 1u;
	if (ref.port_number == stream.port_number && ref.address == rtp)
		return media.rtp;
	return ref.port_number == rtcp_port && ref.address == rtcp ? media.rtcp : endpoint{};
}

void translate_sdp_direct(drafting &d, u8 index)
{
	const address_ref &ref = d.view.addresses[index];
	u8 value = none;
	if (ref.where == place::sdp_connection) {
		const u8 stream = direct_stream_of(d, index);
		if (stream != none)
			value = direct_value(d, d.event.media[stream].rtp);
	} else if (ref.where == place::sdp_rtcp && is_direct(d, ref.stream)) {
		value = direct_value(d, d.event.media[ref.stream].rtcp);
	} else if (ref.where != place::sdp_origin && is_direct(d, ref.stream)) {
		const endpoint inside = behind(d, ref);
		value = inside.protocol == media_protocol_of(d, ref) ? direct_value(d, inside) : none;
		if (value != none)
			edit_span(d, ref.port, edit_kind::port, value);
	}
	if (value != none)
		edit_span(d, ref.host, edit_kind::address, value);
}

void translate_ports_direct(drafting &d, u8 index)
{
	const media_stream &stream = d.view.streams[index];
	const media_wish &media = d.event.media[index];
	if (!media.direct)
		return;
	edit_span(d, stream.port, edit_kind::port, direct_value(d, media.rtp));
	if (media.rtcp.port && stream.rtcp_port_number)
		edit_span(d, stream.rtcp_port, edit_kind::port, direct_value(d, media.rtcp));
}

void translate_sdp_address(drafting &d, u8 index)
{
	if (d.forward)
		translate_sdp_outward(d, index);
	if (!d.from_inside)
		translate_sdp_direct(d, index);
}

void translate_stream_ports(drafting &d, u8 index)
{
	if (d.forward)
		translate_ports_outward(d, index);
	if (!d.from_inside)
		translate_ports_direct(d, index);
}

// ---- all together

void translate_address(drafting &d, u8 index)
{
	const address_ref &ref = d.view.addresses[index];
	if (ref.where >= place::sdp_origin)
		translate_sdp_address(d, index);
	else if (ref.where == place::via_received)
		translate_received(d, ref);
	else if (ref.where == place::via_maddr || ref.where == place::uri_maddr)
		translate_maddr(d, ref);
	else
		translate_routing(d, ref);
}

bool any_edit_within(const plan &p, u32 start, u32 end)
{
	for (u32 i = 0; i < p.edit_count; i++)
		if (p.edits[i].offset >= start && p.edits[i].offset < end)
			return true;
	return false;
}

// The number in those digits; `limit` for all that is no number or larger.
u32 read_length(const drafting &d, span digits, u32 limit)
{
	u32 value = 0;
	for (u32 i = digits.offset; i < digits.end() && value < limit; i++) {
		const u8 digit = static_cast<u8>(d.info.payload[i] - '0');
		value = digit > 9 ? limit : value * 10 + digit;
	}
	return value < limit ? value : limit;
}

void follow_length(drafting &d, span digits, u32 start, u32 end)
{
	if (digits.empty() || !any_edit_within(d.p, start, end))
		return;
	// Some count the line end that belongs to the delimiter of a part (RFC 2046 5.1.1).
	constexpr u32 line_end = 2;
	const u32 written = read_length(d, digits, d.info.payload_length);
	if (written < end - start || written > end - start + line_end) {
		refuse(d, SIPX_COUNT_malformed_length);
		return;
	}
	const u8 scope = d.p.scope_count++;
	d.p.scopes[scope] = {static_cast<u16>(start), static_cast<u16>(end), written, 0};
	edit_span(d, digits, edit_kind::length, scope);
}

void follow_lengths(drafting &d)
{
	for (u32 i = 0; i < d.view.body_count; i++) {
		const sdp_body &body = d.view.bodies[i];
		follow_length(d, body.part_content_length, body.text.offset, body.text.end());
	}
	follow_length(d, d.view.content_length, d.view.body_start, d.view.end);
}

// Nearly in order as they come: an insertion sort is at home here.
void sort_edits(plan &p)
{
	for (u32 i = 1; i < p.edit_count; i++) {
		if (p.edits[i - 1].offset <= p.edits[i].offset)
			continue;
		const edit moved = p.edits[i];
		u32 at = i;
		for (; at && p.edits[at - 1].offset > moved.offset; at--)
			p.edits[at] = p.edits[at - 1];
		p.edits[at] = moved;
	}
}

} // namespace

} // namespace sip

using namespace sip;

void sipx_core_plan_edits(const sipx_packet_info *info)
{
	workspace &work = workspace_of(info->workspace);
	plan &p = work.what;
	drafting d{*info, work.view, work.event, p,
		   !same_endpoint(info->source_inner, info->source_outer),
		   !same_endpoint(info->destination_inner, info->destination_outer), work.where.from_inside,
		   SIPX_COUNT_unchanged, {}};
	p.values[source_value] = {info->source_outer, none};
	p.values[destination_value] = {info->destination_inner, none};
	p.value_count = 2;
	for (u8 i = 0; i < work.view.address_count; i++)
		translate_address(d, i);
	for (u8 i = 0; i < work.view.stream_count; i++)
		translate_stream_ports(d, i);
	follow_lengths(d);
	sort_edits(p);
	p.reason = d.refusal;
	if (d.refusal == SIPX_COUNT_unchanged && p.edit_count)
		p.what = verdict::translate;
}

bool sipx_core_apply_edits(const sipx_packet_info *info)
{
	workspace &work = workspace_of(info->workspace);
	const text_view message(reinterpret_cast<const char *>(info->payload), info->payload_length);
	rewrite &made = work.made;
	if (!(work.again ? render_again(work, message, made) : render_edits(work, message, longest(*info), made)))
		return false;
	return info->source_inner.protocol == SIPX_TCP ||
	       sipx_packet_replace(info->packet, made.offset, made.old_length, work.out, made.new_length);
}

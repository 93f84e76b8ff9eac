// SPDX-License-Identifier: GPL-2.0
// From where things are (the view) to what they mean (the event).
#include "call_event.h"
#include "keyed_hash.h"

namespace sip {

namespace {

u64 hash_text(text_view text) { return keyed_hash(text.data(), text.size()); }

// The inside host belongs to the key: two phones behind one router that call each other
// through an outside server share a Call-ID but not a call.
u64 call_key(u64 call_id, const sides &where)
{
	// An IPv4 address and a zone fill the same 64 bits: different ones stay different, and
	// nobody knows the other half.
	if (where.inner.family == SIPX_IPV4) {
		u32 host;
		__builtin_memcpy(&host, where.inner.bytes, sizeof(host));
		return call_id ^ (u64{host} << 32 | where.zone);
	}
	struct {
		u64 call_id;
		u8 host[16];
		u32 zone;
		u32 family;
	} key{call_id, {}, where.zone, where.inner.family};
	for (u32 i = 0; i < 16; i++)
		key.host[i] = where.inner.bytes[i];
	return keyed_hash(key);
}

// RFC 3261 17.1.3: branch and CSeq method; Call-ID and number besides, for branches that
// are not unique (RFC 2543 senders). Nobody knows the two hashes, which makes their sum as good
// as a hash of all; odd factors keep equal texts in both places, and each CSeq, apart.
u64 transaction_key(const message_view &view, text_view bytes, u64 call_id)
{
	constexpr u64 golden = 0x9e3779b97f4a7c15ull;
	const u64 branch = hash_text(bytes.sub(view.via.branch));
	const u64 numbers = u64{view.cseq} << 8 | static_cast<u8>(view.request_method);
	return branch + (call_id ^ numbers * golden) * golden;
}

struct kinds {
	event_kind request;
	event_kind granted;
	event_kind refused;
};

// A REFER makes a subscription, too (RFC 3515 2.4.4). Whatever carries a session description
// is a message of a session.
kinds kinds_of(method m, bool has_media)
{
	switch (m) {
	case method::register_:
		return {event_kind::register_request, event_kind::register_granted, event_kind::register_refused};
	case method::subscribe:
	case method::refer:
		return {event_kind::subscribe_request, event_kind::subscribe_granted,
			event_kind::subscribe_refused};
	case method::invite:
	case method::update:
	case method::prack:
		return {event_kind::session, event_kind::session, event_kind::session_failed};
	case method::ack:
		return {event_kind::session, event_kind::other, event_kind::other};
	case method::bye:
		return {event_kind::bye, event_kind::session_over, event_kind::session_over};
	default:
		break;
	}
	const event_kind kind = has_media ? event_kind::session : event_kind::other;
	return {kind, kind, event_kind::other};
}

event_kind kind_of(const message_view &view)
{
	const kinds all = kinds_of(view.request_method, view.body_count != 0);
	if (view.request)
		return all.request;
	if (view.status < 200)
		return all.granted == event_kind::session ? event_kind::session : event_kind::other;
	return view.status < 300 ? all.granted : all.refused;
}

// Over UDP it makes no difference: what is listened at over TCP, nobody comes to (S2).
u8 protocol_of(const address_ref &ref, u8 connection)
{
	return connection == SIPX_TCP && ref.transport == uri_transport::udp ? SIPX_UDP : connection;
}

void collect_contacts(const message_view &view, u8 protocol, call_event &event)
{
	event.contact_count = 0;
	for (u32 i = 0; i < view.address_count; i++) {
		const address_ref &ref = view.addresses[i];
		if (ref.where != place::contact || event.contact_count == max_contacts)
			continue;
		const u16 unwritten = ref.secure ? default_sips_port : default_sip_port;
		const u16 port = ref.port.empty() ? unwritten : ref.port_number;
		const bool any = ref.transport == uri_transport::unsaid && !ref.secure;
		const endpoint socket = make_endpoint(ref.address, port, protocol_of(ref, protocol));
		event.contacts[event.contact_count++] = {socket, ref.expires, any, ref.has_expires};
	}
}

endpoint top_via_of(const message_view &view, u8 protocol)
{
	for (u32 i = 0; i < view.address_count; i++) {
		const address_ref &ref = view.addresses[i];
		if (ref.where != place::via || ref.index)
			continue;
		const u16 unwritten = ref.secure ? default_sips_port : default_sip_port;
		return make_endpoint(ref.address, ref.port.empty() ? unwritten : ref.port_number, protocol);
	}
	return {};
}

// Why no pinhole may lead to that socket; `usable` if one may.
u8 judge(const endpoint &socket, const sides &where)
{
	if (!is_media_address(socket))
		return SIPX_COUNT_media_bad_address;
	if (where.from_inside && !same_address(socket, where.inner))
		return SIPX_COUNT_media_not_owner;
	if (socket.port && socket.port < lowest_media_port)
		return SIPX_COUNT_media_port_low;
	return usable;
}

// What is not TCP runs over UDP, whatever its name: every protocol that RFC 8866 8.2.2 and
// its successors register does.
u8 protocol_of(media_transport transport)
{
	return transport == media_transport::tcp ? SIPX_TCP : SIPX_UDP;
}

// a=rtcp (RFC 3605): of the inside the sender's own, of the outside one that media can go to.
void read_rtcp_line(const media_stream &stream, const message_view &view, const sides &where, media_wish &wish)
{
	if (stream.rtcp_address != none)
		wish.rtcp = make_endpoint(view.addresses[stream.rtcp_address].address, 0, wish.rtp.protocol);
	wish.rtcp_named = stream.rtcp_address != none && same_address(wish.rtcp, where.inner);
	const bool own = wish.rtcp_named || same_address(wish.rtcp, wish.rtp);
	const bool usable_here = where.from_inside ? own : stream.rtcp_port_number >= lowest_media_port;
	if (usable_here && is_media_address(wish.rtcp) && !stream.rtcp_is_name)
		wish.rtcp.port = stream.rtcp_port_number;
}

// Where RTCP is wanted: a=rtcp (RFC 3605), else the next port (RFC 3550 11), with rtcp-mux as
// well: until both have said so, the other end may send apart. An address of the inside in an
// a=rtcp line is translated even where there is no RTP (R2).
void find_rtcp(const media_stream &stream, const message_view &view, const sides &where, media_wish &wish)
{
	wish.rtcp = with_port(wish.rtp, 0);
	wish.rtcp_follows = wish.rtcp_named = false;
	const bool named = where.from_inside && stream.rtcp_address != none;
	if (!named && (!stream.rtp || wish.rtp.port == 0))
		return;
	if (stream.rtcp_port_number)
		return read_rtcp_line(stream, view, where, wish);
	if (wish.rtp.port && wish.rtp.port < 65535) {
		wish.rtcp.port = static_cast<u16>(wish.rtp.port + 1);
		wish.rtcp_follows = true;
	}
}

// RFC 8866 5.14: "/n" is n pairs of RTP and RTCP, or n ports of anything else, in a row.
void read_further_pairs(const media_stream &stream, u8 line, call_event &event)
{
	media_wish &first = event.media[line];
	const bool refused = first.refusal != usable && first.refusal != SIPX_COUNT_media_not_owner;
	if (stream.port_count == 1 || refused || first.rtp.port == 0)
		return;
	const u32 step = stream.rtp ? 2 : 1, further = stream.port_count - 1u;
	if (further >= max_pairs || event.media_count + further > max_streams ||
	    first.rtp.port + stream.port_count * step - 1 > 65535) {
		first.refusal = SIPX_COUNT_too_many_ports;
		return;
	}
	for (u32 pair = 1; pair <= further; pair++) {
		media_wish &wish = event.media[event.media_count++];
		wish = first;
		wish.pair = static_cast<u8>(pair);
		wish.rtp.port = static_cast<u16>(first.rtp.port + pair * step);
		wish.rtcp = with_port(wish.rtp, static_cast<u16>(stream.rtp ? wish.rtp.port + 1 : 0));
		wish.rtcp_follows = stream.rtp;
		wish.rtcp_named = false;	// a=rtcp is the first pair's
	}
}

void read_stream(const media_stream &stream, const message_view &view, const sides &where, media_wish &wish)
{
	wish.kind = stream.kind;
	wish.transport = stream.transport;
	wish.setup = stream.setup;
	wish.rtcp_mux = stream.rtcp_mux;
	wish.bundled = stream.bundled;
	wish.pair = 0;
	wish.direct = false;
	wish.on_hold = stream.on_hold_address;
	const ip_address address = stream.connection == none ? ip_address{} : view.addresses[stream.connection].address;
	wish.rtp = make_endpoint(address, stream.port_number, protocol_of(stream.transport));
	// Nobody asks a name server here; the one who speaks is the likeliest to be meant.
	if (stream.connection_is_name && !where.from_inside)
		wish.rtp = with_port(with_protocol(where.peer, wish.rtp.protocol), stream.port_number);
	find_rtcp(stream, view, where, wish);
	wish.refusal = judge(wish.rtp, where);
}

} // namespace

sides sides_of(const sipx_packet_info &info)
{
	const bool source_translated = !same_endpoint(info.source_inner, info.source_outer);
	const bool destination_translated = !same_endpoint(info.destination_inner, info.destination_outer);
	sides where;
	where.zone = info.zone;
	where.translated = source_translated || destination_translated;
	// Translated at both ends (a server behind DNAT that also sees the router as the
	// client): the inside is where the connection was sent to. Not translated: the end that
	// the default route does not lead to; where it leads to neither, the one that began. Where
	// it leads to both, anybody may have (S5).
	where.undecided = !where.translated && info.source_far && info.destination_far;
	if (source_translated != destination_translated)
		where.from_inside = source_translated;
	else if (!where.translated && info.source_far != info.destination_far)
		where.from_inside = info.destination_far;
	else
		where.from_inside = where.translated == (info.reply != 0);
	where.inner = where.from_inside ? info.source_inner : info.destination_inner;
	where.outer = where.from_inside ? info.source_outer : info.destination_outer;
	where.peer = where.from_inside ? info.destination_inner : info.source_inner;
	where.inside_began = where.from_inside == (info.reply == 0);
	return where;
}

void understand(const message_view &view, const sides &where, call_event &event)
{
	event.kind = kind_of(view);
	event.request_method = view.request_method;
	event.status = view.status;
	event.provisional = !view.request && view.status < 200;
	event.via = top_via_of(view, where.inner.protocol);
	event.asks_rport = view.via.has_rport;
	event.expires = view.expires;
	event.session_expires = view.session_expires;
	event.has_expires = view.has_expires;
	event.names_contact = view.contact_star || view.contact_count != 0;
	collect_contacts(view, where.inner.protocol, event);
	event.has_media = view.body_count != 0;
	event.media_count = view.stream_count;
	for (u8 i = 0; i < view.stream_count; i++) {
		event.media[i].line = i;
		read_stream(view.streams[i], view, where, event.media[i]);
	}
	for (u8 i = 0; i < view.stream_count; i++)
		read_further_pairs(view.streams[i], i, event);
}

void identify(const message_view &view, text_view bytes, const sides &where, call_event &event)
{
	const u64 call_id = hash_text(bytes.sub(view.call_id));
	event.call = call_key(call_id, where);
	event.transaction = transaction_key(view, bytes, call_id);
	event.from_tag = hash_text(bytes.sub(view.from_tag));
	event.to_tag = view.to_tag.empty() ? 0 : hash_text(bytes.sub(view.to_tag));
	event.address_of_record = view.request_method == method::register_ ? hash_text(bytes.sub(view.to_uri)) : 0;
}

} // namespace sip

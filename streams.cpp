// SPDX-License-Identifier: GPL-2.0
#include "streams.h"

#include "bindings.h"
#include "hosts.h"

namespace sip {

namespace {

// The call's own expiry closes its pinholes: until then they stand, however long it is silent
// (R12, R13).
constexpr u64 pinhole_life_ms = u64{longest_lifetime_s} * 1000;

stream *find_stream(const call &c, const media_wish &wish)
{
	stream *s = c.streams;
	while (s && !(s->line == wish.line && s->pair == wish.pair))
		s = s->next;
	return s;
}

stream *take_spare(call &c, stream *&spare)
{
	stream *fresh = spare;
	if (!fresh)
		return nullptr;
	spare = fresh->next;
	fresh->next = c.streams;
	c.streams = fresh;
	return fresh;
}

stream *take_stream(call &c, const media_wish &wish, stream *&spare)
{
	if (stream *found = find_stream(c, wish))
		return found;
	stream *fresh = take_spare(c, spare);
	if (!fresh)
		return nullptr;
	fresh->line = wish.line;
	fresh->pair = wish.pair;
	return fresh;
}

u8 class_of(media_kind kind)
{
	if (kind == media_kind::audio)
		return SIPX_CLASS_AUDIO;
	return kind == media_kind::video ? SIPX_CLASS_VIDEO : SIPX_CLASS_OTHER;
}

void set_binding(state &tables, binding *&place, binding *fresh)
{
	if (fresh)
		take_reference(fresh);
	drop_reference(tables, place);
	place = fresh;
}

void take_references(const stream_ends &ends)
{
	if (ends.rtp)
		take_reference(ends.rtp);
	if (ends.rtcp)
		take_reference(ends.rtcp);
}

void release_ends(state &tables, stream_ends &ends)
{
	drop_reference(tables, ends.rtp);
	drop_reference(tables, ends.rtcp);
	ends = {};
}

void forget_before(state &tables, stream &s)
{
	if (!s.before)
		return;
	release_ends(tables, *s.before);
	discard(s.before);
	s.before = nullptr;
}

binding *binding_wished(const plan &p, u8 wish)
{
	return wish == none ? nullptr : p.wishes[wish].held;
}

// Where nothing is translated a socket stands for itself: the other end of another call inside may
// be told of it (R14).
void bind_untranslated(const scene &on, binding *&place, const endpoint &inside)
{
	host *of = find_host(on.tables(), on.where.inner, on.where.zone);
	binding *fresh = inside.port ? hold_untranslated(on.opaque, inside, on.where.zone, of) : nullptr;
	drop_reference(on.tables(), place);
	place = fresh;
}

// The inside endpoint said where it wants to receive.
void note_inside_end(const scene &on, const media_wish &wish, const stream_wishes &sockets, const plan &p, stream &s)
{
	s.inside_rtp = wish.rtp;
	s.inside_rtcp = wish.rtcp;
	s.inside_mux = wish.rtcp_mux;
	s.inside_bundled = wish.bundled;
	s.inside_connects = wish.setup == setup_role::active;
	if (wish.refusal != usable)
		s.inside_rtp.port = s.inside_rtcp.port = 0;
	// A declined stream that comes back finds its outside port again (R12).
	if (wish.rtp.port == 0)
		return;
	if (!on.where.translated) {
		bind_untranslated(on, s.rtp, s.inside_rtp);
		bind_untranslated(on, s.rtcp, s.inside_rtcp);
		return;
	}
	set_binding(on.tables(), s.rtp, binding_wished(p, sockets.rtp));
	set_binding(on.tables(), s.rtcp, binding_wished(p, sockets.rtcp));
}

// Who speaks for the outside must not have ways opened to the router, nor from one host inside to
// another (S4). What has a global address is no host inside of a network that is translated,
// but may be at another uplink (R23).
sipx_way way_to(const scene &on, const endpoint &remote)
{
	if (!remote.family)
		return SIPX_WAY_OUT;
	const sipx_way way = sipx_way_to(on.packet, &on.where.inner, &on.where.peer, &remote);
	return way == SIPX_WAY_INSIDE && on.where.translated && is_global(remote) ? SIPX_WAY_OUT : way;
}

// Why media of the inside may not go to that socket, nor come from there; `usable` if it may: to
// what a call inside has named itself (two phones behind one router, R14), and to media_hosts.
u8 judge_remote(const scene &on, const endpoint &remote, sipx_way way)
{
	if (way == SIPX_WAY_OUT)
		return usable;
	const endpoint *bound = find_media_inside(on.tables(), remote, on.where.zone);
	if (sipx_is_denied_port(on.opaque, bound ? bound->port : remote.port))
		return SIPX_COUNT_port_denied;
	bool known = bound;
	if (way == SIPX_WAY_INSIDE)
		known |= is_media_inside(on.tables(), remote, on.where.zone) || sipx_is_media_host(on.opaque, &remote);
	return known ? usable : static_cast<u8>(SIPX_COUNT_media_not_outside);
}

// What is refused is as if it had not been said: until it is, media comes from the peer alone.
[[gnu::noinline]] void check_elsewhere(const scene &on, stream &s, bool together)
{
	const sipx_way way = way_to(on, s.remote_rtp);
	const u8 refusal = judge_remote(on, s.remote_rtp, way);
	if (refusal != usable) {
		sipx_count(on.opaque, static_cast<sipx_reason>(refusal));
		s.remote_rtp = s.remote_rtcp = {};
		return;
	}
	if (judge_remote(on, s.remote_rtcp, together ? way : way_to(on, s.remote_rtcp)) != usable)
		s.remote_rtcp = {};
}

// The peer is where its messages come from, which is outside.
void check_remote(const scene &on, stream &s)
{
	const bool together = same_address(s.remote_rtp, s.remote_rtcp);
	if (!together || !same_address(s.remote_rtp, on.where.peer))
		check_elsewhere(on, s, together);
}

void note_remote_end(const scene &on, const media_wish &wish, stream &s)
{
	s.remote_rtp = wish.rtp;
	s.remote_rtcp = wish.rtcp;
	s.remote_mux = wish.rtcp_mux;
	s.remote_bundled = wish.bundled;
	s.remote_declined = wish.rtp.port == 0;
	s.remote_direct = wish.direct;
	// Port 9 says that its owner connects (RFC 4145 4.1): from that address all the same.
	if (wish.refusal != usable)
		s.remote_rtp.port = s.remote_rtcp.port = 0;
	if (wish.refusal != usable && wish.refusal != SIPX_COUNT_media_port_low)
		s.remote_rtp = s.remote_rtcp = {};
	if (wish.rtp.port && !wish.direct)
		check_remote(on, s);
}

void note_stream(const scene &on, const media_wish &wish, const stream_wishes &sockets, const plan &p, stream &s)
{
	if (wish.refusal != usable && wish.rtp.port && !wish.on_hold)
		sipx_count(on.opaque, static_cast<sipx_reason>(wish.refusal));
	// Hold by c=0.0.0.0 (RFC 3264 8.4) says nothing new about where media goes.
	if (wish.on_hold && wish.rtp.port)
		return;
	s.pinhole_class = class_of(wish.kind);
	if (on.where.from_inside)
		note_inside_end(on, wish, sockets, p, s);
	else
		note_remote_end(on, wish, s);
}

// One socket's two pinholes: in for its media source, out to where the session says, once it is known.
struct socket_pinholes {
	const endpoint &inside;
	endpoint remote;	// port 0: not known
	const binding *bound;
	pinhole *&in;
	pinhole *&out;
};

void close_socket(const scene &on, const socket_pinholes &at)
{
	give_up_pinhole(on.opaque, at.in, on.insists);
	give_up_pinhole(on.opaque, at.out, on.insists);
}

// Who may send to it. Symmetric RTP (RFC 4961) is common but no duty: any port.
endpoint media_source(const scene &on, const call &c, const socket_pinholes &at)
{
	switch (sipx_setting(on.opaque, SIPX_SETTING_MEDIA_SOURCE)) {
	case SIPX_MEDIA_FROM_ANY:
		return {};
	case SIPX_MEDIA_FROM_PEER:
		return with_port(with_protocol(c.peer, at.inside.protocol), 0);
	default:
		return with_port(with_protocol(at.remote.family ? at.remote : c.peer, at.inside.protocol), 0);
	}
}

bool may_be_reached(const sipx_state *opaque, const endpoint &inside)
{
	return inside.port >= lowest_media_port && !sipx_is_denied_port(opaque, inside.port);
}

void open_socket(const scene &on, const call &c, u8 pinhole_class, const socket_pinholes &at)
{
	const sides &ends = c.owner->ends;
	// Such an RTCP port has an outside one, so that the text is consistent, but no pinhole (S4).
	if (!may_be_reached(on.opaque, at.inside) || (ends.translated && !at.bound)) {
		close_socket(on, at);
		return;
	}
	const u64 until_ms = on.now_ms + pinhole_life_ms;
	const endpoint outside = at.bound ? at.bound->outside : at.inside;
	sipx_pinhole in = inward(ends, media_source(on, c, at), outside, at.inside);
	in.pinhole_class = pinhole_class;
	in.likely_port = at.remote.port;	// symmetric RTP (RFC 4961)
	ensure_pinhole(on, *c.owner, in, until_ms, at.in);

	// Who connects by TCP does so from any port.
	if (!at.remote.port || at.inside.protocol == SIPX_TCP) {
		give_up_pinhole(on.opaque, at.out, on.insists);
		return;
	}
	sipx_pinhole out = outward(ends, at.inside, outside, at.remote);
	out.pinhole_class = pinhole_class;
	ensure_pinhole(on, *c.owner, out, until_ms, at.out);
}

// The other end's socket, if a packet of the inside one can go there: not with an IPv6
// address in a call over IPv4, nor with TCP for UDP.
endpoint reachable(const endpoint &inside, const endpoint &remote)
{
	const bool meet = inside.family == remote.family && inside.protocol == remote.protocol;
	return meet ? remote : endpoint{};
}

// RFC 9143 7.3.1: once both ends have bundled a stream with another, it uses the other's sockets.
bool uses_another(const call &c, const stream &s)
{
	if (!s.inside_bundled || !s.remote_bundled)
		return false;
	for (const stream *other = c.streams; other; other = other->next)
		if (other->line < s.line && other->inside_bundled && other->remote_bundled &&
		    other->inside_rtp.port && same_endpoint(other->remote_rtp, s.remote_rtp) &&
		    !same_endpoint(other->inside_rtp, s.inside_rtp))
			return true;
	return false;
}

// No TCP towards the inside unless somebody wanted it so (S2), nor where the inside connects.
bool is_welcome(const scene &on, const stream &s)
{
	if (s.inside_rtp.protocol != SIPX_TCP)
		return true;
	return !s.inside_connects && sipx_setting(on.opaque, SIPX_SETTING_TCP_MEDIA);
}

// From its call's answer on it does, until that is taken back.
void settle_insisting(const scene &on, stream &s)
{
	if (s.insists == on.insists)
		return;
	s.insists = on.insists;
	pinhole *const all[] = {s.in_rtp, s.in_rtcp, s.out_rtp, s.out_rtcp};
	for (pinhole *held : all)
		if (held)
			(on.insists ? insist : insist_no_more)(on.tables(), *held);
}

void open_stream(const scene &on, const call &c, stream &s)
{
	settle_insisting(on, s);
	const socket_pinholes rtp{s.inside_rtp, reachable(s.inside_rtp, s.remote_rtp), s.rtp, s.in_rtp, s.out_rtp};
	const socket_pinholes rtcp{s.inside_rtcp, reachable(s.inside_rtcp, s.remote_rtcp), s.rtcp, s.in_rtcp,
				   s.out_rtcp};
	if (s.remote_declined || s.remote_direct || uses_another(c, s) || !is_welcome(on, s)) {
		close_socket(on, rtp);
		close_socket(on, rtcp);
		return;
	}
	open_socket(on, c, s.pinhole_class, rtp);
	if (s.inside_mux && s.remote_mux)	// RFC 5761 5.1.1: both said so
		close_socket(on, rtcp);
	else
		open_socket(on, c, s.pinhole_class, rtcp);
}

bool has_ports(const call &c)
{
	for (const stream *s = c.streams; s; s = s->next)
		if (s->rtp || s->rtcp || (s->before && (s->before->rtp || s->before->rtcp)))
			return true;
	return false;
}

void count_refused_tcp(const scene &on, const call &c)
{
	for (const stream *s = c.streams; s; s = s->next)
		if (s->inside_rtp.port >= lowest_media_port && !s->inside_connects && !is_welcome(on, *s))
			sipx_count(on.opaque, SIPX_COUNT_media_tcp);
}

void count_denied(const scene &on, const call &c)
{
	for (const stream *s = c.streams; s; s = s->next)
		if (s->inside_rtp.port && sipx_is_denied_port(on.opaque, s->inside_rtp.port))
			sipx_count(on.opaque, SIPX_COUNT_port_denied);
}

} // namespace

bool reserve_streams(const call *known, const call_event &event, stream *&spare)
{
	for (u8 i = 0; i < event.media_count; i++) {
		if (known && find_stream(*known, event.media[i]))
			continue;
		auto *fresh = make<stream>();
		if (!fresh)
			return false;
		fresh->next = spare;
		spare = fresh;
	}
	return true;
}

bool reserve_copies(const call &like, stream *&spare)
{
	for (const stream *s = like.streams; s; s = s->next) {
		auto *fresh = make<stream>();
		if (!fresh)
			return false;
		fresh->next = spare;
		spare = fresh;
	}
	return true;
}

void discard_streams(stream *&spare)
{
	while (stream *s = spare) {
		spare = s->next;
		discard(s);
	}
}

void note_media(const scene &on, const call_event &event, const plan &p, call &c, stream *&spare)
{
	for (u8 i = 0; i < event.media_count; i++) {
		stream *s = take_stream(c, event.media[i], spare);
		if (!s)
			return;
		note_stream(on, event.media[i], p.streams[i], p, *s);
	}
	if (!event.media_count)
		return;
	count_refused_tcp(on, c);
	count_denied(on, c);
}

void copy_caller_ends(const call &like, call &branch, stream *&spare)
{
	for (const stream *s = like.streams; s; s = s->next) {
		stream *made = take_spare(branch, spare);
		if (!made)
			return;
		static_cast<stream_ends &>(*made) = *s;
		made->line = s->line;
		made->pair = s->pair;
		made->pinhole_class = s->pinhole_class;
		if (like.caller_inside) {
			take_references(*made);
			made->remote_rtp = made->remote_rtcp = {};
			made->remote_mux = made->remote_bundled = made->remote_declined = made->remote_direct = false;
		} else {
			made->rtp = made->rtcp = nullptr;
			made->inside_rtp = made->inside_rtcp = {};
			made->inside_mux = made->inside_bundled = made->inside_connects = false;
		}
	}
}

void open_streams(const scene &on, call &c)
{
	scene insisting = on;
	insisting.insists = true;
	for (stream *s = c.streams; s; s = s->next)
		open_stream(c.expendable ? on : insisting, c, *s);
	set_keeping(on.tables(), c, c.expendable && has_ports(c));
}

void release_streams(sipx_state *opaque, call &c)
{
	state &tables = tables_of(opaque);
	set_keeping(tables, c, false);
	while (stream *s = c.streams) {
		c.streams = s->next;
		give_up_pinholes(opaque, *s);
		release_ends(tables, *s);
		forget_before(tables, *s);
		discard(s);
	}
}

bool remember_ends(state &tables, call &c)
{
	forget_ends(tables, c);
	for (stream *s = c.streams; s; s = s->next) {
		s->before = make<stream_ends>();
		if (!s->before) {
			forget_ends(tables, c);
			return false;
		}
		*s->before = *s;
		take_references(*s);
	}
	return true;
}

void forget_ends(state &tables, call &c)
{
	for (stream *s = c.streams; s; s = s->next)
		forget_before(tables, *s);
}

void fall_back(const scene &on, call &c)
{
	for (stream *s = c.streams; s; s = s->next) {
		release_ends(on.tables(), *s);
		if (!s->before)
			continue;
		static_cast<stream_ends &>(*s) = *s->before;
		discard(s->before);
		s->before = nullptr;
	}
	open_streams(on, c);
}

bool is_flowing(sipx_state *opaque, const call &c)
{
	for (const stream *s = c.streams; s; s = s->next)
		if (s->inside_rtp.port && s->remote_rtp.port &&
		    sipx_connection_stands(opaque, c.owner->ends.zone, &s->inside_rtp, &s->remote_rtp))
			return true;
	return false;
}

} // namespace sip

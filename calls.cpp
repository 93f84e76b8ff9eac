// SPDX-License-Identifier: GPL-2.0
#include "calls.h"

#include "bindings.h"

namespace sip {

namespace {

// A call that is not answered lives this long after its last message: more than timer C,
// which a proxy must keep above 3 minutes (RFC 3261 16.6 step 11).
constexpr u64 early_life_ms = 300 * 1000;
// An answered call has no clock (R13); this bounds what a peer that vanished leaves behind.
constexpr u64 answered_life_ms = 12ull * 3600 * 1000;
// BYE without an answer: timer F.
constexpr u64 ending_life_ms = 32 * 1000;
// After 401, 407 and their like the same call is tried again at once, and should find its
// ports again.
constexpr u64 retry_life_ms = 5 * 1000;

bool asks_again(u16 status)
{
	switch (status) {
	case 401: case 407:	// credentials (RFC 3261 22)
	case 422:		// session interval too small (RFC 4028 6)
	case 428: case 438:	// identity (RFC 8224 6.2.2)
	case 494:		// security agreement (RFC 3329)
		return true;
	default:
		return false;
	}
}

stream *find_stream(const call &c, const media_wish &wish)
{
	stream *s = c.streams;
	while (s && !(s->line == wish.line && s->pair == wish.pair))
		s = s->next;
	return s;
}

u8 class_of(media_kind kind)
{
	if (kind == media_kind::audio)
		return SIPX_CLASS_AUDIO;
	return kind == media_kind::video ? SIPX_CLASS_VIDEO : SIPX_CLASS_OTHER;
}

stream *take_stream(call &c, const media_wish &wish, call_reserve &reserve)
{
	if (stream *found = find_stream(c, wish))
		return found;
	stream *fresh = reserve.streams;
	if (!fresh)
		return nullptr;
	reserve.streams = fresh->next;
	fresh->line = wish.line;
	fresh->pair = wish.pair;
	fresh->next = c.streams;
	c.streams = fresh;
	return fresh;
}

void set_binding(state &tables, binding *&place, binding *fresh)
{
	if (fresh)
		take_reference(fresh);
	drop_reference(tables, place);
	place = fresh;
}

binding *binding_wished(const plan &p, u8 wish)
{
	return wish == none ? nullptr : p.wishes[wish].held;
}

void close_stream(sipx_state *opaque, stream &s)
{
	give_up_pinhole(opaque, s.in_rtp);
	give_up_pinhole(opaque, s.in_rtcp);
	give_up_pinhole(opaque, s.out_rtp);
	give_up_pinhole(opaque, s.out_rtcp);
}

// The inside endpoint said where it wants to receive.
void note_inside_media(const scene &on, const media_wish &wish, const stream_wishes &sockets, const plan &p, stream &s)
{
	s.inside_rtp = wish.rtp;
	s.inside_rtcp = wish.rtcp;
	if (wish.refusal != usable)
		s.inside_rtp.port = s.inside_rtcp.port = 0;
	// A declined stream that comes back finds its outside port again (R12).
	if (wish.rtp.port == 0)
		return;
	set_binding(on.tables(), s.rtp, binding_wished(p, sockets.rtp));
	set_binding(on.tables(), s.rtcp, binding_wished(p, sockets.rtcp));
}

void note_remote_media(const media_wish &wish, stream &s)
{
	s.remote_rtp = wish.rtp;
	s.remote_rtcp = wish.rtcp;
	if (wish.refusal != usable)
		s.remote_rtp.port = s.remote_rtcp.port = 0;
}

// One socket's two pinholes: in for its media source, out to where the session says, once it is known.
struct socket_pinholes {
	const endpoint &inside;
	endpoint remote;	// port 0: not known
	const binding *bound;
	pinhole *&in;
	pinhole *&out;
};

// Who may send to it. Symmetric RTP (RFC 4961) is common but no duty: any port.
endpoint media_source(const scene &on, const call &c, const socket_pinholes &at)
{
	switch (sipx_setting(on.opaque, SIPX_SETTING_MEDIA_SOURCE)) {
	case SIPX_MEDIA_FROM_ANY:
		return {};
	case SIPX_MEDIA_FROM_PEER:
		return with_port(with_protocol(c.peer, at.inside.protocol), 0);
	default:
		return with_port(with_protocol(at.remote.port ? at.remote : c.peer, at.inside.protocol), 0);
	}
}

void open_socket(const scene &on, const call &c, u8 pinhole_class, const socket_pinholes &at)
{
	// A low RTCP port has an outside one, so that the text is consistent, but no pinhole (S4).
	const sides &ends = c.owner->ends;
	if (at.inside.port < lowest_media_port || (ends.translated && !at.bound)) {
		give_up_pinhole(on.opaque, at.in);
		give_up_pinhole(on.opaque, at.out);
		return;
	}
	const endpoint outside = at.bound ? at.bound->outside : at.inside;
	sipx_pinhole in = inward(ends, media_source(on, c, at), outside, at.inside);
	in.pinhole_class = pinhole_class;
	in.likely_port = at.remote.port;	// symmetric RTP (RFC 4961)
	ensure_pinhole(on, *c.owner, in, c.expires_ms, at.in);

	if (!at.remote.port) {
		give_up_pinhole(on.opaque, at.out);
		return;
	}
	sipx_pinhole out = outward(ends, at.inside, outside, at.remote);
	out.pinhole_class = pinhole_class;
	ensure_pinhole(on, *c.owner, out, c.expires_ms, at.out);
}

// The other end's socket, if a packet of the inside one can go there: not with an IPv6
// address in a call over IPv4, nor with TCP for UDP.
endpoint reachable(const endpoint &inside, const endpoint &remote)
{
	const bool meet = inside.family == remote.family && inside.protocol == remote.protocol;
	return meet ? remote : endpoint{};
}

void open_stream(const scene &on, const call &c, stream &s)
{
	const endpoint rtp = reachable(s.inside_rtp, s.remote_rtp);
	const endpoint rtcp = reachable(s.inside_rtcp, s.remote_rtcp);
	open_socket(on, c, s.pinhole_class, {s.inside_rtp, rtp, s.rtp, s.in_rtp, s.out_rtp});
	open_socket(on, c, s.pinhole_class, {s.inside_rtcp, rtcp, s.rtcp, s.in_rtcp, s.out_rtcp});
}

void note_media(const scene &on, const call_event &event, const plan &p, call &c, call_reserve &reserve)
{
	for (u8 i = 0; i < event.media_count; i++) {
		const media_wish &wish = event.media[i];
		stream *s = take_stream(c, wish, reserve);
		if (!s)
			return;
		if (wish.refusal != usable && wish.rtp.port && !wish.on_hold)
			sipx_count(on.opaque, static_cast<sipx_reason>(wish.refusal));
		// Hold by c=0.0.0.0 (RFC 3264 8.4) says nothing new about where media goes.
		if (wish.on_hold)
			continue;
		s->pinhole_class = class_of(wish.kind);
		if (on.where.from_inside)
			note_inside_media(on, wish, p.streams[i], p, *s);
		else
			note_remote_media(wish, *s);
	}
}

void link_call(const scene &on, const call_event &event, connection &owner, call *fresh)
{
	fresh->key = event.call;
	fresh->owner = &owner;
	fresh->next_on_connection = owner.calls;
	if (owner.calls)
		owner.calls->previous_on_connection = fresh;
	owner.calls = fresh;
	state &tables = on.tables();
	tables.calls.insert(fresh->key, fresh);
	tables.call_count++;
}

void prolong(const scene &on, call &c)
{
	if (c.state == call_state::ending)
		return;
	c.expires_ms = on.now_ms + (c.state == call_state::answered ? answered_life_ms : early_life_ms);
	note_expiry(on.tables(), on.opaque, c.expires_ms);
}

void release_ends(state &tables, stream_ends &ends)
{
	drop_reference(tables, ends.rtp);
	drop_reference(tables, ends.rtcp);
	ends = {};
}

// RFC 3261 14.1: until a re-INVITE is answered, the session may fall back to what it was.
void remember_ends(call &c)
{
	c.changing = true;
	for (stream *s = c.streams; s; s = s->next) {
		s->before = *s;
		if (s->before.rtp)
			take_reference(s->before.rtp);
		if (s->before.rtcp)
			take_reference(s->before.rtcp);
	}
}

void forget_ends(state &tables, call &c)
{
	c.changing = false;
	for (stream *s = c.streams; s; s = s->next)
		release_ends(tables, s->before);
}

void fall_back(const scene &on, call &c)
{
	c.changing = false;
	for (stream *s = c.streams; s; s = s->next) {
		release_ends(on.tables(), *s);
		static_cast<stream_ends &>(*s) = s->before;
		s->before = {};
		open_stream(on, c, *s);
	}
}

bool is_in(const u64 *list, u32 size, u64 transaction)
{
	for (u32 i = 0; i < size; i++)
		if (list[i] == transaction)
			return true;
	return false;
}

bool is_pending(const call &c, u64 transaction) { return is_in(c.pending, max_pending, transaction); }
bool is_settled(const call &c, u64 transaction) { return is_in(c.settled, 2, transaction); }

bool any_pending(const call &c)
{
	for (u64 transaction : c.pending)
		if (transaction)
			return true;
	return false;
}

bool add_pending(call &c, u64 transaction)
{
	for (u64 &place : c.pending)
		if (!place) {
			place = transaction;
			return true;
		}
	return false;
}

// It has its final response: what is repeated of it changes nothing any more.
void settle(call &c, u64 transaction)
{
	for (u64 &place : c.pending)
		if (place == transaction)
			place = 0;
	c.settled[1] = c.settled[0];
	c.settled[0] = transaction;
}

// A message of this call and of no other dialog with the same Call-ID (RFC 3261 12): once
// it is answered both tags count, before that the caller's.
bool belongs(const call_event &event, const call &c)
{
	if (c.dialog)
		return event.dialog == c.dialog;
	return event.from_tag == c.caller || event.to_tag == c.caller;
}

void begin(const scene &on, const call_event &event, call &c)
{
	c.state = call_state::early;
	c.dialog = 0;
	c.caller = event.from_tag;
	c.peer = on.where.peer;
	sipx_count(on.opaque, SIPX_COUNT_call_started);
}

// RFC 3261 14 and 8.2.2.2: the INVITE of a new call, another branch of it, or a change.
bool accept_invite(const scene &on, const call_event &event, call &c)
{
	if (is_settled(c, event.transaction) || is_pending(c, event.transaction)) {
		sipx_count(on.opaque, SIPX_COUNT_retransmission);
		return is_pending(c, event.transaction);
	}
	switch (c.state) {
	case call_state::early:
		return belongs(event, c) && add_pending(c, event.transaction);
	case call_state::answered:
		if (!event.dialog || !belongs(event, c) || !add_pending(c, event.transaction))
			return false;
		if (!c.changing)
			remember_ends(c);
		return true;
	case call_state::over:
		if (event.dialog || event.from_tag != c.caller)
			return false;
		begin(on, event, c);
		return add_pending(c, event.transaction);
	default:
		return false;
	}
}

// The 2xx to the INVITE that we saw makes the dialog; a retransmission or an answer to
// something else does not.
bool accept_answer(const scene &on, const call_event &event, call &c)
{
	if (c.state == call_state::ending || c.state == call_state::over || !is_pending(c, event.transaction))
		return false;
	if (event.provisional)
		return true;
	settle(c, event.transaction);
	forget_ends(on.tables(), c);
	if (c.state == call_state::early)
		c.dialog = event.dialog;
	c.state = call_state::answered;
	return true;
}

// Whether the message may say something new about the call.
bool accept(const scene &on, const call_event &event, call &c)
{
	if (event.request_method == method::invite)
		return event.status ? accept_answer(on, event, c) : accept_invite(on, event, c);
	if (c.state == call_state::ending || c.state == call_state::over || !belongs(event, c))
		return false;
	// An ACK to a call that was not answered is that to its refusal.
	return event.request_method != method::ack || c.state == call_state::answered;
}

void release_streams(sipx_state *opaque, call &c)
{
	state &tables = tables_of(opaque);
	while (stream *s = c.streams) {
		c.streams = s->next;
		close_stream(opaque, *s);
		release_ends(tables, *s);
		release_ends(tables, s->before);
		discard(s);
	}
}

// The call ends; what is left is the memory of it, for as long as a server may repeat a
// response (RFC 3261 17.2.1, timer H).
void finish(const scene &on, call &c)
{
	release_streams(on.opaque, c);
	for (u64 &place : c.pending)
		if (place)
			settle(c, place);
	c.state = call_state::over;
	c.changing = false;
	c.expires_ms = on.now_ms + ending_life_ms;
	note_expiry(on.tables(), on.opaque, c.expires_ms);
	sipx_count(on.opaque, SIPX_COUNT_call_ended);
}

} // namespace

call *find_call(const state &tables, u64 key)
{
	call *c = tables.calls.first(key);
	while (c && c->key != key)
		c = c->next_hash;
	return c;
}

// What comes from outside begins nothing but a call that rings inside (S5).
bool begins_call(const call_event &event, const sides &where)
{
	if (event.kind != event_kind::session)
		return false;
	if (event.request_method != method::invite)
		return false;
	return event.status == 0 || (where.from_inside && event.media_count != 0);
}

bool reserve_call(const state &tables, const call_event &event, call_reserve &reserve)
{
	const call *known = find_call(tables, event.call);
	if (!known) {
		reserve.fresh = make<call>();
		if (!reserve.fresh)
			return false;
	}
	for (u8 i = 0; i < event.media_count; i++) {
		if (known && find_stream(*known, event.media[i]))
			continue;
		auto *fresh = make<stream>();
		if (!fresh)
			return false;
		fresh->next = reserve.streams;
		reserve.streams = fresh;
	}
	return true;
}

void discard_reserve(call_reserve &reserve)
{
	while (stream *s = reserve.streams) {
		reserve.streams = s->next;
		discard(s);
	}
	if (reserve.fresh)
		discard(reserve.fresh);
	reserve.fresh = nullptr;
}

void note_session(const scene &on, const call_event &event, const plan &p, connection *owner, call_reserve &reserve)
{
	call *c = find_call(on.tables(), event.call);
	if (!c && owner && reserve.fresh) {
		c = reserve.fresh;
		reserve.fresh = nullptr;
		link_call(on, event, *owner, c);
		begin(on, event, *c);
		if (event.status)	// the tables were flushed while it rang
			add_pending(*c, event.transaction);
	}
	if (!c && event.media_count)
		sipx_count(on.opaque, SIPX_COUNT_unknown_dialog);
	if (!c || !accept(on, event, *c))
		return;
	prolong(on, *c);
	note_media(on, event, p, *c, reserve);
	for (stream *s = c->streams; s; s = s->next)
		open_stream(on, *c, *s);
}

void note_failure(const scene &on, const call_event &event)
{
	call *c = find_call(on.tables(), event.call);
	if (!c || !is_pending(*c, event.transaction)) {
		if (!c || !is_settled(*c, event.transaction))
			sipx_count(on.opaque, SIPX_COUNT_unmatched_response);
		return;
	}
	settle(*c, event.transaction);
	if (any_pending(*c))
		return;
	if (c->changing)
		fall_back(on, *c);
	if (c->state != call_state::early)
		return;
	if (!asks_again(event.status)) {
		finish(on, *c);
		return;
	}
	c->expires_ms = on.now_ms + retry_life_ms;
	note_expiry(on.tables(), on.opaque, c->expires_ms);
}

void note_bye(const scene &on, const call_event &event)
{
	call *c = find_call(on.tables(), event.call);
	if (!c || c->state == call_state::over || !belongs(event, *c))
		return;
	c->bye = event.transaction;
	c->state = call_state::ending;
	c->expires_ms = on.now_ms + ending_life_ms;
	note_expiry(on.tables(), on.opaque, c->expires_ms);
}

void note_bye_answer(const scene &on, const call_event &event)
{
	call *c = find_call(on.tables(), event.call);
	if (!c || c->state != call_state::ending || c->bye != event.transaction)
		return;
	if (!asks_again(event.status)) {
		finish(on, *c);
		return;
	}
	c->state = c->dialog ? call_state::answered : call_state::early;
	prolong(on, *c);
}

void end_call(sipx_state *opaque, call *ended)
{
	state &tables = tables_of(opaque);
	release_streams(opaque, *ended);
	if (ended->previous_on_connection)
		ended->previous_on_connection->next_on_connection = ended->next_on_connection;
	else
		ended->owner->calls = ended->next_on_connection;
	if (ended->next_on_connection)
		ended->next_on_connection->previous_on_connection = ended->previous_on_connection;
	tables.calls.remove(ended->key, ended);
	tables.call_count--;
	if (ended->state != call_state::over)
		sipx_count(opaque, SIPX_COUNT_call_ended);
	discard(ended);
}

} // namespace sip

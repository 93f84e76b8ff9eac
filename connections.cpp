// SPDX-License-Identifier: GPL-2.0
#include "connections.h"

#include "bindings.h"
#include "calls.h"
#include "hosts.h"
#include "registrations.h"
#include "streams.h"

namespace sip {

namespace {

u64 later(u64 latest, const call &c)
{
	const u64 until_ms = needed_until(c.expires_ms);
	return c.state != call_state::over && until_ms > latest ? until_ms : latest;
}

u64 latest_need(const connection &owner)
{
	u64 latest = 0;
	for (const registration *r = owner.registrations; r; r = r->next)
		if (r->live && r->live_until_ms > latest)
			latest = r->live_until_ms;
	for (const call *c = owner.calls.head; c; c = c->on_owner.next)
		latest = later(latest, *c);
	for (const call *c = owner.direct.head; c; c = c->on_direct.next)
		latest = later(latest, *c);
	return latest;
}

// Connections of a host that are looked at for one that is bare. Those that are not become its
// newest, so that the next look begins behind them.
constexpr u32 most_looks = 16;

// Whole seconds, and rather one too many.
u32 seconds_of(u64 time_ms) { return static_cast<u32>((time_ms + 999) / 1000); }

bool is_registered(const connection &owner, u8 socket)
{
	for (const registration *r = owner.registrations; r; r = r->next)
		if (!r->subscription && r->socket == socket)
			return true;
	return false;
}

// One that is not used yet, or one that no registration leads to any more.
u8 free_socket(const connection &owner)
{
	u8 forgotten = none;
	for (u8 i = 1; i < max_sockets; i++) {
		if (!owner.sockets[i].inside.port)
			return i;
		if (!is_registered(owner, i) && (forgotten == none || !owner.sockets[i].listens))
			forgotten = i;
	}
	return forgotten;
}

// Besides its own: over TCP that can have an outside port more, where the connection's stands for
// another (T8).
u8 find_further_socket(const connection &owner, const endpoint &inside)
{
	for (u8 i = 1; i < max_sockets; i++)
		if (same_socket(owner.sockets[i].inside, inside))
			return i;
	return none;
}

void adopt_socket(const scene &on, connection &owner, const binding_wish &wish)
{
	u8 at = find_further_socket(owner, wish.inside);
	if (at != none) {
		owner.sockets[at].listens |= !wish.spoken_of;
		return;
	}
	at = free_socket(owner);
	// An identity takes no place of what is listened at.
	if (at == none || (wish.spoken_of && owner.sockets[at].listens))
		return;
	signalling_socket &socket = owner.sockets[at];
	give_up_door(on.opaque, socket.door);
	drop_reference(on.tables(), socket.bound);
	if (wish.held)
		take_reference(wish.held);
	socket.bound = wish.held;
	note_spare(on.tables(), owner);
	socket.inside = wish.inside;
	socket.listens = !wish.spoken_of;
	socket.lasts = false;
	socket.answers_until_s = 0;
	socket.asked = 0;
	on.data->flags |= connection_has_more;
}

// Or gives it another Contact.
bool makes_dialog(method m)
{
	return m == method::invite || m == method::update || m == method::subscribe || m == method::refer;
}

void note_asked(connection &owner, const endpoint &contact, u64 transaction)
{
	const u8 at = find_further_socket(owner, contact);
	if (at != none && owner.sockets[at].listens)
		owner.sockets[at].asked = transaction;
}

u64 hash_of_way(const endpoint &inner, const endpoint &peer, u32 zone)
{
	constexpr u64 golden = 0x9e3779b97f4a7c15ull;	// the two ends may be each other's elsewhere
	return hash_of_socket(inner, zone) * golden + hash_of_socket(peer, zone);
}

} // namespace

const connection *find_outer_end(const state &tables, const endpoint &outer)
{
	const connection *at = tables.by_outer.first(hash_of_socket(outer, any_zone));
	while (at && !same_socket(at->ends.outer, outer))
		at = at->next_outer;
	return at;
}

const connection *find_connection(const state &tables, const endpoint &inner, const endpoint &peer, u32 zone)
{
	const connection *at = tables.by_way.first(hash_of_way(inner, peer, zone));
	while (at && !(at->ends.zone == zone && same_socket(at->ends.inner, inner) && same_socket(at->ends.peer, peer)))
		at = at->next_way;
	return at;
}

bool may_have_door(const sipx_state *opaque, const signalling_socket &socket)
{
	if (sipx_is_denied_port(opaque, socket.inside.port))
		return false;
	return socket.inside.protocol != SIPX_TCP || sipx_setting(opaque, SIPX_SETTING_TCP_INBOUND);
}

void note_spare(state &tables, connection &owner)
{
	for (u8 i = 1; i < max_sockets; i++)
		if (owner.sockets[i].bound)
			return set_spare(tables, owner, true);
}

void open_for_answers(const scene &on, connection &owner, u8 index)
{
	signalling_socket &socket = owner.sockets[index];
	const bool denied = sipx_is_denied_port(on.opaque, socket.inside.port);
	const u64 longest_ms = on.now_ms + u64{longest_lifetime_s} * 1000;
	const u64 until_ms = socket.lasts ? longest_ms : u64{socket.answers_until_s} * 1000;
	// over TCP the answer comes back over the connection
	if (denied || owner.ends.inner.protocol == SIPX_TCP || until_ms <= on.now_ms)
		return give_up_door(on.opaque, socket.door);
	const endpoint &outside = socket.bound ? socket.bound->outside : socket.inside;
	sipx_pinhole wished = inward(owner.ends, owner.ends.peer, outside, socket.inside);
	wished.pinhole_class = SIPX_CLASS_SIGNALLING;
	wished.helper = 1;
	ensure_pinhole(on, owner, wished, until_ms, socket.door);
}

namespace {

// Whether that is a pinhole of the ended connection's; it is closed then.
bool goes_with(sipx_state *opaque, const connection &ended, pinhole *p)
{
	if (!p || p->master != &ended)
		return false;
	take_place(opaque, *p);
	return true;
}

bool lose_pinholes(sipx_state *opaque, const connection &ended, call &c)
{
	bool lost = false;
	for (stream *s = c.streams; s; s = s->next) {
		lost |= goes_with(opaque, ended, s->in_rtp);
		lost |= goes_with(opaque, ended, s->in_rtcp);
		lost |= goes_with(opaque, ended, s->out_rtp);
		lost |= goes_with(opaque, ended, s->out_rtcp);
	}
	return lost;
}

void take_over(sipx_state *opaque, const connection &ended, connection &heir, u64 now_ms)
{
	const scene on = scene_of(opaque, heir, now_ms);
	for (call *c = heir.calls.head; c; c = c->on_owner.next)
		if (lose_pinholes(opaque, ended, *c))
			open_streams(on, *c);
	for (u8 i = 0; i < max_sockets; i++)
		if (goes_with(opaque, ended, heir.sockets[i].door))
			settle_door(on, heir, i);
}

// A pinhole ends with the connection that it was opened for. Those that others hold as well are opened anew for
// them (R10, R18, S6).
void leave_pinholes(sipx_state *opaque, const connection &ended)
{
	const u64 now_ms = sipx_now_ms();
	if (ended.opened_for_others)
		for (connection *heir = ended.of->connections.head; heir; heir = heir->on_host.next)
			if (heir != &ended)
				take_over(opaque, ended, *heir, now_ms);
	if (ended.opened_for_hosts)
		for (connection *heir = tables_of(opaque).connections; heir; heir = heir->next)
			if (heir->of != ended.of)
				take_over(opaque, ended, *heir, now_ms);
}

void remove_connection(sipx_state *opaque, connection *ended)
{
	state &tables = tables_of(opaque);
	if (ended->previous)
		ended->previous->next = ended->next;
	else
		tables.connections = ended->next;
	if (ended->next)
		ended->next->previous = ended->previous;
	if (tables.looked_at == ended)
		tables.looked_at = ended->next;
	if (tables.expiring == ended)
		tables.expiring = ended->next;
	tables.by_outer.remove(hash_of_socket(ended->ends.outer, any_zone), ended);
	tables.by_way.remove(hash_of_way(ended->ends.inner, ended->ends.peer, ended->ends.zone), ended);
	leave_host(tables, *ended);
	for (kept_options *kept : ended->options)
		if (kept)
			discard(kept);
	sipx_conntrack_release(ended->conntrack);
	discard(ended);
}

} // namespace

void attach_connection(const scene &on, connection *made, host *of)
{
	state &tables = on.tables();
	made->conntrack = sipx_conntrack_hold(on.packet);
	made->data = on.data;
	made->ends = on.where;
	join_host(*made, of);
	made->sockets[0].inside = on.where.inner;
	made->next = tables.connections;
	if (made->next)
		made->next->previous = made;
	tables.connections = made;
	tables.by_outer.insert(hash_of_socket(made->ends.outer, any_zone), made);
	tables.by_way.insert(hash_of_way(made->ends.inner, made->ends.peer, made->ends.zone), made);
	on.data->connection = made;
	sipx_tick_arm(on.opaque);
}

namespace {

void give_up_all(sipx_state *opaque, connection *ended)
{
	state &tables = tables_of(opaque);
	// Those that have another way stay, and find their pinholes again with the next message.
	while (call *c = ended->calls.head)
		if (c->direct)
			move_call(tables_of(opaque), *c, *c->direct);
		else
			end_call(opaque, c);
	while (ended->direct.head)
		leave_direct(tables, *ended->direct.head);
	while (ended->registrations)
		end_registration(opaque, *ended, ended->registrations);
	for (signalling_socket &socket : ended->sockets) {
		give_up_door(opaque, socket.door);
		drop_reference(tables, socket.bound);
	}
}

} // namespace

void end_connection(sipx_state *opaque, connection *ended)
{
	give_up_all(opaque, ended);
	leave_pinholes(opaque, *ended);
	remove_connection(opaque, ended);
}

void end_all_connections(sipx_state *opaque)
{
	for (connection *at = tables_of(opaque).connections; at; at = tables_of(opaque).connections) {
		give_up_all(opaque, at);
		remove_connection(opaque, at);
	}
}

namespace {

// Connections that are looked at with each tick, whether they still have the helper.
constexpr u32 looks_for_lost = 64;

// Somebody may have taken the helper off it, and given it another one: then nobody tells us when it
// ends, and its data are not ours.
void end_if_lost(sipx_state *opaque, connection *at)
{
	const bool named = at->data->connection == at;
	if (named && !sipx_conntrack_has_ended(at->conntrack))
		return;
	if (named) {
		at->data->flags |= connection_gone;
		at->data->connection = nullptr;
	}
	end_connection(opaque, at);
}

} // namespace

void end_lost_connections(sipx_state *opaque)
{
	for (connection *at = tables_of(opaque).connections, *after; at; at = after) {
		after = at->next;
		end_if_lost(opaque, at);
	}
}

namespace {

// The kernel has closed them by itself.
void forget_doors_of_answers(sipx_state *opaque, connection &owner, u64 now_ms)
{
	for (u8 i = 1; i < max_sockets; i++) {
		signalling_socket &socket = owner.sockets[i];
		const bool waits = socket.lasts || u64{socket.answers_until_s} * 1000 > now_ms;
		if (socket.door && !waits && !socket_needed_until(owner, i))
			give_up_door(opaque, socket.door);
	}
}

} // namespace

void look_for_lost_connections(sipx_state *opaque)
{
	state &tables = tables_of(opaque);
	const u64 now_ms = sipx_now_ms();
	for (u32 i = 0; i < looks_for_lost; i++) {
		connection *at = tables.looked_at ? tables.looked_at : tables.connections;
		if (!at)
			return;
		tables.looked_at = at->next;
		forget_doors_of_answers(opaque, *at, now_ms);
		end_if_lost(opaque, at);
	}
}

void forget_bare_connection(sipx_state *opaque, connection *ended)
{
	if (ended->data->connection == ended) {
		ended->data->flags &= ~connection_has_more;
		ended->data->connection = nullptr;
	}
	give_up_all(opaque, ended);
	leave_pinholes(opaque, *ended);
	remove_connection(opaque, ended);
}

void limit_connections(sipx_state *opaque, host &of)
{
	for (u32 i = 0; i < most_looks && of.connection_count >= many_connections; i++) {
		connection *oldest = of.connections.tail;
		if (is_bare(*oldest)) {
			sipx_count(opaque, SIPX_COUNT_limit_connections_host);
			forget_bare_connection(opaque, oldest);
			return;
		}
		of.connections.remove(oldest);
		of.connections.push(oldest);
	}
}

void close_connection(sipx_state *opaque, connection &closed, u64 now_ms)
{
	closed.closed = true;
	while (closed.direct.head)
		leave_direct(tables_of(opaque), *closed.direct.head);
	for (registration *r = closed.registrations, *after; r; r = after) {
		after = r->next;
		if (r->subscription || !closed.sockets[r->socket].door)
			end_registration(opaque, closed, r);
	}
	settle_lifetime(closed, now_ms);
}

u8 find_socket(const connection &owner, const endpoint &inside)
{
	return same_socket(owner.sockets[0].inside, inside) ? 0 : find_further_socket(owner, inside);
}

namespace {

constexpr u32 answers_step_s = 31;

// RFC 3261 17.1: an INVITE may ring, what else is asked is answered at once or never.
void note_answers(const scene &on, const call_event &event, signalling_socket &socket)
{
	const u32 wait_s = sipx_setting(on.opaque, event.request_method == method::invite ?
					SIPX_SETTING_UNANSWERED_TIMEOUT : SIPX_SETTING_TRANSACTION_TIMEOUT);
	// what is sent again takes no lock for a few seconds more
	const u32 until_s = (seconds_of(on.now_ms) + wait_s) | answers_step_s;
	if (until_s > socket.answers_until_s)
		socket.answers_until_s = until_s;
}

bool is_open_for_registrar(const scene &on, const connection &owner, u8 index)
{
	return owner.sockets[index].door && socket_needed_until(owner, index) > on.now_ms;
}

} // namespace

bool room_for_sockets(const connection *owner, const plan &p)
{
	u32 needed = 0;
	for (u8 i = 0; i < p.wish_count; i++)
		if (p.wishes[i].signalling && !p.wishes[i].spoken_of)
			needed += !owner || find_further_socket(*owner, p.wishes[i].inside) == none;
	u32 room = max_sockets - 1;
	for (u8 i = 1; owner && i < max_sockets; i++)
		room -= is_registered(*owner, i);
	return needed <= room;
}

void adopt_sockets(const scene &on, const call_event &event, connection &owner, plan &p)
{
	for (u8 i = 0; i < p.wish_count; i++)
		if (p.wishes[i].signalling && !p.wishes[i].spoken_of)
			adopt_socket(on, owner, p.wishes[i]);
	for (u8 i = 0; i < p.wish_count; i++)
		if (p.wishes[i].signalling && p.wishes[i].spoken_of)
			adopt_socket(on, owner, p.wishes[i]);
	// Without `rport` the response goes to where the top Via says (RFC 3261 18.2.2, RFC 3581 4).
	if (!on.where.from_inside || event.status || event.asks_rport)
		return;
	const u8 at = find_further_socket(owner, event.via);
	if (at == none || !owner.sockets[at].listens)
		return;
	note_answers(on, event, owner.sockets[at]);
	if (!is_open_for_registrar(on, owner, at))
		open_for_answers(on, owner, at);
}

void recall(const connection &owner, const endpoint &outer, plan &p)
{
	if (same_endpoint(owner.ends.outer, outer))
		p.stands_for = owner.stands_for;
	else
		p.known[p.known_count++] = {owner.sockets[0].inside, owner.ends.outer, false};
	for (u8 i = 1; i < max_sockets; i++)
		if (owner.sockets[i].bound)
			p.known[p.known_count++] = {owner.sockets[i].inside, owner.sockets[i].bound->outside,
						    !owner.sockets[i].listens};
	p.literal = owner.literal;
}

void remember_literal(const scene &on, connection &owner, const inner_literal &literal)
{
	owner.literal = literal;
	owner.literal.fresh = false;
	on.data->flags |= connection_has_more;
}

void remember_stand_ins(const scene &on, connection &owner, const stand_ins &stands_for)
{
	owner.stands_for = stands_for;
	on.data->flags |= connection_has_more;
}

void mind_via(const scene &on, const call_event &event, connection &owner)
{
	if (on.where.inner.protocol == SIPX_TCP)
		return;
	const bool listens = on.where.from_inside && listens_elsewhere(event.via, on.where) &&
			     !sipx_is_denied_port(on.opaque, event.via.port);
	if (listens && !event.status && !event.asks_rport) {
		if (owner.awaited[0].transaction == event.transaction)
			return;
		for (u32 i = max_awaited_elsewhere - 1; i; i--)
			owner.awaited[i] = owner.awaited[i - 1];
		owner.awaited[0] = {event.transaction, event.via.port};
	}
	if (on.where.from_inside || !event.status || on.data != owner.data)
		return;
	for (const awaited_elsewhere &awaited : owner.awaited)
		if (awaited.transaction == event.transaction)
			sipx_packet_redirect(on.packet, awaited.port);
}

namespace {

void keep_open(const scene &on, connection &owner, u8 index)
{
	owner.sockets[index].lasts = true;
	if (!is_open_for_registrar(on, owner, index))
		open_for_answers(on, owner, index);
}

// Where no proxy stays between, the ACK is the first that the other end itself hears of a phone, which then is
// asked where that says (RFC 3261 12.2.1.1).
void mind_dialog(const scene &on, const call_event &event, connection &owner)
{
	if (!on.where.from_inside || event.status || !event.to_tag || event.asks_rport)
		return;
	const u8 at = find_further_socket(owner, event.via);
	if (at == none || !owner.sockets[at].listens || owner.sockets[at].lasts)
		return;
	const call *c = find_call(on.tables(), event, on.where);
	if (c && c->state == call_state::answered)
		keep_open(on, owner, at);
}

} // namespace

void mind_contact(const scene &on, const call_event &event, connection &owner)
{
	if (!(owner.data->flags & connection_has_more))
		return;
	mind_dialog(on, event, owner);
	if (!makes_dialog(event.request_method))
		return;
	const bool granted = event.status >= 200 && event.status < 300;
	if (on.where.from_inside && (!event.status || (granted && find_call(on.tables(), event, on.where))))
		for (u8 i = 0; i < event.contact_count; i++)
			note_asked(owner, event.contacts[i].address, event.transaction);
	for (u8 i = 1; event.status >= 200 && i < max_sockets; i++) {
		signalling_socket &socket = owner.sockets[i];
		if (socket.asked != event.transaction)
			continue;
		socket.asked = 0;	// what comes once more opens nothing
		if (granted)
			keep_open(on, owner, i);
	}
}

void note_need(connection &owner, u64 until_ms)
{
	if (seconds_of(until_ms) > owner.data->keep_until_s) {
		owner.data->keep_until_s = seconds_of(until_ms);
		owner.needs_more = true;
	}
}

void end_need(connection &owner, u64 until_ms)
{
	owner.needs_less |= seconds_of(until_ms) >= owner.data->keep_until_s;
}

void settle_lifetime(connection &owner, u64 now_ms)
{
	if (owner.needs_less)
		owner.data->keep_until_s = seconds_of(latest_need(owner));
	const u64 needed_ms = u64{owner.data->keep_until_s} * 1000;
	const u64 ordinary_ms = now_ms + u64{owner.ordinary_s} * 1000;
	const u64 until_ms = needed_ms > ordinary_ms ? needed_ms : ordinary_ms;
	const u32 seconds = static_cast<u32>((until_ms - now_ms + 999) / 1000);
	if (owner.needs_less)
		sipx_connection_shorten(owner.conntrack, seconds);
	else if (owner.needs_more)
		sipx_connection_keep(owner.conntrack, seconds);
	owner.needs_less = owner.needs_more = false;
}

void note_expiry(state &tables, sipx_state *opaque, u64 when_ms)
{
	expect_expiry(tables, when_ms);
	sipx_tick_arm(opaque);
}

} // namespace sip

// SPDX-License-Identifier: GPL-2.0
#include "calls.h"

#include "dialogs.h"
#include "hosts.h"
#include "streams.h"

namespace sip {

namespace {

// With a session timer it is dead after one interval (RFC 4028 10); twice that is safe.
constexpr u64 shortest_timed_life_ms = 3600 * 1000;
// BYE without an answer: who sent it has stopped its media (RFC 3261 15).
constexpr u64 ending_life_ms = 1000;
// After 401, 407 and their like the same call is tried again at once, and should find its
// ports again.
constexpr u64 retry_life_ms = 5 * 1000;
// Phones that ring at once for one number; branches beyond are not followed.
constexpr u32 max_branches = 32;

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

// ---- its transactions

// Newest first; the oldest that nobody answers makes room.
void push(u64 *list, u32 size, u64 transaction)
{
	for (u32 i = size - 1; i; i--)
		list[i] = list[i - 1];
	list[0] = transaction;
}

void add_pending(call &c, u64 transaction) { push(c.pending, max_pending, transaction); }

void forget_invite(state &tables, call &c)
{
	if (!c.invite)
		return;
	tables.invites.remove(c.invite->digest, c.invite);
	discard(c.invite);
	c.invite = nullptr;
}

// It has its final response: what is repeated of it changes nothing any more.
void settle(state &tables, call &c, u64 transaction)
{
	if (c.invite && c.invite->transaction == transaction)
		forget_invite(tables, c);
	for (u64 &place : c.pending)
		if (place == transaction)
			place = 0;
	push(c.settled, max_settled, transaction);
}

// ---- its life

void need_connections(const call &c)
{
	note_need(*c.owner, needed_until(c.expires_ms));
	if (c.direct)
		note_need(*c.direct, needed_until(c.expires_ms));
}

void expect_end(sipx_state *opaque, call &c, u64 until_ms)
{
	if (until_ms < c.expires_ms) {
		end_need(*c.owner, needed_until(c.expires_ms));
		if (c.direct)
			end_need(*c.direct, needed_until(c.expires_ms));
	}
	c.expires_ms = until_ms;
	if (c.state != call_state::over)
		need_connections(c);
	note_expiry(tables_of(opaque), opaque, until_ms);
}

u64 span_ms(const sipx_state *opaque, enum sipx_setting setting) { return u64{sipx_setting(opaque, setting)} * 1000; }

// An answer has come by then, and nothing is repeated any more: timers F and H (RFC 3261 17.1.2.2,
// 13.3.1.4).
u64 transaction_ms(const sipx_state *opaque) { return span_ms(opaque, SIPX_SETTING_TRANSACTION_TIMEOUT); }

// A call that is not answered lives longer than timer C, which a proxy must keep above 3 minutes
// (RFC 3261 16.6 step 11). An answered one has no clock (R13): its setting only bounds what a peer
// that vanished leaves behind, without a single message and without media.
u64 life_of(const sipx_state *opaque, const call &c)
{
	if (c.state == call_state::early || c.assumed)
		return span_ms(opaque, SIPX_SETTING_UNANSWERED_TIMEOUT);
	const u64 answered_ms = span_ms(opaque, SIPX_SETTING_ANSWERED_TIMEOUT);
	if (!c.session_expires_s)
		return answered_ms;
	const u64 twice_ms = u64{c.session_expires_s} * 2000;
	if (twice_ms > answered_ms)
		return answered_ms;
	return twice_ms < shortest_timed_life_ms ? shortest_timed_life_ms : twice_ms;
}

void prolong(const scene &on, call &c) { expect_end(on.opaque, c, on.now_ms + life_of(on.opaque, c)); }

void set_state(sipx_state *opaque, call &c, call_state state)
{
	c.state = state;
	const bool stands = state == call_state::answered || state == call_state::ending;
	set_expendable(tables_of(opaque), c, c.assumed || !stands);
}

// The other end speaks in the dialog as well: it is one.
void confirm(const scene &on, call &c)
{
	if (!c.assumed || on.where.from_inside)
		return;
	c.assumed = false;
	set_state(on.opaque, c, c.state);
}

void link_call(const scene &on, connection &owner, call *fresh)
{
	state &tables = on.tables();
	fresh->owner = &owner;
	owner.calls.push(fresh);
	tables.calls.insert(fresh->key, fresh);
	count_for(tables, owner.of, shared::calls);
}

void begin(const scene &on, const call_event &event, call &c)
{
	c.caller_inside = inside_requests(event, on.where);
	set_state(on.opaque, c, call_state::early);
	c.caller = event.from_tag;
	c.called = event.status ? 0 : event.to_tag;	// a re-INVITE: the tables were flushed
	c.session_expires_s = 0;
	c.peer = on.where.peer;
	c.target = {};
	sipx_count(on.opaque, SIPX_COUNT_call_started);
}

// The call ends; what is left is the memory of it, so that what is repeated late begins nothing.
void finish(sipx_state *opaque, call &c, u64 now_ms)
{
	release_streams(opaque, c);
	forget_invite(tables_of(opaque), c);
	for (u64 &place : c.pending)
		if (place)
			settle(tables_of(opaque), c, place);
	set_state(opaque, c, call_state::over);
	c.changing = 0;
	leave_direct(tables_of(opaque), c);
	expect_end(opaque, c, now_ms + transaction_ms(opaque));
	sipx_count(opaque, SIPX_COUNT_call_ended);
}

// ---- changes that may be refused

void begin_change(const scene &on, const call_event &event, call &c)
{
	if (c.changing == event.transaction)
		return;
	if (c.changing && on.now_ms < c.changing_until_ms)
		return;
	c.changing = 0;
	if (!remember_ends(on.tables(), c))
		return sipx_count(on.opaque, SIPX_COUNT_no_memory);
	c.changing = event.transaction;
	c.changing_until_ms = on.now_ms + transaction_ms(on.opaque);
}

void end_change(const scene &on, const call_event &event, call &c)
{
	if (c.changing != event.transaction)
		return;
	c.changing = 0;
	forget_ends(on.tables(), c);
}

void undo_change(const scene &on, u64 transaction, call &c)
{
	if (c.changing != transaction)
		return;
	c.changing = 0;
	fall_back(on, c);
}

// ---- what a message may say

// RFC 3261 14 and 8.2.2.2: the INVITE of a new call, another branch of it, or a change.
bool accept_invite(const scene &on, const call_event &event, call &c)
{
	const bool begins = c.state == call_state::early && !event.to_tag;
	const bool changes = c.state == call_state::answered && event.to_tag;
	if (!begins && !changes)
		return false;
	add_pending(c, event.transaction);
	if (changes)
		begin_change(on, event, c);
	return true;
}

// A second answer from another branch may come for as long as the first is repeated (RFC 3261
// 13.2.2.4).
void let_branches_end(const scene &on, const call &answered, u64 transaction)
{
	for (call *c = first_of_key(on.tables(), answered.key); c; c = next_of_key(*c))
		if (c != &answered && c->state == call_state::early && is_pending(*c, transaction)) {
			c->overtaken = true;
			expect_end(on.opaque, *c, on.now_ms + transaction_ms(on.opaque));
		}
}

// The 2xx to the INVITE that we saw makes the dialog; a retransmission or an answer to
// something else does not.
bool accept_answer(const scene &on, const call_event &event, call &c)
{
	if (c.state == call_state::ending || c.state == call_state::over || !is_pending(c, event.transaction))
		return false;
	if (!c.called)
		c.called = event.to_tag;
	if (event.provisional) {
		forget_invite(on.tables(), c);	// nor is it sent again (RFC 3261 17.1.1.2)
		return !c.overtaken;
	}
	settle(on.tables(), c, event.transaction);
	end_change(on, event, c);
	c.session_expires_s = event.session_expires;
	c.overtaken = false;
	set_state(on.opaque, c, call_state::answered);
	let_branches_end(on, c, event.transaction);
	return true;
}

// False: seen before.
bool take_once(state &tables, call &c, u64 transaction)
{
	if (is_settled(c, transaction))
		return false;
	settle(tables, c, transaction);
	return true;
}

bool is_repeated_invite(const call_event &event, const call &c)
{
	return event.request_method == method::invite && !event.status &&
	       (is_pending(c, event.transaction) || is_settled(c, event.transaction));
}

// Of all but INVITE, the last of each side alone can be answered: no other is sent meanwhile
// (RFC 3311 5.1, RFC 3262 3).
bool is_answer(const call_event &event, const sides &where, const call &c)
{
	return event.transaction == c.asked[!where.from_inside];
}

// Whether the message may say something new about the call.
bool accept(const scene &on, const call_event &event, call &c)
{
	if (event.request_method == method::invite)
		return event.status ? accept_answer(on, event, c) : accept_invite(on, event, c);
	if (c.state == call_state::ending || c.state == call_state::over ||
	    fit_of(event, on.where, c) != fit::exact)
		return false;
	// An ACK to a call that was not answered is that to its refusal.
	if (event.request_method == method::ack)
		return c.state == call_state::answered && take_once(on.tables(), c, event.transaction);
	if (is_settled(c, event.transaction) || (event.status && !is_answer(event, on.where, c)))
		return false;
	if (!event.status)
		c.asked[on.where.from_inside] = event.transaction;
	if (event.status && !event.provisional) {
		end_change(on, event, c);
		settle(on.tables(), c, event.transaction);
	} else if (!event.status && event.has_media) {
		begin_change(on, event, c);
	}
	if (event.request_method == method::update && event.status && event.session_expires)
		c.session_expires_s = event.session_expires;
	return true;
}

// Messages of the call come by that connection, too, as those without a proxy between do
// (RFC 3261 12.2.1.1).
void join_direct(state &tables, call &c, connection &by)
{
	if (c.direct == &by)
		return;
	leave_direct(tables, c);
	c.direct = &by;
	by.direct.push(&c);
	note_need(by, needed_until(c.expires_ms));
}

// The connection that it began on is closed, and its messages come by another one between the
// same two (RFC 3261 18): its pinholes are opened there anew.
bool follows(const call &c, const connection &by)
{
	return c.owner->closed && !by.closed && same_address(c.owner->ends.peer, by.ends.peer);
}

void come_by(const scene &on, const call_event &event, call &c, connection &by)
{
	if (&by == c.owner)
		return;
	// that the inside answers a stranger makes this one no part of the call
	if (event.status && on.where.from_inside && !is_of(c, by.ends.peer))
		return;
	if (!follows(c, by))
		return join_direct(on.tables(), c, by);
	connection &old = *c.owner;
	move_call(on.tables(), c, by);
	settle_lifetime(old, on.now_ms);
}

call *take_fresh(const scene &on, const call_event &event, connection &owner, call_reserve &reserve)
{
	call *c = reserve.fresh;
	reserve.fresh = nullptr;
	c->key = event.call;
	c->number = ++on.tables().last_number;
	link_call(on, owner, c);
	return c;
}

// Who calls from outside; null: the inside does.
const endpoint *caller_of(const call_event &event, const sides &where)
{
	return inside_requests(event, where) ? nullptr : &where.peer;
}

// The limits may ask for the place of one that nobody has answered.
void make_room(const scene &on, host *of, const endpoint *caller)
{
	call *instead;
	sipx_reason why;
	if (!has_room_for_call(on.opaque, of, caller, instead, why, true) || !instead)
		return;
	sipx_count(on.opaque, why);
	end_call(on.opaque, instead);
}

call *begin_call(const scene &on, const call_event &event, connection &owner, call_reserve &reserve)
{
	if (reserve.crowded)
		make_room(on, owner.of, caller_of(event, on.where));
	call *c = take_fresh(on, event, owner, reserve);
	// whoever floods may claim that too: until the outside confirms it, it has no more rights
	// than a call that nobody has answered (S7)
	c->assumed = on.where.from_inside && (event.status || event.to_tag);
	begin(on, event, *c);
	if (event.status)	// the tables were flushed while it rang
		add_pending(*c, event.transaction);
	else if (event.to_tag)	// or while it was answered
		set_state(on.opaque, *c, call_state::answered);
	return c;
}

// A fork outside: the caller's offer stands for each branch, with an answer of its own
// (RFC 3261 13.2.2.4).
call *begin_branch(const scene &on, const call_event &event, const call &like, call_reserve &reserve)
{
	call *c = take_fresh(on, event, *like.owner, reserve);
	c->caller_inside = like.caller_inside;
	set_state(on.opaque, *c, call_state::early);
	c->caller = like.caller;
	c->called = event.to_tag;
	c->peer = like.peer;
	c->target = like.target;
	add_pending(*c, event.transaction);
	copy_caller_ends(like, *c, reserve.streams);
	sipx_count(on.opaque, SIPX_COUNT_call_started);
	return c;
}

call *call_of_session(const scene &on, const call_event &event, connection *owner, call_reserve &reserve)
{
	if (call *c = find_call(on.tables(), event, on.where))
		return c;
	u32 count = 0;
	const call *like = reserve.fresh ? find_branch(on.tables(), event, on.where, count) : nullptr;
	if (like)
		return begin_branch(on, event, *like, reserve);
	if (owner && reserve.fresh)
		return begin_call(on, event, *owner, reserve);
	if (event.media_count)
		sipx_count(on.opaque, SIPX_COUNT_unknown_dialog);
	return nullptr;
}

// What is refused was asked by that end of the call. A request that comes back to who sent it is in the same
// transaction, and is not.
bool was_asked(const call_event &event, const sides &where, const call &c)
{
	return event.from_tag == (inside_requests(event, where) == c.caller_inside ? c.caller : c.called);
}

// The INVITE of that transaction is refused, on one branch or on all of them.
bool fail_branch(const scene &on, const call_event &event, call &c, bool may_ask_again)
{
	if (!is_pending(c, event.transaction) || !speaks_for(event, on.where, c) || !was_asked(event, on.where, c))
		return false;
	settle(on.tables(), c, event.transaction);
	undo_change(on, event.transaction, c);
	if (event.status == 481 && c.state == call_state::answered) {
		finish(on.opaque, c, on.now_ms);
		return true;
	}
	if (c.state != call_state::early || any_pending(c))
		return true;
	if (may_ask_again && asks_again(event.status)) {
		c.called = 0;
		expect_end(on.opaque, c, on.now_ms + retry_life_ms);
	} else {
		finish(on.opaque, c, on.now_ms);
	}
	return true;
}

// What the inside grants is over, whoever asked for it.
call *granted_bye(const state &tables, const call_event &event, const sides &where)
{
	if (!where.from_inside || event.status >= 300)
		return nullptr;
	call *c = first_of_key(tables, event.call);
	while (c && !(c->state == call_state::answered && fit_of_names(event, where, *c) == fit::exact))
		c = next_of_key(*c);
	return c;
}

// Who was asked first knows the Call-ID, and may use it up before the caller comes: what he began goes, unless the
// inside rings for it. False: there is no such.
bool end_attempt(const scene &on, const call_event &event)
{
	call *oldest = nullptr;
	for (call *c = first_of_key(on.tables(), event.call); c && !on.where.from_inside; c = next_of_key(*c))
		if (c->state == call_state::early && !c->called && !c->caller_inside &&
		    !same_address(c->peer, on.where.peer))
			oldest = c;
	if (!oldest)
		return false;
	sipx_count(on.opaque, SIPX_COUNT_limit_host);
	end_call(on.opaque, oldest);
	return true;
}

} // namespace

call *find_call(const state &tables, const call_event &event, const sides &where)
{
	call *best = nullptr;
	for (call *c = first_of_key(tables, event.call); c; c = next_of_key(*c)) {
		const fit fits = fit_of(event, where, *c);
		if (fits == fit::no)
			continue;
		const bool certain = fits == fit::exact && c->called && c->state != call_state::over;
		if (certain || is_pending(*c, event.transaction))
			return c;
		if (!best || best->state == call_state::over)
			best = c;
	}
	return best;
}

// What comes from outside begins nothing but a call that rings inside (S5).
bool begins_call(const call_event &event, const sides &where)
{
	if (event.kind != event_kind::session)
		return false;
	if (event.request_method == method::update)	// the tables were flushed
		return event.status == 0 && event.to_tag && where.from_inside && event.media_count;
	if (event.request_method != method::invite)
		return false;
	if (event.status)
		return where.from_inside && event.media_count != 0;
	return where.from_inside || !event.to_tag;
}

bool reserve_call(const scene &on, const call_event &event, call_reserve &reserve, sipx_reason &why)
{
	const state &tables = on.tables();
	const call *known = find_call(tables, event, on.where);
	why = SIPX_COUNT_no_memory;
	if (known)
		return reserve_streams(known, event, reserve.streams);
	u32 count = 0;
	const call *like = find_branch(tables, event, on.where, count);
	if (like && count >= max_branches && event.provisional)
		return true;
	if (!like && (!begins_call(event, on.where) || is_copy(tables, event, on.where)))
		return true;
	if (!like && count_attempts(tables, event.call) >= max_branches && !end_attempt(on, event))
		return true;
	call *instead;
	const connection *owner = connection_of(*on.data);
	host *of = owner ? owner->of : find_host(tables, on.where.inner, on.where.zone);
	const bool room = has_room_for_call(on.opaque, of, caller_of(event, on.where), instead, why, false);
	if (like && (!room || instead) && event.provisional)
		return true;
	if (!room && !like)
		return false;
	reserve.crowded = instead;
	why = SIPX_COUNT_no_memory;
	reserve.fresh = make<call>();
	if (!reserve.fresh || (like && !reserve_copies(*like, reserve.streams)))
		return false;
	return reserve_streams(like, event, reserve.streams);
}

void discard_reserve(call_reserve &reserve)
{
	discard_streams(reserve.streams);
	if (reserve.fresh)
		discard(reserve.fresh);
	reserve.fresh = nullptr;
}

call *note_session(const scene &on, const call_event &event, const plan &p, connection *owner, call_reserve &reserve)
{
	call *c = call_of_session(on, event, owner, reserve);
	if (!c)
		return nullptr;
	if (is_repeated_invite(event, *c)) {
		sipx_count(on.opaque, SIPX_COUNT_retransmission);
		if (is_pending(*c, event.transaction))	// its pinholes may have been flushed
			open_streams(on, *c);
		return nullptr;
	}
	if (!accept(on, event, *c))
		return nullptr;
	confirm(on, *c);
	if (!on.where.from_inside && event.contact_count)
		c->target = event.contacts[0].address;
	if (owner)
		come_by(on, event, *c, *owner);
	prolong(on, *c);
	note_media(on, event, p, *c, reserve.streams);
	// What was accepted is not undone with another change that is refused later.
	if (event.status >= 200 && c->changing && c->changing != event.transaction && !remember_ends(on.tables(), *c)) {
		c->changing = 0;
		sipx_count(on.opaque, SIPX_COUNT_no_memory);
	}
	open_streams(on, *c);
	return c;
}

void note_failure(const scene &on, const call_event &event)
{
	call *known = find_call(on.tables(), event, on.where);
	if (event.request_method != method::invite) {
		if (known)
			undo_change(on, event.transaction, *known);
		return;
	}
	bool failed = false;
	for (call *c = first_of_key(on.tables(), event.call); c; c = next_of_key(*c))
		failed |= fail_branch(on, event, *c, !failed);
	if (!failed && !(known && is_settled(*known, event.transaction)))
		sipx_count(on.opaque, SIPX_COUNT_unmatched_response);
}

void note_bye(const scene &on, const call_event &event)
{
	call *c = find_call(on.tables(), event, on.where);
	if (!c || c->state == call_state::over || fit_of(event, on.where, *c) != fit::exact)
		return;
	c->bye = event.transaction;
	set_state(on.opaque, *c, call_state::ending);
	expect_end(on.opaque, *c, on.now_ms + ending_life_ms);
}

void note_bye_answer(const scene &on, const call_event &event)
{
	call *c = find_call(on.tables(), event, on.where);
	if (!c || c->state != call_state::ending || c->bye != event.transaction)
		c = granted_bye(on.tables(), event, on.where);
	if (!c)
		return;
	if (!asks_again(event.status)) {
		finish(on.opaque, *c, on.now_ms);
		return;
	}
	set_state(on.opaque, *c, any_pending(*c) ? call_state::early : call_state::answered);
	prolong(on, *c);
}

void keep_invite(const scene &on, const workspace &work, call &c)
{
	state &tables = on.tables();
	const bool plain = !(on.data->flags & connection_has_more) && c.owner->data == on.data;
	forget_invite(tables, c);
	if (!plain || c.state != call_state::early || !is_pending(c, work.event.transaction))
		return;
	auto *fresh = make<kept_invite>();
	if (!fresh || !keep_edits(work, fresh->made)) {
		if (fresh)
			discard(fresh);
		return;
	}
	fresh->of = &c;
	fresh->digest = work.digest;
	fresh->transaction = work.event.transaction;
	fresh->spelled = spelling_of(*on.data);
	fresh->reply = on.where.from_inside != on.where.inside_began;
	tables.invites.insert(work.digest, fresh);
	c.invite = fresh;
}

bool repeat_invite(const scene &on, u64 digest, kept_edits &made)
{
	const bool reply = on.where.from_inside != on.where.inside_began;
	const kept_invite *known = on.tables().invites.first(digest);
	while (known && !(known->digest == digest && known->reply == reply && known->of->owner->data == on.data))
		known = known->next;
	if (!known || !(known->spelled == spelling_of(*on.data)) || !is_pending(*known->of, known->transaction))
		return false;
	made = known->made;
	sipx_count(on.opaque, SIPX_COUNT_retransmission);
	open_streams(on, *known->of);	// they may have been flushed
	return true;
}

void move_call(state &tables, call &c, connection &to)
{
	forget_invite(tables, c);
	leave_direct(tables, c);
	c.owner->calls.remove(&c);
	c.owner->opened_for_others = true;
	end_need(*c.owner, needed_until(c.expires_ms));
	c.owner = &to;
	to.calls.push(&c);
	expect_expiry(tables, c.expires_ms);	// the tick may be past it
	if (c.state != call_state::over)
		note_need(to, needed_until(c.expires_ms));
}

void leave_direct(state &tables, call &c)
{
	if (!c.direct)
		return;
	c.direct->direct.remove(&c);
	note_spare(tables, *c.direct);
	end_need(*c.direct, needed_until(c.expires_ms));
	c.direct = nullptr;
}

void expire_call(sipx_state *opaque, call &c, u64 now_ms)
{
	const bool may_live = c.state == call_state::answered || (c.state == call_state::early && !c.overtaken);
	if (may_live && is_flowing(opaque, c)) {
		expect_end(opaque, c, now_ms + life_of(opaque, c));
		if (c.direct)
			settle_lifetime(*c.direct, now_ms);
		return;
	}
	if (c.state == call_state::over)
		end_call(opaque, &c);
	else
		finish(opaque, c, now_ms);
}

void end_call(sipx_state *opaque, call *ended)
{
	state &tables = tables_of(opaque);
	release_streams(opaque, *ended);
	forget_invite(tables, *ended);
	leave_direct(tables, *ended);
	set_expendable(tables, *ended, false);
	if (ended->state != call_state::over) {
		end_need(*ended->owner, needed_until(ended->expires_ms));
		sipx_count(opaque, SIPX_COUNT_call_ended);
	}
	ended->owner->calls.remove(ended);
	note_spare(tables, *ended->owner);
	tables.calls.remove(ended->key, ended);
	count_no_more(tables, ended->owner->of, shared::calls);
	discard(ended);
}

} // namespace sip

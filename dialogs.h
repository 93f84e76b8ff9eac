// SPDX-License-Identifier: GPL-2.0
// Which call a message is of, and who may say so (RFC 3261 12, 17, 19.3; S6). All of it under the lock of the tables.
#ifndef SIP_EXT_DIALOGS_H
#define SIP_EXT_DIALOGS_H

#include "state.h"

namespace sip {

enum class fit : u8 { no, open, exact };

inline bool inside_requests(const call_event &event, const sides &where)
{
	return (event.status == 0) == where.from_inside;
}

inline bool is_in(const u64 *list, u32 size, u64 transaction)
{
	for (u32 i = 0; i < size; i++)
		if (list[i] == transaction)
			return true;
	return false;
}

inline bool is_pending(const call &c, u64 transaction) { return is_in(c.pending, max_pending, transaction); }
inline bool is_settled(const call &c, u64 transaction) { return is_in(c.settled, max_settled, transaction); }

inline bool any_pending(const call &c)
{
	for (u64 transaction : c.pending)
		if (transaction)
			return true;
	return false;
}

// An INVITE outside of any dialog, while another one with the same Call-ID and tag rings or is
// answered: a caller that tries two ways at once, or a proxy that forks to one phone twice
// (RFC 3261 8.2.2.2). Each has an offer of its own.
inline bool is_new_attempt(const call_event &event, const call &c)
{
	if (event.request_method != method::invite || event.status || event.to_tag)
		return false;
	if (is_pending(c, event.transaction) || is_settled(c, event.transaction))
		return false;
	return c.state != call_state::early || any_pending(c);
}

// Who speaks for the other end: whoever the call began with, or the inside has spoken to in it,
// from any port; and the host that its Contact names, which sends its requests itself where no
// proxy stays between (RFC 3261 12.2.1.1). What anybody else sends is not of this call, however
// well it knows the tags (S6).
inline bool is_of(const call &c, const endpoint &peer)
{
	return same_address(peer, c.peer) || same_address(peer, c.target) ||
	       (c.direct && same_address(peer, c.direct->ends.peer));
}

// What the inside refuses goes to who asked: it may be a stranger, who has repeated what he saw. What it grants it
// grants, wherever a Via has sent that.
inline bool speaks_for(const call_event &event, const sides &where, const call &c)
{
	return (where.from_inside && event.status < 300) || is_of(c, where.peer);
}

// From names who sent the request, in a response, too (RFC 3261 8.2.6.2). Which side that is
// counts as well: a call from a host to itself by way of an outside server is two.
inline fit fit_of_names(const call_event &event, const sides &where, const call &c)
{
	if (inside_requests(event, where) != c.caller_inside) {
		const bool same = c.called && event.from_tag == c.called && event.to_tag == c.caller;
		return same ? fit::exact : fit::no;
	}
	if (event.from_tag != c.caller || is_new_attempt(event, c))
		return fit::no;
	if (event.to_tag == c.called)
		return fit::exact;
	return event.to_tag && c.called ? fit::no : fit::open;
}

inline fit fit_of(const call_event &event, const sides &where, const call &c)
{
	return speaks_for(event, where, c) ? fit_of_names(event, where, c) : fit::no;
}

inline call *next_from(call *c, u64 key)
{
	while (c && c->key != key)
		c = c->next_hash;
	return c;
}

// All with one Call-ID and inside host, one after the other.
inline call *first_of_key(const state &tables, u64 key) { return next_from(tables.calls.first(key), key); }
inline call *next_of_key(const call &c) { return next_from(c.next_hash, c.key); }

inline u32 count_attempts(const state &tables, u64 key)
{
	u32 count = 0;
	for (const call *c = first_of_key(tables, key); c; c = next_of_key(*c))
		count += c->state != call_state::over;
	return count;
}

// Another branch of the call that the response belongs to, and how many there are. Null: it
// answers nothing that we saw.
inline call *find_branch(const state &tables, const call_event &event, const sides &where, u32 &count)
{
	call *found = nullptr;
	if (!event.status || !event.to_tag || event.request_method != method::invite)
		return nullptr;
	for (call *c = first_of_key(tables, event.call); c; c = next_of_key(*c)) {
		const bool same = inside_requests(event, where) == c->caller_inside && event.from_tag == c->caller;
		if (!same || !speaks_for(event, where, *c))
			continue;
		count++;
		const bool answered = is_settled(*c, event.transaction) && c->state == call_state::answered;
		if (is_pending(*c, event.transaction) || answered)
			found = c;
	}
	return found;
}

// Somebody repeats what he saw of a call that is with another one.
inline bool is_copy(const state &tables, const call_event &event, const sides &where)
{
	const call *c = where.from_inside || event.status ? nullptr : first_of_key(tables, event.call);
	for (; c; c = next_of_key(*c))
		if (c->state != call_state::over && !is_of(*c, where.peer) &&
		    (is_pending(*c, event.transaction) || is_settled(*c, event.transaction)))
			break;
	return c;
}

} // namespace sip

#endif

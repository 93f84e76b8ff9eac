// SPDX-License-Identifier: GPL-2.0
// Calls: dialogs, and what may become one (RFC 3261 12), with the offers and answers that
// pass in them (RFC 3264). All functions are called under the lock of the tables.
#ifndef SIP_EXT_CALLS_H
#define SIP_EXT_CALLS_H

#include "connections.h"

namespace sip {

// The call that the message belongs to; null: none. One that is not yet anybody's (no tag of
// the called) is everybody's.
[[nodiscard]] call *find_call(const state &tables, const call_event &event, const sides &where);

// Objects made before anything is changed, so that nothing can fail afterwards.
struct call_reserve {
	call *fresh = nullptr;
	stream *streams = nullptr;
	bool crowded = false;	// another call has to go for it
};

// Whether a message of that meaning begins a call when there is none.
[[nodiscard]] bool begins_call(const call_event &event, const sides &where);
// What note_session() may need. False: *why says it; what was made stays with `reserve`.
[[nodiscard]] bool reserve_call(const scene &on, const call_event &event, call_reserve &reserve, sipx_reason &why);
void discard_reserve(call_reserve &reserve);

// An offer, an answer, or progress of a call; `owner` takes a new one (null: none is made).
// Returns the call that the message says something new of; null: none.
call *note_session(const scene &on, const call_event &event, const plan &p, connection *owner, call_reserve &reserve);
void note_failure(const scene &on, const call_event &event);
void note_bye(const scene &on, const call_event &event);
void note_bye_answer(const scene &on, const call_event &event);

// How the INVITE in `work` left, for when it is sent again. Where that takes too much it is not kept, nor
// where more was remembered of its connection than of most: it may have to be told again.
void keep_invite(const scene &on, const workspace &work, call &c);
// Whether an INVITE of that digest may be kept. Without the lock: it may come or go at the same time.
[[nodiscard]] inline bool may_be_kept(const state &tables, u64 digest) { return tables.invites.may_have(digest); }
// The same datagram came by the same connection before, from the same end, and nobody has answered it:
// true, its pinholes stand again, and `made` says how it leaves.
[[nodiscard]] bool repeat_invite(const scene &on, u64 digest, kept_edits &made);

// The connection ends that its messages came by besides its owner.
void leave_direct(state &tables, call &c);
// It hangs on that one from here on, of the same inside host.
void move_call(state &tables, call &c, connection &to);

// What has outlived its time: ended, or given more where media still flows.
void expire_call(sipx_state *opaque, call &c, u64 now_ms);
void end_call(sipx_state *opaque, call *ended);

} // namespace sip

#endif

// SPDX-License-Identifier: GPL-2.0
// What hangs on a signalling connection: its sockets, its registrations, its calls, and
// the time it must live for them. All functions are called under the lock of the tables.
#ifndef SIP_EXT_CONNECTIONS_H
#define SIP_EXT_CONNECTIONS_H

#include "pinholes.h"
#include "plan.h"

namespace sip {

// sipx_connection_data::flags: the low bits are spelling::bare, these two stand above.
inline constexpr u32 connection_gone = 1u << 31;
// It has sockets besides its own, or a literal of its own: worth the lock to look at them.
inline constexpr u32 connection_has_more = 1u << 30;

inline spelling spelling_of(const sipx_connection_data &data)
{
	return {data.flags & ~(connection_gone | connection_has_more), data.outer_written, data.inner_written};
}

inline void remember_spelling(sipx_connection_data &data, const spelling &after)
{
	data.flags = (data.flags & (connection_gone | connection_has_more)) | after.bare;
	data.outer_written = after.outer;
	data.inner_written = after.inner;
}

inline connection *connection_of(const sipx_connection_data &data)
{
	return static_cast<connection *>(data.connection);
}

// Hangs `made` on the connection that the scene is on, as one of that host's.
void attach_connection(const scene &on, connection *made, host *of);
// Ends everything that hangs on it, and itself. Leaves its sipx_connection_data alone: at
// the end of a namespace the kernel may have taken that away before.
void end_connection(sipx_state *opaque, connection *ended);
// With the namespace: none of them leaves anything to another.
void end_all_connections(sipx_state *opaque);

// The one whose outer end that socket is: the NAT rules gave it to the signalling of a host, and what
// its peer sends there arrives at that host.
[[nodiscard]] const connection *find_outer_end(const state &tables, const endpoint &outer);
[[nodiscard]] const connection *find_connection(const state &tables, const endpoint &inner, const endpoint &peer,
						u32 zone);

// Nothing but sockets and their doors hangs on it.
[[nodiscard]] inline bool is_bare(const connection &c)
{
	return !c.calls.head && !c.direct.head && !c.registrations;
}

// Ends those whose connection in the kernel has ended, or has the helper no more, and nobody said so.
void end_lost_connections(sipx_state *opaque);
// The same for the next few.
void look_for_lost_connections(sipx_state *opaque);
// It ends, but stands in the kernel: what was forgotten of it is learned anew.
void forget_bare_connection(sipx_state *opaque, connection *ended);
// One more is to come: of too many of that host's, those that have been bare longest end.
void limit_connections(sipx_state *opaque, host &of);
// It may have fewer than before that need its sockets besides its own, or more of these.
void note_spare(state &tables, connection &owner);

// The socket of that connection which `inside` names: its own (0), one besides, or `none`.
[[nodiscard]] u8 find_socket(const connection &owner, const endpoint &inside);
[[nodiscard]] bool room_for_sockets(const connection *owner, const plan &p);
// Each new signalling socket that the message names, as far as there is room: for those that
// are listened at, room_for_sockets() has seen to it. The one that its answer is wanted at gets it.
void adopt_sockets(const scene &on, const call_event &event, connection &owner, plan &p);

// What a plan must know of it: the sockets besides the one that the message came by, and how
// it writes its address.
void recall(const connection &owner, const endpoint &outer, plan &p);
void remember_literal(const scene &on, connection &owner, const inner_literal &literal);
void remember_stand_ins(const scene &on, connection &owner, const stand_ins &stands_for);

// Nobody comes in by TCP unless a setting says so (S2).
[[nodiscard]] bool may_have_door(const sipx_state *opaque, const signalling_socket &socket);

// Answers to a Via that names the socket come from where the request went, and from nowhere else: as long as they
// may come, or for good where a 2xx has made it the Contact of a dialog (R19, S3). Over TCP they come by the
// connection that the request took (RFC 3261 18.2.2).
void open_for_answers(const scene &on, connection &owner, u8 index);

// A call that expires is looked at by the next tick: its connection must not have ended then.
constexpr u64 needed_until(u64 call_expires_ms) { return call_expires_ms + 5000; }

// A phone that sends from one port and listens at another gets its response there, though the
// server sent it to where the request came from. For each request by itself (R19).
void mind_via(const scene &on, const call_event &event, connection &owner);

// Both ends have closed it: registrations and subscriptions that have no other way in end with
// it. Calls do not (RFC 3261 18: it may be opened anew at any time): it stays for their media.
void close_connection(sipx_state *opaque, connection &closed, u64 now_ms);

// Requests of a dialog come to the Contact that made it (RFC 3261 12.2.1.1), which may name another
// port: from the peer, once it has said 2xx, or the inside has in a call (S3). After the message
// was remembered.
void mind_contact(const scene &on, const call_event &event, connection &owner);

// It is needed at least until then.
void note_need(connection &owner, u64 until_ms);
// What needed it until then needs it no more.
void end_need(connection &owner, u64 until_ms);
// The connection lives as long as what depends on it, and no longer.
void settle_lifetime(connection &owner, u64 now_ms);

// The next tick has work at that time.
void note_expiry(state &tables, sipx_state *opaque, u64 when_ms);

} // namespace sip

#endif

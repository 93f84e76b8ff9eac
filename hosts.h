// SPDX-License-Identifier: GPL-2.0
// Inside addresses and what each may have at once: a limit never costs an answered call, and
// never another host's that has less (REQUIREMENTS S7). All functions are called under the lock of
// the tables.
#ifndef SIP_EXT_HOSTS_H
#define SIP_EXT_HOSTS_H

#include "state.h"

namespace sip {

[[nodiscard]] host *find_host(const state &tables, const endpoint &inside, u32 zone);
// That host, made if there is none yet, with one more user. Null: no memory.
[[nodiscard]] host *hold_host(state &tables, const endpoint &inside, u32 zone);
// A host stands as long as it has users, or sockets or pinholes are counted for it.
void remove_if_unused(state &tables, host *held);

// One user less. Accepts null, as the two below do.
void release_host(state &tables, host *held);

// Connections of one host beyond these give way to the next, if they have neither a call nor a
// registration: many more than one phone or server has under way at once.
inline constexpr u32 many_connections = 1024;

void join_host(connection &joining, host *of);
void leave_host(state &tables, connection &leaving);

inline void count_for(state &tables, host *of, shared what)
{
	const u32 at = static_cast<u32>(what);
	tables.held[at]++;
	if (!of)
		return;
	of->held[at]++;
	of->network->together[at]++;
}

void count_no_more(state &tables, host *of, shared what);

// Among the pinholes of that host, whether it has a place or not; no longer.
void hold_pinhole(host &of, pinhole &p);
void drop_pinhole(state &tables, pinhole &p);
// It has a place in the kernel's table, which alone knows how many there may be; or none any more.
void note_placed(state &tables, pinhole &p);
void note_no_place(state &tables, pinhole &p);
// One more, or one less, of who needs it insists: as long as anybody does it keeps its place where the table is full,
// but for another network, where its own has nearly all.
void insist(state &tables, pinhole &p);
void insist_no_more(state &tables, pinhole &p);
// Where one network has nearly all of them, and `of` is in another: what goes first of these. Null: none has.
[[nodiscard]] pinhole *pinhole_of_crowd(const state &tables, const host &of);

// Whether there is one more for that host where `most` may be held in all: nobody takes more than
// eight times what is left, so that something is left for everybody.
[[nodiscard]] inline bool has_share(const state &tables, const host *of, shared what, u32 most)
{
	const u32 at = static_cast<u32>(what);
	const u32 held = tables.held[at];
	return held < most && (!of || of->network->together[at] / 8 < most - held);
}

// Who gives way to `of` where something is full: who has most of it, if that is more than `of` has, or
// than `comes`, what it then has; else `of` itself; null: nobody. `near`: it is not full, but what is left is
// no more than others need who have less than the network of `of`: an address of that, or of one that has more.
// Of sockets that are listened at, who has as much gives way, too: the oldest.
[[nodiscard]] host *who_yields(state &tables, yielding what, host *of, bool near, u32 comes = 0);
// Whether that host has more of sockets than `of` then has: it yields, too.
[[nodiscard]] bool yields_to(state &tables, yielding what, host &found, host *of, u32 comes);

// Whether one more call has its place; where an unanswered one must go for it, that is `instead`, and `why` says
// which limit it was: one of the same host at its own limit, of the host that has most at that of all. `caller` is who
// calls from outside, and null where the inside calls. What begins outside takes no place of what the inside began.
// Of those from outside what is over goes first, then the caller's own, then the oldest that the inside does not ring
// for; for whom it rings is passed over the next time where it `turns`.
[[nodiscard]] bool has_room_for_call(sipx_state *opaque, host *of, const endpoint *caller, call *&instead,
				     sipx_reason &why, bool turns);
// The same for a registration; `instead` is one that nobody has granted.
[[nodiscard]] bool has_room_for_registration(sipx_state *opaque, host *of, registration *&instead,
					     sipx_reason &why);

// Among the first to go at a limit, or no longer.
void set_expendable(state &tables, call &c, bool expendable);
void set_asking(state &tables, registration &r, bool asking);
// A registrar knows the host from now on with one registration more, or less.
void note_granted(state &tables, host &of, bool granted);
// Among the first, while it is expendable, to go where there is no outside port left; or no longer.
void set_keeping(state &tables, call &c, bool keeping);
// Who has most of ports and pinholes yields them first, however few its calls are.
void weigh_sockets(state &tables, host &of);
// It has outside ports for sockets besides its own, and perhaps neither a call nor a registration; or not.
void set_spare(state &tables, connection &owner, bool has_spare);

} // namespace sip

#endif

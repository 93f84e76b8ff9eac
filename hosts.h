// SPDX-License-Identifier: GPL-2.0
// Inside addresses and what each may have at once: a limit never costs an answered call, and
// never another host's (REQUIREMENTS S7). All functions are called under the lock of the tables.
#ifndef SIP_EXT_HOSTS_H
#define SIP_EXT_HOSTS_H

#include "state.h"

namespace sip {

[[nodiscard]] host *find_host(const state &tables, const endpoint &inside, u32 zone);
// A host stands as long as a connection is with it. `spare` becomes that of this connection's inside
// endpoint if there is none yet, and is null afterwards.
void join_host(state &tables, connection &joining, host *&spare);
void leave_host(state &tables, connection &leaving);

// Whether one more call has its place; where an unanswered one must go for it, `instead` is
// the oldest, and `why` says which limit it was: one of the same host at its own limit, of any
// host at that of all. What begins outside takes no place of what the inside began.
[[nodiscard]] bool has_room_for_call(sipx_state *opaque, const host *of, bool inside_begins, call *&instead,
				     sipx_reason &why);
[[nodiscard]] bool has_room_for_registration(sipx_state *opaque, const host *of, sipx_reason &why);

// Among the first to go at a limit, or no longer.
void set_expendable(state &tables, call &c, bool expendable);
// Among the first, while it is expendable, to give up its pinholes where the kernel's table is
// full, or no longer.
void set_holding(state &tables, call &c, bool holding);

} // namespace sip

#endif

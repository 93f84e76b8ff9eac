// SPDX-License-Identifier: GPL-2.0
// Which outside transport address stands for an inside one. All functions are called
// under the lock of the tables.
#ifndef SIP_EXT_BINDINGS_H
#define SIP_EXT_BINDINGS_H

#include "state.h"

namespace sip {

// Where a new binding may be made and for whom.
struct binding_site {
	sipx_packet *packet;
	sipx_state *opaque;
	endpoint outside;	// its address; the port does not count
	u32 zone;
};

// The binding of `inside` at the outside address of the site (a host with two uplinks
// has one for each).
[[nodiscard]] binding *find_binding_inside(const binding_site &site, const endpoint &inside);
[[nodiscard]] binding *find_binding_outside(state &tables, const endpoint &outside, u32 zone);

// A reference to the binding of `inside`, made if there is none: with the `preferred` port
// where that is free, else a free one of the same parity. 0 stands for signalling: one that
// the rules have given to no other host's signalling. Null: *why says it.
[[nodiscard]] binding *hold_binding(const binding_site &site, const endpoint &inside, u16 preferred,
				    sipx_reason *why);

// The same for a socket and the one at the next port (RTP and RTCP, RFC 3550 11): their
// outside ports follow each other too. False: neither is held.
[[nodiscard]] bool hold_binding_pair(const binding_site &site, const endpoint &inside, binding *pair[2],
				     sipx_reason *why);

void take_reference(binding *held);
// Accepts null. The last reference ends the binding.
void drop_reference(state &tables, binding *held);

} // namespace sip

#endif

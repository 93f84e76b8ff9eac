// SPDX-License-Identifier: GPL-2.0
// Media of other inside endpoints that a message names: what a server inside says of its
// phones, and what a phone inside is told of another one. Between understand() and plan.
#ifndef SIP_EXT_INSIDE_H
#define SIP_EXT_INSIDE_H

#include "plan.h"

namespace sip {

// A server inside may name the media sockets of its phones (R18): those that the setting
// media_hosts lists are treated as its own (S4).
void admit_media_hosts(const sipx_state *opaque, workspace &work);

// The outside sockets of phones inside, told to another phone inside, become their inside
// sockets, so that the two send to each other (R14); where the setting direct_media says so.
void find_direct_media(sipx_state *opaque, workspace &work);

} // namespace sip

#endif

// SPDX-License-Identifier: GPL-2.0
// Registrations (RFC 3261 10) and subscriptions (RFC 6665): live on the matching 2xx, exactly as long as granted. All
// functions are called under the lock of the tables.
#ifndef SIP_EXT_REGISTRATIONS_H
#define SIP_EXT_REGISTRATIONS_H

#include "connections.h"

namespace sip {

// By the Call-ID; what a REFER makes is another one than a subscription in the same dialog.
[[nodiscard]] u64 subscription_name(const call_event &event);
[[nodiscard]] registration *find_registration(const connection &owner, u64 name, bool subscription);

// Whether that REGISTER is on its way and not yet answered.
[[nodiscard]] bool awaits(const connection &owner, u64 transaction);

// A REGISTER on its way to the registrar. `spare` becomes the registration if there is
// none yet; it is null afterwards if it was used.
void note_register(const scene &on, const call_event &event, connection &owner, registration *&spare);
// Its 2xx: opens, prolongs or ends.
void grant_registration(const scene &on, const call_event &event, connection &owner);
// The same for SUBSCRIBE and REFER (RFC 6665 4.1.2): notifications come by the connection for
// as long as the notifier granted.
void note_subscribe(const scene &on, const call_event &event, connection &owner, registration *&spare);
void grant_subscription(const scene &on, const call_event &event, connection &owner);
// Any other final response ends the request and nothing else.
void refuse_registration(const scene &on, const call_event &event, connection &owner);

// Ends what has outlived its time, as far as `left` allows. False: there is more.
[[nodiscard]] bool expire_registrations(sipx_state *opaque, connection &owner, u64 now_ms, u32 &left);
// When that will next be so for one of them.
[[nodiscard]] u64 next_change(const registration &r);

// The time until which any account on that socket is registered; 0: none is.
[[nodiscard]] u64 socket_needed_until(const connection &owner, u8 index);
// The pinhole to that socket of the owner: the registrar may speak from any of its ports (S3), for
// as long as any account on that socket is registered.
void settle_door(const scene &on, connection &owner, u8 index);
void end_registration(sipx_state *opaque, connection &owner, registration *ended);

} // namespace sip

#endif

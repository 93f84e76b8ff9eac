// SPDX-License-Identifier: GPL-2.0
#ifndef SIP_EXT_BENCH_PLACES_H
#define SIP_EXT_BENCH_PLACES_H

#include "../endpoint.h"

namespace bench {

// The places of the messages: a phone inside, and how the server outside sees it.
extern const sip::endpoint phone, phone_outside, server;
// The outside port of another inside socket.
constexpr int bound_port(int inside) { return inside + 20000; }

} // namespace bench

#endif

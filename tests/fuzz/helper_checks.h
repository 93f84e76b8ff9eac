// SPDX-License-Identifier: GPL-2.0
// What must hold of every message that went through the helper, whatever it was.
#ifndef SIP_EXT_FUZZ_HELPER_CHECKS_H
#define SIP_EXT_FUZZ_HELPER_CHECKS_H

#include <string>

#include "../fake/router.h"

namespace fuzz {

// The two ends of a connection, for a message from the inside or to it.
struct passage {
	sip::endpoint inner{}, outer{}, peer{};
	bool outward = true;
	bool one_port = false;	// over TCP, and nobody comes in by another connection (T8)
	bool leave_identity = false;	// From, To and their like are not translated
	u32 zone = 0;
};

// Empty, or the promise that `out` breaks as the translation of `in`.
std::string broken_promise(const passage &way, const std::string &in, const std::string &out);

// Wherever the message names that address, it is in the form that is usual (RFC 5952): the helper remembers one
// form for a connection, and who writes two gets one of them back.
bool is_spelled_usually(const sip::endpoint &address, const std::string &message);

// A Via with a port that no door leads to (S4). It stands for the connection itself, even where that has
// another one by now: then it does not come back.
bool names_low_port(const std::string &message);

} // namespace fuzz

#endif

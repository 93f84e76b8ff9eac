// SPDX-License-Identifier: GPL-2.0
// Transport addresses from text and to text, for people who write tests.
#ifndef SIP_EXT_FAKE_TEXT_H
#define SIP_EXT_FAKE_TEXT_H

#include <compare>
#include <cstring>
#include <string>

#include "../../endpoint.h"

namespace fake {

using sip::endpoint;

// "192.0.2.1:5060", "[2001:db8::1]:5060", "192.0.2.1", "2001:db8::1". Ends the program if
// it is anything else.
endpoint at(const std::string &text, u8 protocol = SIPX_UDP);
bool is_address(const std::string &host);		// of either family, without brackets
std::string host_of(const endpoint &e);		// without brackets
std::string uri_host_of(const endpoint &e);	// IPv6 in brackets
std::string text_of(const endpoint &e);		// with the port

inline std::string family_of(const endpoint &e) { return e.family == SIPX_IPV6 ? "IP6" : "IP4"; }

struct endpoint_order {
	bool operator()(const endpoint &a, const endpoint &b) const { return std::memcmp(&a, &b, sizeof(a)) < 0; }
};

} // namespace fake

#endif

// SPDX-License-Identifier: GPL-2.0
// Messages that are sent one way through the router, and what must be left of each.
#ifndef SIP_EXT_REPLAY_ONE_MESSAGE_H
#define SIP_EXT_REPLAY_ONE_MESSAGE_H

#include <functional>
#include <string>
#include <vector>

#include "sip_types.h"

namespace one_way {

using message_sink = std::function<void(const std::string &name, const std::string &bytes)>;

// How much longer the body is than Content-Length says; `unknown` where it says nothing.
constexpr long unknown = -1000000;

struct length_field {
	size_t start = std::string::npos;
	size_t end = 0;
	long slack = unknown;
};

length_field length_of(const std::string &message);

// Gives every message below the folders to the sink; `own` stands for the project's own cases.
// With a host: as this host would have sent it; those that named none are left out.
void each_message(const std::vector<std::string> &folders, const std::string &host, const message_sink &sink);

// What is wrong with what a message became; empty if nothing is.
std::string fault_of(const std::string &message, const std::string &arrived);

} // namespace one_way

#endif

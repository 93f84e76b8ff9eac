// SPDX-License-Identifier: GPL-2.0
// The files of bench/messages: SIP with LF line ends and {words} in the place of what changes.
#ifndef SIP_EXT_BENCH_MESSAGE_H
#define SIP_EXT_BENCH_MESSAGE_H

#include <map>
#include <string>

#include "../endpoint.h"

namespace bench {

using words = std::map<std::string, std::string>;

// The file with CRLF line ends and, for {length}, the length of its body.
std::string message(const std::string &file, const words &values);

// {id}, {port} and {rtcp} of the n-th message of a kind.
words numbered(int number, int port);
// {NAME} and {NAME_host}
void name_socket(words &values, const std::string &name, const sip::endpoint &socket);

} // namespace bench

#endif

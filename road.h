// SPDX-License-Identifier: GPL-2.0
// The road of one message through the helper, whichever way it came.
#ifndef SIP_EXT_ROAD_H
#define SIP_EXT_ROAD_H

#include "tcp_stream.h"

namespace sip {

// The message is info.payload, and lies in `message` where it came over TCP (null: a datagram).
// digest: of a datagram that may be sent again; 0: none. Returns what to count.
[[nodiscard]] sipx_reason carry_message(const sipx_packet_info &info, stream_message *message, u64 digest);

// Whether info.payload is one message that ends with it by its Content-Length. Then it has been read, and goes on with
// carry_read(), before anything else is read on this processor.
[[nodiscard]] bool read_whole(const sipx_packet_info &info);
// As carry_message().
[[nodiscard]] sipx_reason carry_read(const sipx_packet_info &info, stream_message *message, u64 digest);

// The TCP connection of that packet was closed at both ends, or reset: nobody can be reached
// by it any more.
void close_connection(const sipx_packet_info &info);

} // namespace sip

#endif

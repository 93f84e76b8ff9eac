// SPDX-License-Identifier: GPL-2.0
// What arrived beyond a hole, kept until it is its turn. Used by the stream engine alone
// (tcp_stream.h).
#ifndef SIP_EXT_STREAM_WAITING_H
#define SIP_EXT_STREAM_WAITING_H

#include "stream_input.h"

namespace sip {

// Bytes beyond a hole. Those that are kept already stay as they are.
void keep_waiting(const stream_host &host, const work &at, u32 seq, text_view bytes);
// Takes in what waited, if it is its turn.
void take_waiting(const stream_host &host, const work &at);

// The n-th range, from the newest on; false: there are none.
[[nodiscard]] bool waiting_range(const stream_flow &flow, u32 n, stream_range &out);

} // namespace sip

#endif

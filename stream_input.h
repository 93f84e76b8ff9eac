// SPDX-License-Identifier: GPL-2.0
// New bytes of a stream: held until a message is complete, translated, or let pass. Used by
// the stream engine alone (tcp_stream.h).
#ifndef SIP_EXT_STREAM_INPUT_H
#define SIP_EXT_STREAM_INPUT_H

#include "stream_map.h"

namespace sip {

// One direction at work.
struct work {
	tcp_stream &stream;
	stream_flow &flow;
	u8 direction;
	u32 now_ms;
	u32 acked = 0;		// bytes that the receiver has acknowledged with this segment
	bool kept = false;	// the bytes at hand are not those of the segment that leaves
};

// The bytes that follow the last ones taken. Returns how many were taken; the rest is as if
// it never came, or leaves as it is where the direction is passed through by now.
[[nodiscard]] u32 take_in(const stream_host &host, const work &at, text_view bytes);

// What is held becomes output as it is, and everything after it passes.
void give_up(const stream_host &host, const work &at, stream_count why);

} // namespace sip

#endif

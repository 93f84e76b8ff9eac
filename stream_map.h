// SPDX-License-Identifier: GPL-2.0
// The sequence map of one direction of a stream, and the memory that is ours in it. Used by
// the stream engine alone (tcp_stream.h).
#ifndef SIP_EXT_STREAM_MAP_H
#define SIP_EXT_STREAM_MAP_H

#include "tcp_stream.h"

namespace sip {

// RFC 9293 3.4: sequence numbers are compared modulo 2^32.
inline bool before(u32 a, u32 b) { return static_cast<int>(a - b) < 0; }
inline bool after(u32 a, u32 b) { return before(b, a); }
inline u32 earlier(u32 a, u32 b) { return before(a, b) ? a : b; }
inline u32 later(u32 a, u32 b) { return before(a, b) ? b : a; }
inline u32 lesser(u32 a, u32 b) { return a < b ? a : b; }
inline u32 greater(u32 a, u32 b) { return a < b ? b : a; }

inline u32 held_of(const stream_flow &flow) { return flow.store ? flow.store->held : 0; }
inline u32 runs_of(const stream_flow &flow) { return flow.store ? flow.store->run_count : 0; }
// What the sender is expected to send next, and what would then be sent to the receiver.
inline u32 in_next(const stream_flow &flow) { return flow.in_end + held_of(flow); }
inline u32 out_next(const stream_flow &flow) { return flow.out_end + flow.released; }

// F of tcp_stream.h. Within a message as the sender wrote it, as long as its translation
// lasts; the message's last byte has what the translation is longer.
[[nodiscard]] u32 to_out(const stream_flow &flow, u32 in);
// The greatest position whose F is not after `out`.
[[nodiscard]] u32 to_in(const stream_flow &flow, u32 out);

// Room for so many bytes behind the held ones. False: no memory, or the limit; all is as
// it was. Else what is stored may have moved.
[[nodiscard]] bool make_room(const stream_host &host, stream_flow &flow, u32 more);
// There is room.
void hold_bytes(stream_flow &flow, text_view bytes);

// The map goes on by `in` bytes, which became the first `out` of the held ones.
void store_run(stream_flow &flow, u32 in, u32 out);
// There are no runs: it goes on by bytes that leave as they are.
void pass_run(stream_flow &flow, text_view bytes);

// The receiver has everything before `out`, which it did not have.
void acknowledge_output(stream_flow &flow, u32 out);
// Gives the memory back where nothing is in it.
void settle_store(const stream_host &host, stream_flow &flow);
void free_store(const stream_host &host, stream_flow &flow);
void free_waiting(const stream_host &host, stream_flow &flow);

} // namespace sip

#endif

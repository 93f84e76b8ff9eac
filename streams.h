// SPDX-License-Identifier: GPL-2.0
// The media streams of a call: where both ends want to receive (RFC 3264), and the pinholes
// that follow. All functions are called under the lock of the tables.
#ifndef SIP_EXT_STREAMS_H
#define SIP_EXT_STREAMS_H

#include "connections.h"

namespace sip {

// Objects made before anything is changed, so that nothing can fail afterwards.
[[nodiscard]] bool reserve_streams(const call *known, const call_event &event, stream *&spare);
[[nodiscard]] bool reserve_copies(const call &like, stream *&spare);
void discard_streams(stream *&spare);

// What the sender of the message said of its own end of each stream.
void note_media(const scene &on, const call_event &event, const plan &p, call &c, stream *&spare);
// A branch of a call that forks begins with what the caller has said.
void copy_caller_ends(const call &like, call &branch, stream *&spare);

// The pinholes as the two ends want them now.
void open_streams(const scene &on, call &c);
void release_streams(sipx_state *opaque, call &c);

// RFC 3261 14.1, RFC 3311 5.2: until an offer is answered the session may fall back to what
// it was. False: there is no memory, and nothing to fall back to.
[[nodiscard]] bool remember_ends(state &tables, call &c);
void forget_ends(state &tables, call &c);
void fall_back(const scene &on, call &c);

// Media still travels on one of them.
[[nodiscard]] bool is_flowing(sipx_state *opaque, const call &c);

} // namespace sip

#endif

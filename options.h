// SPDX-License-Identifier: GPL-2.0
// Phones and servers send OPTIONS all day long to see whether the other is there (RFC 3261 11). One differs
// from the next in its identifiers alone, is remembered by nobody, and leaves as the one before did.
#ifndef SIP_EXT_OPTIONS_H
#define SIP_EXT_OPTIONS_H

#include "plan.h"

namespace sip {

// What the message in `work` is, before its edits. False: it is no OPTIONS that another could be like; it is in
// a dialog, or more is remembered of its connection than of most.
[[nodiscard]] bool describe_options(const sipx_packet_info &info, const workspace &work, text_view datagram,
				    kept_options &fresh);
// It has left, as `work` says.
void keep_options(const sipx_packet_info &info, const workspace &work, kept_options &fresh);

// True: the datagram is like the one kept of its connection and direction, and work.kept says how it leaves. Each
// byte is the same, but for those of as many identifiers of the same length at the same places: a branch
// (RFC 3261 8.1.1.7), the tag of From (19.3), a Call-ID (8.1.1.4), the number of CSeq (8.1.1.5).
[[nodiscard]] bool is_like_before(const sipx_packet_info &info, workspace &work, text_view datagram);

} // namespace sip

#endif

// SPDX-License-Identifier: GPL-2.0
// What is kept of one TCP connection: the stream engine's, and how large its packets may be.
#ifndef SIP_EXT_SEGMENTS_H
#define SIP_EXT_SEGMENTS_H

#include "tcp_stream.h"

namespace sip {

// Of one direction. What changes its length is cut anew into packets, and an error that says
// they are too large (RFC 1191, RFC 8201) quotes our sequence numbers, which say nothing to the
// sender: so no packet is larger than what this sender was seen to send, but for what any path
// of today carries, and where nothing arrives they become small (RFC 4821, RFC 2923).
struct packet_size {
	u16 limit;	// payload and options: what the receiver takes, and what the way there
			// carries; 0: not known
	u16 sent : 13;	// the largest payload that the sender has sent
	u16 stuck : 2;	// how often something large was sent again without any progress
	u16 ipv6 : 1;
};

static_assert(sizeof(packet_size) == 4);

} // namespace sip

struct sipx_stream {
	sip::tcp_stream flows;
	sip::packet_size sizes[2];	// by direction
	u16 mss_anew;	// what the sender of the SYN with flows.anew takes
	u8 why;	// enum sipx_reason: messages of a direction are not looked at any more; 0: they are
};

static_assert(sizeof(sipx_stream) <= 184);	// boundary.h

#endif

// SPDX-License-Identifier: GPL-2.0
// What a message means. No byte positions: those stay in the view.
#ifndef SIP_EXT_CALL_EVENT_H
#define SIP_EXT_CALL_EVENT_H

#include "endpoint.h"
#include "message_view.h"

namespace sip {

enum class event_kind : u8 {
	other,			// nothing to remember: translate it and let it go
	register_request,
	register_granted,	// 2xx
	register_refused,	// any other final response
	subscribe_request,
	subscribe_granted,	// 2xx
	subscribe_refused,	// any other final response
	session,		// a message of a call; may carry an offer or an answer
	session_failed,		// final failure of a request that would have begun or changed a call
	session_over,		// final response to BYE
	bye,
};

inline constexpr u8 usable = 0xff;

// Pairs of ports of one m= line: layered codecs have been seen with three layers.
inline constexpr u32 max_pairs = 4;

// What one m= section asks for. Where it has several pairs of ports (RFC 8866 5.14, "/n"), those
// behind the first stand behind all m= sections, with the same line.
struct media_wish {
	endpoint rtp;		// where its sender wants to receive; port 0: stream declined
	endpoint rtcp;		// port 0: none
	media_kind kind;
	media_transport transport;
	setup_role setup;	// TCP: who connects (RFC 4145)
	u8 line;		// number of the m= section
	u8 pair;		// number of the pair of ports, mostly 0
	u8 refusal;		// enum sipx_reason if no pinhole may lead to it, else `usable`
	bool on_hold;		// c=0.0.0.0: keep what there is
	bool rtcp_named;	// a=rtcp names the inside endpoint: that counts whatever becomes of RTP
	bool rtcp_follows;	// RTCP is at the next port because nothing else was said
	bool direct;		// from outside, and yet a phone inside: rtp and rtcp are its inside sockets (R14)
	bool rtcp_mux;		// RTCP may come with the RTP (RFC 5761)
	bool bundled;		// may share the socket of another (RFC 9143)
};

// A page of contacts; a phone has one or two. More than that are not counted.
inline constexpr u32 max_contacts = 16;

struct contact_wish {
	endpoint address;
	u32 expires;
	bool any_transport;	// none is said, so that UDP may be meant (RFC 3261 18.1.1, RFC 3263 4.1)
	bool has_expires;
};

// The arrays are filled as far as the counts say and no further.
struct call_event {
	event_kind kind;
	method request_method;
	u16 status;		// 0 in a request
	// Keyed hashes, of what is remembered or recognised only; see identify().
	u64 call;		// Call-ID with the inside host and the zone
	u64 transaction;	// branch, Call-ID, CSeq
	u64 from_tag;
	u64 to_tag;		// 0: none
	u64 address_of_record;	// REGISTER: the To URI
	endpoint via;		// the sent-by of the top Via; port 0: a host name
	bool asks_rport;	// RFC 3581
	u32 expires;		// the Expires header
	u32 session_expires;	// RFC 4028; 0: none
	bool has_expires;
	bool names_contact;	// any Contact at all: host names and `*` too
	bool provisional;
	bool has_media;		// carried SDP
	u8 contact_count;
	u8 media_count;
	contact_wish contacts[max_contacts];
	media_wish media[max_streams];
};

// Pure. `event` is written whole (arrays up to their counts), but for what identify() writes.
void understand(const message_view &view, const sides &where, call_event &event);
// Its names as hashes, which nobody asks for where nothing is remembered.
void identify(const message_view &view, text_view bytes, const sides &where, call_event &event);

[[nodiscard]] sides sides_of(const sipx_packet_info &info);

} // namespace sip

#endif

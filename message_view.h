// SPDX-License-Identifier: GPL-2.0
// What the parser says of a message: where things are. It decides nothing and copies
// nothing but numbers and addresses. All offsets count from the first byte of the
// datagram (or of the framed message over TCP), leading CRLFs included.
#ifndef SIP_EXT_MESSAGE_VIEW_H
#define SIP_EXT_MESSAGE_VIEW_H

#include "sip_types.h"

namespace sip {

enum class method : u8 {
	unknown,	// any other token: understood as a request all the same
	invite, ack, bye, cancel, register_, options, prack, update,
	subscribe, notify, publish, message, info, refer,
};

// Where an IP literal stands. Host names are never listed: nobody rewrites them.
enum class place : u8 {
	request_uri,
	via,			// sent-by of a Via value
	via_received,		// received= and rport= of a Via value, one pair (either may be absent)
	via_maddr,		// maddr= of a Via value; has no port
	contact,
	record_route,
	route,
	path,
	service_route,
	refer_to,
	from,
	to,
	reply_to,
	referred_by,
	p_asserted_identity,
	p_preferred_identity,
	remote_party_id,
	diversion,
	history_info,
	uri_maddr,		// maddr= of a URI in any of the above; has no port
	sdp_origin,		// o=; has no port
	sdp_connection,		// c=, session or media level; has no port
	sdp_rtcp,		// a=rtcp: with an address; the port is listed in its stream too
	sdp_candidate,		// a=candidate: connection-address and port
	sdp_candidate_related,	// a=candidate: raddr and rport
	sdp_path,		// a=path: of an MSRP URI (RFC 4975)
};

// The transport parameter of a URI (RFC 3261 19.1.1).
enum class uri_transport : u8 { unsaid, udp, tcp, other };

// One IP literal of the message with the port that belongs to it.
struct address_ref {
	span host{};		// the literal without brackets; empty in a via_received that has rport alone
	span port{};		// the digits; empty where none is written
	u32 expires = 0;	// contact: the expires parameter (RFC 3261 20.10), if has_expires
	u16 port_number = 0;	// value of port, 0 where none is written
	place where = place::request_uri;
	u8 index = 0;		// via*: number of the Via value, the top one is 0. sdp_*: number of the body
	u8 stream = 0xff;	// sdp_*: number of the stream, 0xff at session level
	bool bracketed = false;	// IPv6 reference: '[' stands before host, ']' after it
	bool secure = false;	// sips: URI, or Via over TLS: the default port is 5061
	bool has_expires = false;
	bool has_user = false;	// URI with a userinfo part
	uri_transport transport = uri_transport::unsaid;
	ip_address address{};
};

// Enough for a message of 64 KB from a proxy chain of 30 hops with a page of contacts;
// a message with more passes unchanged and is counted.
inline constexpr u32 max_addresses = 128;
// RFC 8843 conferences have been seen with 20 to 30 m-lines.
inline constexpr u32 max_streams = 64;
// One offer, perhaps a second in multipart/alternative, and a bodyless rest.
inline constexpr u32 max_bodies = 4;
inline constexpr u8 none = 0xff;

enum class media_transport : u8 { other, udp, tcp };
enum class media_kind : u8 { other, audio, video, image, text, application, message };
enum class media_direction : u8 { unset, sendrecv, sendonly, recvonly, inactive };
enum class setup_role : u8 { unset, active, passive, actpass, holdconn };

// One m= section (RFC 8866 5.14).
struct media_stream {
	span port{};			// digits of the m= port
	span rtcp_port{};			// digits of the a=rtcp: port (RFC 3605); empty where there is none
	u16 port_number = 0;
	u16 rtcp_port_number = 0;	// 0 where there is no a=rtcp
	u16 port_count = 1;		// the number behind '/', 1 where none is written
	u8 body = 0;			// number of the SDP body
	u8 connection = none;		// the c= address that counts here (media level, else session
					// level): index into addresses; none for a host name or no c=
	u8 rtcp_address = none;		// a=rtcp: address, index into addresses
	media_kind kind = media_kind::other;
	// from proto: RTP/*, UDP/*, udptl, DTLS/SCTP over UDP: udp; TCP/*: tcp
	media_transport transport = media_transport::other;
	media_direction direction = media_direction::unset;	// media level, else session level
	setup_role setup = setup_role::unset;			// media level, else session level (RFC 4145)
	bool rtp = false;		// proto names RTP: an RTCP port belongs to it
	bool rtcp_mux = false;		// RFC 5761
	bool bundled = false;		// its mid stands in an a=group:BUNDLE of the session (RFC 9143)
	bool bundle_only = false;
	bool rtcp_mux_only = false;	// RFC 8858: no RTCP port is wanted even where the peer cannot multiplex
	bool rtcp_is_name = false;	// a=rtcp: names a host of its own that is no IP literal
	bool has_candidates = false;
	bool msrp_cema = false;		// RFC 6714: a=path names the session, c= and m= the socket
	bool connection_is_name = false;	// the c= that counts is a host name
	bool on_hold_address = false;		// c= 0.0.0.0 or :: (RFC 3264 8.4)
};

struct sdp_body {
	span text{};			// from v= to the end of the part
	span part_content_length{};	// digits of a Content-Length of the multipart part; mostly empty
	u8 origin = none;		// o= address, index into addresses; none for a host name
	u8 connection = none;		// session c= address
	u8 first_stream = 0;
	u8 stream_count = 0;
};

// The one Via that this hop may talk about: the topmost value.
struct top_via {
	span branch{};		// value, without quotes
	span sent_by_host{};
	u16 sent_by_port = 0;
	bool has_rport = false;	// "rport" with or without value (RFC 3581)
	bool present = false;
};

// Everything that is said once. Reset for each message, while the tables behind it are
// filled as far as they are used and keep what an earlier message left beyond that.
struct message_summary {
	u16 start = 0;		// first byte of the start line (after leading CRLFs)
	u16 body_start = 0;
	u16 end = 0;		// one past the message: bytes beyond belong to nobody and are kept as they are
	bool request = false;
	method request_method = method::unknown;	// of a request; of a response: that of its CSeq
	u16 status = 0;					// of a response

	span method_name{};
	span request_uri{};
	span call_id{};
	span from_tag{};
	span to_tag{};		// empty: outside a dialog
	span to_uri{};		// the addr-spec of To, as written (address-of-record in a REGISTER)
	span from_uri{};
	span cseq_digits{};	// the number of CSeq, as written
	span cseq_method{};
	span content_length{};	// the digits of Content-Length; empty where there is none
	u32 content_length_value = 0;
	u32 cseq = 0;
	u32 expires = 0;	// the Expires header
	u32 session_expires = 0;
	bool has_expires = false;
	bool has_content_length = false;
	bool contact_star = false;	// Contact: *
	bool has_content_encoding = false;	// a body that is not ours to read
	u8 contact_count = 0;		// Contact values of any kind, host names included
	u8 via_count = 0;
	top_via via{};

	u8 address_count = 0;
	u8 stream_count = 0;
	u8 body_count = 0;
};

struct message_view : message_summary {
	address_ref addresses[max_addresses];
	media_stream streams[max_streams];
	sdp_body bodies[max_bodies];
};

} // namespace sip

#endif

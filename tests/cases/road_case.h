// SPDX-License-Identifier: GPL-2.0
// One case of the road from a message to its translation, and the pieces that most of them
// are made of.
//
// The inside phone is at 10.0.0.10 or fd00::10, the outside of the router at 203.0.113.1 or
// 2001:db8:f::1, its peer at 198.51.100.1:5060 or [2001:db8:1::1]:5060. A binding's outside
// port is its inside port + 20000.
#ifndef SIP_EXT_CASES_ROAD_CASE_H
#define SIP_EXT_CASES_ROAD_CASE_H

#include "../../sip_types.h"

namespace sip_cases {

using sip::text_view;

enum class road_line : u8 {
	near4,		// 10.0.0.10:5060 is seen as 203.0.113.1:40000
	same4,		// 10.0.0.10:5060 is seen as 203.0.113.1:5060
	high4,		// 10.0.0.10:49152 is seen as 203.0.113.1:49152
	near6,		// [fd00::10]:5060 is seen as [2001:db8:f::1]:40000
	routed4,	// 10.0.0.10:5060 is seen as itself
};

enum class road_way : u8 {
	end,		// no more steps
	out,		// from the phone; what leaves comes back as it was, if it has no SDP that changes
	out_only,	// the same, but the way back loses something: `why` says what
	in,		// to the phone
};

struct road_step {
	road_way way = road_way::end;
	text_view message;
	text_view expected;	// empty: the message as it is
};

struct road_case {
	text_view name;
	text_view why;
	road_line line;
	road_step steps[4];
};

u32 road_case_count();
const road_case &road_case_at(u32 index);
// Runs the steps one after the other as one connection. False: `failure` says why, as
// text that ends in NUL. Not for two threads at once.
bool run_road_case(u32 index, char *failure, u32 size);
// The same over TCP. one_port: nobody comes in by another connection (T8), so that a listening
// port is translated otherwise than the table says; then the way back is looked at alone.
bool run_road_case_over_tcp(u32 index, bool one_port, char *failure, u32 size);

#define ROAD_VIA "Via: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\n"
#define ROAD_FROM "From: <sip:a@a.example>;tag=f\r\n"
#define ROAD_TO "To: <sip:b@b.example>\r\n"
#define ROAD_CALL(method) "Call-ID: c@10.0.0.10\r\nCSeq: 1 " method "\r\n"
#define ROAD_LINE "OPTIONS sip:b@b.example SIP/2.0\r\n"
#define ROAD_REST ROAD_FROM ROAD_TO ROAD_CALL("OPTIONS")
#define ROAD_ASK(fields) ROAD_LINE ROAD_VIA ROAD_REST fields "\r\n"
#define ROAD_ASK_BY(via) ROAD_LINE "Via: SIP/2.0/UDP " via ";branch=z9hG4bKa\r\n" ROAD_REST "\r\n"
#define ROAD_ASK_AT(uri) "OPTIONS " uri " SIP/2.0\r\n" ROAD_VIA ROAD_REST "\r\n"
#define ROAD_REPLY(fields) "SIP/2.0 200 OK\r\n" ROAD_VIA ROAD_REST fields "\r\n"
#define ROAD_REPLY_TO(via) "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " via ";branch=z9hG4bKa\r\n" ROAD_REST "\r\n"
#define ROAD_BODY(type, text) "INVITE sip:b@b.example SIP/2.0\r\n" ROAD_VIA ROAD_FROM ROAD_TO ROAD_CALL("INVITE") \
	"Content-Type: " type "\r\n\r\n" text
#define ROAD_SDP(text) ROAD_BODY("application/sdp", text)
#define ROAD_SDP_REPLY(text) "SIP/2.0 200 OK\r\n" ROAD_VIA ROAD_FROM ROAD_TO ROAD_CALL("INVITE") \
	"Content-Type: application/sdp\r\n\r\n" text
#define ROAD_HEAD4(host) "v=0\r\no=- 1 1 IN IP4 " host "\r\ns=-\r\nc=IN IP4 " host "\r\nt=0 0\r\n"
#define ROAD_HEAD6(host) "v=0\r\no=- 1 1 IN IP6 " host "\r\ns=-\r\nc=IN IP6 " host "\r\nt=0 0\r\n"
#define IN4 "10.0.0.10"
#define OUT4 "203.0.113.1"
#define IN6 "fd00::10"
#define OUT6 "2001:db8:f::1"

} // namespace sip_cases

#endif

// SPDX-License-Identifier: GPL-2.0
// SDP of every shape that R8 names, and the lengths that follow.
#ifndef SIP_EXT_CASES_ROAD_CASES_SDP_H
#define SIP_EXT_CASES_ROAD_CASES_SDP_H

#include "road_case.h"

namespace sip_cases {

#define ROAD_OFFER(name, why, before, after) {name, why, road_line::near4, {{road_way::out, ROAD_SDP(before), ROAD_SDP(after)}}}
#define ROAD_LEAVE(name, why, text) {name, why, road_line::near4, {{road_way::out, ROAD_SDP(text), ""}}}

inline constexpr road_case sdp_road_cases[] = {
	ROAD_OFFER("offer", "o=, c=, m=", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n", ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\n"),
	{"answer", "a response, too", road_line::near4,
	 {{road_way::out, ROAD_SDP_REPLY(ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n"), ROAD_SDP_REPLY(ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\n")}}},
	{"SDP from outside", "is the peer's", road_line::near4,
	 {{road_way::in, ROAD_SDP(ROAD_HEAD4("198.51.100.7") "m=audio 30000 RTP/AVP 0\r\n"), ""},
	  {road_way::in, ROAD_SDP(ROAD_HEAD4(OUT4) "m=audio 30000 RTP/AVP 0\r\n"), ""}}},
	{"IPv6", "the same", road_line::near6,
	 {{road_way::out, ROAD_SDP(ROAD_HEAD6(IN6) "m=audio 20000 RTP/AVP 0\r\na=rtcp:20001 IN IP6 " IN6 "\r\n"),
	   ROAD_SDP(ROAD_HEAD6(OUT6) "m=audio 40000 RTP/AVP 0\r\na=rtcp:40001 IN IP6 " OUT6 "\r\n")}}},
	{"routed", "no NAT, no edit", road_line::routed4, {{road_way::out, ROAD_SDP(ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n"), ""}}},
	ROAD_OFFER("c= of the media alone", "RFC 8866 5.7", "v=0\r\no=- 1 1 IN IP4 pc.example\r\ns=-\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\nc=IN IP4 " IN4 "\r\n",
		   "v=0\r\no=- 1 1 IN IP4 pc.example\r\ns=-\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\nc=IN IP4 " OUT4 "\r\n"),
	ROAD_OFFER("two streams, one elsewhere", "address and port as a pair", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\nm=video 20002 RTP/AVP 96\r\nc=IN IP4 192.0.2.9\r\n",
		   ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\nm=video 20002 RTP/AVP 96\r\nc=IN IP4 192.0.2.9\r\n"),
	ROAD_OFFER("a=rtcp with a port", "RFC 3605, R7", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\na=rtcp:20011\r\n", ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\na=rtcp:40011\r\n"),
	ROAD_OFFER("a=rtcp of 0", "names no port, so that none stands for it", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\na=rtcp:0\r\n", ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\na=rtcp:0\r\n"),
	ROAD_OFFER("a=rtcp with an address", "R7: in-tree leaks it", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\na=rtcp:20001 IN IP4 " IN4 "\r\n",
		   ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\na=rtcp:40001 IN IP4 " OUT4 "\r\n"),
	ROAD_OFFER("rtcp-mux", "one port", ROAD_HEAD4(IN4) "m=audio 20000 RTP/SAVPF 0\r\na=rtcp:20000\r\na=rtcp-mux\r\n", ROAD_HEAD4(OUT4) "m=audio 40000 RTP/SAVPF 0\r\na=rtcp:40000\r\na=rtcp-mux\r\n"),
	ROAD_OFFER("candidates", "RFC 8839 4.2.1.4, R6", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\na=candidate:1 1 UDP 99 " IN4 " 20000 typ host\r\na=candidate:2 1 UDP 98 192.0.2.4 1111 typ srflx raddr " IN4 " rport 20000\r\na=candidate:3 1 UDP 97 " IN4 " 23456 typ host\r\n",
		   ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\na=candidate:1 1 UDP 99 " OUT4 " 40000 typ host\r\na=candidate:2 1 UDP 98 192.0.2.4 1111 typ srflx raddr " OUT4 " rport 40000\r\na=candidate:3 1 UDP 97 " IN4 " 23456 typ host\r\n"),
	ROAD_OFFER("BUNDLE", "R8: audio and video on one port", ROAD_HEAD4(IN4) "a=group:BUNDLE a v\r\nm=audio 20000 RTP/SAVPF 0\r\na=mid:a\r\nm=video 20000 RTP/SAVPF 96\r\na=mid:v\r\n",
		   ROAD_HEAD4(OUT4) "a=group:BUNDLE a v\r\nm=audio 40000 RTP/SAVPF 0\r\na=mid:a\r\nm=video 40000 RTP/SAVPF 96\r\na=mid:v\r\n"),
	ROAD_OFFER("adjacent ports", "R8", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\nm=video 20001 RTP/AVP 96\r\n", ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\nm=video 40001 RTP/AVP 96\r\n"),
	ROAD_OFFER("odd port", "R7", ROAD_HEAD4(IN4) "m=audio 20001 RTP/AVP 0\r\n", ROAD_HEAD4(OUT4) "m=audio 40001 RTP/AVP 0\r\n"),
	ROAD_OFFER("T.38", "image over udptl", ROAD_HEAD4(IN4) "m=image 20000 udptl t38\r\n", ROAD_HEAD4(OUT4) "m=image 40000 udptl t38\r\n"),
	ROAD_OFFER("MSRP", "TCP media", ROAD_HEAD4(IN4) "m=message 20000 TCP/MSRP *\r\na=setup:passive\r\n", ROAD_HEAD4(OUT4) "m=message 40000 TCP/MSRP *\r\na=setup:passive\r\n"),
	ROAD_OFFER("DTLS over UDP", "application", ROAD_HEAD4(IN4) "m=application 20000 UDP/DTLS/SCTP webrtc-datachannel\r\n", ROAD_HEAD4(OUT4) "m=application 40000 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
	ROAD_OFFER("several ports", "m=audio p/2", ROAD_HEAD4(IN4) "m=audio 20000/2 RTP/AVP 0\r\n", ROAD_HEAD4(OUT4) "m=audio 40000/2 RTP/AVP 0\r\n"),
	ROAD_OFFER("declined stream", "port 0 stays 0", ROAD_HEAD4(IN4) "m=audio 0 RTP/AVP 0\r\nm=video 20002 RTP/AVP 96\r\n", ROAD_HEAD4(OUT4) "m=audio 0 RTP/AVP 0\r\nm=video 40002 RTP/AVP 96\r\n"),
	ROAD_OFFER("every stream declined", "the address may not show, the port is none", ROAD_HEAD4(IN4) "m=audio 0 RTP/AVP 0\r\n", ROAD_HEAD4(OUT4) "m=audio 0 RTP/AVP 0\r\n"),
	ROAD_OFFER("no stream at all", "R20", ROAD_HEAD4(IN4), ROAD_HEAD4(OUT4)),
	ROAD_LEAVE("host names", "R8", ROAD_HEAD4("pc.example") "m=audio 20000 RTP/AVP 0\r\n"),
	ROAD_LEAVE("IPv6 in a call over IPv4", "R8", ROAD_HEAD6("2001:db8::9") "m=audio 20000 RTP/AVP 0\r\n"),
	ROAD_LEAVE("media elsewhere", "R8", ROAD_HEAD4("10.0.0.99") "m=audio 20000 RTP/AVP 0\r\n"),
	ROAD_LEAVE("outside address", "R5: found by STUN", ROAD_HEAD4(OUT4) "m=audio 41000 RTP/AVP 0\r\n"),
	ROAD_LEAVE("other network types", "not IN", "v=0\r\no=- 1 1 ATM NSAP 10.0.0.10\r\ns=-\r\nc=ATM NSAP 10.0.0.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"),
	{"hold by address", "RFC 3264 8.4: nothing is where nothing is sent to", road_line::near4,
	 {{road_way::out, ROAD_SDP("v=0\r\no=- 1 1 IN IP4 " IN4 "\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"),
	   ROAD_SDP("v=0\r\no=- 1 1 IN IP4 " OUT4 "\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n")}}},
	{"port 9", "R8: a port below 1024 keeps its text, and its address with it", road_line::near4,
	 {{road_way::out, ROAD_SDP("v=0\r\no=- 1 1 IN IP4 pc\r\ns=-\r\nc=IN IP4 " IN4 "\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"), ""}}},
	{"not SDP", "found by its type, not by v=", road_line::near4,
	 {{road_way::out, ROAD_BODY("text/plain", ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n"), ""},
	  {road_way::out, ROAD_BODY("message/sipfrag", "SIP/2.0 200 OK\r\nContact: <sip:10.0.0.10:5060>\r\n"), ""}}},
	{"Content-Length", "99 grows to 104", road_line::near4,
	 {{road_way::out, ROAD_BODY("application/sdp\r\nContent-Length: 99", ROAD_HEAD4(IN4) "m=audio 2000 RTP/AVP 0\r\na=xxxxxxxx\r\n"),
	   ROAD_BODY("application/sdp\r\nContent-Length: 104", ROAD_HEAD4(OUT4) "m=audio 22000 RTP/AVP 0\r\na=xxxxxxxx\r\n")}}},
	{"multipart", "R20: SDP among other parts", road_line::near4,
	 {{road_way::out, ROAD_BODY("multipart/mixed;boundary=\"b b\"", "--b b\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 10.0.0.10\r\n--b b\r\nContent-Type: application/sdp\r\n\r\n" ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n\r\n--b b--\r\n"),
	   ROAD_BODY("multipart/mixed;boundary=\"b b\"", "--b b\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 10.0.0.10\r\n--b b\r\nContent-Type: application/sdp\r\n\r\n" ROAD_HEAD4(OUT4) "m=audio 40000 RTP/AVP 0\r\n\r\n--b b--\r\n")}}},
	{"lengths of part and message", "both follow", road_line::near4,
	 {{road_way::out, ROAD_BODY("multipart/mixed;boundary=b\r\nContent-Length: 163", "--b\r\nContent-Type: application/sdp\r\nContent-Length: 96\r\n\r\n" ROAD_HEAD4(IN4) "m=audio 2000 RTP/AVP 0\r\na=xxxxx\r\n" "\r\n--b--\r\n"),
	   ROAD_BODY("multipart/mixed;boundary=b\r\nContent-Length: 169", "--b\r\nContent-Type: application/sdp\r\nContent-Length: 101\r\n\r\n" ROAD_HEAD4(OUT4) "m=audio 22000 RTP/AVP 0\r\na=xxxxx\r\n" "\r\n--b--\r\n")}}},
	{"signed body", "lies under a signature", road_line::near4,
	 {{road_way::out, ROAD_BODY("multipart/signed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n\r\n" ROAD_HEAD4(IN4) "m=audio 20000 RTP/AVP 0\r\n--b--\r\n"), ""}}},
};

} // namespace sip_cases

#endif

// SPDX-License-Identifier: GPL-2.0
// SDP where more than c= and m= names a socket: RTCP, candidates, MSRP, several ports.
#ifndef SIP_EXT_CASES_ROAD_CASES_MEDIA_H
#define SIP_EXT_CASES_ROAD_CASES_MEDIA_H

#include "road_cases_sdp.h"

namespace sip_cases {

#define ROAD_MEDIA(name, why, before, after) ROAD_OFFER(name, why, ROAD_HEAD4(IN4) before, ROAD_HEAD4(OUT4) after)
#define ROAD_AUDIO(port) "m=audio " port " RTP/AVP 0\r\n"
#define ROAD_MSRP(address, port, more) "m=message " port " TCP/MSRP *\r\n" more "a=path:msrp://" address ":" port "/s1;tcp\r\n"

inline constexpr road_case media_road_cases[] = {
	/* RTCP */
	ROAD_MEDIA("a=rtcp of a named host", "R2: the name stays, and its port with it", ROAD_AUDIO("20000") "a=rtcp:20011 IN IP4 r.example\r\n",
		   ROAD_AUDIO("40000") "a=rtcp:20011 IN IP4 r.example\r\n"),
	ROAD_MEDIA("a=rtcp of another host", "is not the sender's", ROAD_AUDIO("20000") "a=rtcp:20011 IN IP4 192.0.2.9\r\n",
		   ROAD_AUDIO("40000") "a=rtcp:20011 IN IP4 192.0.2.9\r\n"),
	ROAD_MEDIA("odd RTP and even RTCP", "R7", ROAD_AUDIO("20001") "a=rtcp:20000\r\n", ROAD_AUDIO("40001") "a=rtcp:40000\r\n"),
	ROAD_MEDIA("a=rtcp of a declined stream", "R2: its address may not show", ROAD_AUDIO("0") "a=rtcp:33020 IN IP4 " IN4 "\r\n",
		   ROAD_AUDIO("0") "a=rtcp:53020 IN IP4 " OUT4 "\r\n"),
	ROAD_MEDIA("a=rtcp of a declined stream, the port alone", "means nothing", ROAD_AUDIO("0") "a=rtcp:33020\r\n", ROAD_AUDIO("0") "a=rtcp:33020\r\n"),
	ROAD_MEDIA("a=rtcp of what is not RTP", "R2: a fax that was a call before", "m=image 20000 udptl t38\r\na=rtcp:20001 IN IP4 " IN4 "\r\n",
		   "m=image 40000 udptl t38\r\na=rtcp:40001 IN IP4 " OUT4 "\r\n"),
	ROAD_OFFER("a=rtcp of a stream on hold", "RFC 3264 8.4", "v=0\r\no=- 1 1 IN IP4 " IN4 "\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" ROAD_AUDIO("20000") "a=rtcp:20001 IN IP4 " IN4 "\r\n",
		   "v=0\r\no=- 1 1 IN IP4 " OUT4 "\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" ROAD_AUDIO("20000") "a=rtcp:40001 IN IP4 " OUT4 "\r\n"),
	ROAD_OFFER("a=rtcp of the sender for RTP of another", "each by itself", ROAD_HEAD4("192.0.2.9") ROAD_AUDIO("20000") "a=rtcp:20001 IN IP4 " IN4 "\r\n",
		   ROAD_HEAD4("192.0.2.9") ROAD_AUDIO("20000") "a=rtcp:40001 IN IP4 " OUT4 "\r\n"),
	{"IPv6 a=rtcp of a declined stream", "the same", road_line::near6,
	 {{road_way::out, ROAD_SDP(ROAD_HEAD6(IN6) ROAD_AUDIO("0") "a=rtcp:33020 IN IP6 " IN6 "\r\n"), ROAD_SDP(ROAD_HEAD6(OUT6) ROAD_AUDIO("0") "a=rtcp:53020 IN IP6 " OUT6 "\r\n")}}},

	/* c= lines */
	ROAD_OFFER("multicast with its TTL", "RFC 8866 5.7: nobody's socket", "v=0\r\no=- 1 1 IN IP4 " IN4 "\r\ns=-\r\nc=IN IP4 233.252.0.1/127\r\nt=0 0\r\n" ROAD_AUDIO("20000"),
		   "v=0\r\no=- 1 1 IN IP4 " OUT4 "\r\ns=-\r\nc=IN IP4 233.252.0.1/127\r\nt=0 0\r\n" ROAD_AUDIO("20000")),
	ROAD_OFFER("address of a declined stream at its own level", "R2", ROAD_HEAD4(IN4) ROAD_AUDIO("20000") "m=video 0 RTP/AVP 96\r\nc=IN IP4 " IN4 "\r\n",
		   ROAD_HEAD4(OUT4) ROAD_AUDIO("40000") "m=video 0 RTP/AVP 96\r\nc=IN IP4 " OUT4 "\r\n"),
	ROAD_OFFER("address that no stream uses", "R2: each has one of its own", ROAD_HEAD4(IN4) ROAD_AUDIO("30000") "c=IN IP4 192.0.2.9\r\n",
		   ROAD_HEAD4(OUT4) ROAD_AUDIO("30000") "c=IN IP4 192.0.2.9\r\n"),
	ROAD_OFFER("two addresses in one section", "the first counts, both change", ROAD_HEAD4("192.0.2.9") ROAD_AUDIO("20000") "c=IN IP4 " IN4 "\r\nc=IN IP4 " IN4 "\r\n",
		   ROAD_HEAD4("192.0.2.9") ROAD_AUDIO("40000") "c=IN IP4 " OUT4 "\r\nc=IN IP4 " OUT4 "\r\n"),

	/* media and more */
	{"media at the socket of the Contact", "R4: what comes back there is known as the Contact's", road_line::near4,
	 {{road_way::out, ROAD_BODY("application/sdp\r\nContact: <sip:a@" IN4 ":30000>", ROAD_HEAD4(IN4) ROAD_AUDIO("30000")),
	   ROAD_BODY("application/sdp\r\nContact: <sip:a@" OUT4 ":50000>", ROAD_HEAD4(OUT4) ROAD_AUDIO("50000"))},
	  {road_way::in, ROAD_ASK_AT("sip:a@" OUT4 ":50000"), ROAD_ASK_AT("sip:a@" IN4 ":30000")}}},

	/* candidates */
	ROAD_MEDIA("reflexive candidate", "R6: it agrees with the binding, whatever STUN said", ROAD_AUDIO("20000") "a=candidate:2 1 UDP 98 " OUT4 " 23456 typ srflx raddr " IN4 " rport 20000\r\n",
		   ROAD_AUDIO("40000") "a=candidate:2 1 UDP 98 " OUT4 " 40000 typ srflx raddr " OUT4 " rport 40000\r\n"),
	ROAD_MEDIA("candidates over TCP", "RFC 6544: other sockets than those over UDP", ROAD_AUDIO("20000") "a=candidate:1 1 TCP 9 " IN4 " 20000 typ host tcptype passive\r\na=candidate:1 1 tcp 9 " IN4 " 9 typ host tcptype active\r\n",
		   ROAD_AUDIO("40000") "a=candidate:1 1 TCP 9 " IN4 " 20000 typ host tcptype passive\r\na=candidate:1 1 tcp 9 " IN4 " 9 typ host tcptype active\r\n"),
	ROAD_MEDIA("candidates of TCP media", "these are its sockets", "m=audio 20000 TCP/RTP/AVP 0\r\na=candidate:1 1 TCP 9 " IN4 " 20000 typ host tcptype passive\r\na=candidate:1 1 UDP 9 " IN4 " 20000 typ host\r\n",
		   "m=audio 40000 TCP/RTP/AVP 0\r\na=candidate:1 1 TCP 9 " OUT4 " 40000 typ host tcptype passive\r\na=candidate:1 1 UDP 9 " IN4 " 20000 typ host\r\n"),
	ROAD_MEDIA("what others write about addresses", "is not known well enough to be changed",
		   ROAD_AUDIO("20000") "a=remote-candidates:1 198.51.100.7 30000\r\na=alt:1 1 : abc def " IN4 " 20000\r\na=X-nat:0\r\na=source-filter: incl IN IP4 * " IN4 "\r\n",
		   ROAD_AUDIO("40000") "a=remote-candidates:1 198.51.100.7 30000\r\na=alt:1 1 : abc def " IN4 " 20000\r\na=X-nat:0\r\na=source-filter: incl IN IP4 * " IN4 "\r\n"),
	{"candidates of who is told", "R5: remote candidates come as they are", road_line::near4,
	 {{road_way::in, ROAD_SDP(ROAD_HEAD4("198.51.100.7") ROAD_AUDIO("30000") "a=remote-candidates:1 " OUT4 " 40000\r\na=candidate:1 1 UDP 9 198.51.100.7 30000 typ host\r\n"), ""}}},

	/* several ports */
	ROAD_MEDIA("three pairs", "RFC 8866 5.14", "m=video 20000/3 RTP/AVP 96\r\n", "m=video 40000/3 RTP/AVP 96\r\n"),
	ROAD_MEDIA("pairs that another line names, too", "one socket, one port", "m=video 20000/2 RTP/AVP 96\r\n" ROAD_AUDIO("20002"), "m=video 40000/2 RTP/AVP 96\r\n" ROAD_AUDIO("40002")),
	ROAD_MEDIA("pairs of another host, a=rtcp of this one", "S4: what a=rtcp says is about the first pair, the others are not the sender's",
		   "m=audio 20000/2 RTP/AVP 0\r\nc=IN IP4 10.0.0.99\r\na=rtcp:20001 IN IP4 " IN4 "\r\na=candidate:1 1 UDP 9 10.0.0.99 20003 typ host\r\n",
		   "m=audio 20000/2 RTP/AVP 0\r\nc=IN IP4 10.0.0.99\r\na=rtcp:40001 IN IP4 " OUT4 "\r\na=candidate:1 1 UDP 9 10.0.0.99 20003 typ host\r\n"),

	/* MSRP */
	ROAD_MEDIA("MSRP path", "RFC 4975 8.1, R2", ROAD_MSRP(IN4, "20000", "a=setup:passive\r\n"), ROAD_MSRP(OUT4, "40000", "a=setup:passive\r\n")),
	ROAD_MEDIA("MSRP path by a relay", "RFC 4976: the last is the sender", "m=message 20000 TCP/TLS/MSRP *\r\na=path:msrps://192.0.2.4:9000/r;tcp msrps://u@" IN4 ":20000/s;tcp\r\n",
		   "m=message 40000 TCP/TLS/MSRP *\r\na=path:msrps://192.0.2.4:9000/r;tcp msrps://u@" OUT4 ":40000/s;tcp\r\n"),
	{"MSRP path in IPv6", "in brackets", road_line::near6,
	 {{road_way::out, ROAD_SDP(ROAD_HEAD6(IN6) ROAD_MSRP("[" IN6 "]", "20000", "")), ROAD_SDP(ROAD_HEAD6(OUT6) ROAD_MSRP("[" OUT6 "]", "40000", ""))}}},
	ROAD_MEDIA("MSRP path of who connects", "RFC 4975 7.2: it is the name of the session alone", "m=message 20000 TCP/MSRP *\r\na=setup:active\r\na=path:msrp://" IN4 ":20000/s;tcp\r\n",
		   "m=message 40000 TCP/MSRP *\r\na=setup:active\r\na=path:msrp://" IN4 ":20000/s;tcp\r\n"),
	ROAD_MEDIA("MSRP path with CEMA", "RFC 6714 4: c= and m= are the socket", "m=message 20000 TCP/MSRP *\r\na=path:msrp://" IN4 ":20000/s;tcp\r\na=msrp-cema\r\n",
		   "m=message 40000 TCP/MSRP *\r\na=path:msrp://" IN4 ":20000/s;tcp\r\na=msrp-cema\r\n"),
	{"MSRP path of the peer", "is the peer's", road_line::near4, {{road_way::in, ROAD_SDP(ROAD_HEAD4("198.51.100.7") ROAD_MSRP("198.51.100.7", "30000", "")), ""}}},
};

} // namespace sip_cases

#endif

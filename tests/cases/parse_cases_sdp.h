// SPDX-License-Identifier: GPL-2.0
// SDP: RFC 8866, 3605, 5761, 8858, 8839, 4145, 9143, and the shapes of R6, R7, R8, R12.
#ifndef SIP_EXT_CASES_PARSE_CASES_SDP_H
#define SIP_EXT_CASES_PARSE_CASES_SDP_H

#include "parse_case.h"

namespace sip_cases {

// A session at 10.0.0.1 as most cases start: addresses 0 (o=) and 1 (c=).
#define CASE_SESSION CASE_V0 "o=a 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
#define VIEW_SESSION "@sdp-origin[0] 10.0.0.1\n@sdp-connection[0] 10.0.0.1\n"

inline constexpr parse_case sdp_cases[] = {
	{"sdp-audio", "the plain offer", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1\n"},
	{"sdp-type-case", "RFC 3261 7.4.1: media types are case-insensitive, LWS around the slash",
	 CASE_BODY("Application / SDP ; charset=utf-8", CASE_SESSION "m=audio 49170 RTP/AVP 0\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1\n"},
	{"sdp-lf", "LF as line end", CASE_SDP("v=0\no=a 1 1 IN IP4 10.0.0.1\nc=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-no-final-line-end", "the last line ends with the body", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1\n"},
	{"sdp-empty-line-first", "kamailio dns: an empty line before v= is none of it",
	 CASE_SDP("\r\n" CASE_SESSION "m=audio 49170 RTP/AVP 0\r\n"),
	 VIEW "body \n" VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1\n"},
	{"sdp-empty", "a type and no body", CASE_SDP(""), VIEW},
	{"sdp-unknown-lines", "RFC 8866 5: unknown lines are passed over",
	 CASE_SDP(CASE_V0 "testing=123\r\nz=10.9.9.9\r\n\r\nk=clear:10.9.9.9\r\na=x-address:IN IP4 10.9.9.9\r\nC=IN IP4 10.9.9.9\r\n"),
	 VIEW_SDP "+sdp o=- c=- streams=0\n"},
	{"sdp-rfc3261", "RFC 3261 24.2", CASE_SDP("v=0\r\no=alice 53655765 2353687637 IN IP4 pc33.atlanta.com\r\ns=-\r\nt=0 0\r\n"
						     "c=IN IP4 pc33.atlanta.com\r\nm=audio 3456 RTP/AVP 0 1 3 99\r\n"),
	 VIEW_SDP "+sdp o=- c=- streams=1\n=audio udp rtp 3456 c=- name\n"},
	{"sdp-name", "R8: host names in c= and o= are left alone", CASE_SDP(CASE_V0 "o=- 1 1 IN IP4 pbx.example\r\nc=IN IP4 pbx.example\r\nm=audio 5004 RTP/AVP 0\r\n"),
	 VIEW_SDP "+sdp o=- c=- streams=1\n=audio udp rtp 5004 c=- name\n"},
	{"sdp-no-connection", "a stream without any c=", CASE_SDP(CASE_V0 "m=audio 5004 RTP/AVP 0\r\n"),
	 VIEW_SDP "+sdp o=- c=- streams=1\n=audio udp rtp 5004 c=-\n"},
	{"sdp-media-connection", "RFC 8866 5.7: the media level counts, else the session level",
	 CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\nm=video 5006 RTP/AVP 31\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-connection[0.0] 10.0.0.2\n+sdp o=0 c=1 streams=2\n"
	 "=audio udp rtp 5004 c=2\n=video udp rtp 5006 c=1\n"},
	{"sdp-media-connection-only", "no session c= at all", CASE_SDP(CASE_V0 "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\nm=video 0 RTP/AVP 31\r\n"),
	 VIEW_SDP "@sdp-connection[0.0] 10.0.0.2\n+sdp o=- c=- streams=2\n=audio udp rtp 5004 c=0\n=video udp rtp 0 c=-\n"},
	{"sdp-media-name-over-session", "a name at media level hides the session's address",
	 CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 m.example\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=- name\n"},
	{"sdp-ipv6", "R8: IPv6 in c= and o=", CASE_SDP(CASE_V0 "o=a 1 1 IN IP6 2001:db8::20\r\nc=IN IP6 2001:db8::20\r\nm=audio 6000 RTP/AVP 2\r\n"),
	 VIEW_SDP "@sdp-origin[0] 2001:db8::20\n@sdp-connection[0] 2001:db8::20\n+sdp o=0 c=1 streams=1\n=audio udp rtp 6000 c=1\n"},
	{"sdp-ipv6-brackets", "R20: not legal here, but unmistakable", CASE_SDP(CASE_V0 "c=IN IP6 [2001:db8::20]\r\nm=audio 6000 RTP/AVP 2\r\n"),
	 VIEW_SDP "@sdp-connection[0] [2001:db8::20]\n+sdp o=- c=0 streams=1\n=audio udp rtp 6000 c=0\n"},
	{"sdp-multicast", "RFC 8866 5.7: TTL and count are not the address's", CASE_SDP(CASE_V0 "c=IN IP4 224.2.1.1/127/3\r\nm=audio 5004 RTP/AVP 0\r\nc=IN IP6 ff15::101/3\r\n"),
	 VIEW_SDP "@sdp-connection[0] 224.2.1.1\n@sdp-connection[0.0] ff15::101\n+sdp o=- c=0 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-two-connections", "layered multicast: each is listed, the first counts",
	 CASE_SDP(CASE_V0 "m=audio 5004 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\nc=IN IP4 224.2.1.2/127\r\n"),
	 VIEW_SDP "@sdp-connection[0.0] 224.2.1.1\n@sdp-connection[0.0] 224.2.1.2\n+sdp o=- c=- streams=1\n=audio udp rtp 5004 c=0\n"},
	{"sdp-trailing-words", "kamailio sg: words behind the address", CASE_SDP(CASE_V0 "c=IN IP4 10.0.0.1 UNHOLD UNHOLD\r\nm=audio 58074 RTP/AVP 0 \r\n"),
	 VIEW_SDP "@sdp-connection[0] 10.0.0.1\n+sdp o=- c=0 streams=1\n=audio udp rtp 58074 c=0\n"},
	{"sdp-origin-name-with-blanks", "a user name of two words", CASE_SDP(CASE_V0 "o=Cisco Phone 1 1 IN IP4 10.0.0.1\r\n"),
	 VIEW_SDP "@sdp-origin[0] 10.0.0.1\n+sdp o=0 c=- streams=0\n"},
	{"sdp-origin-short", "an o= with fields missing names nothing", CASE_SDP(CASE_V0 "o=- 1 1\r\n"), VIEW_SDP "+sdp o=- c=- streams=0\n"},
	{"sdp-origin-empty", "nor does an empty one", CASE_SDP(CASE_V0 "o=\r\n"), VIEW_SDP "+sdp o=- c=- streams=0\n"},
	{"sdp-origin-blanks", "more blanks than one, and some at the end", CASE_SDP(CASE_V0 "o=a 1 1 IN  IP4  10.0.0.1 \r\n"),
	 VIEW_SDP "@sdp-origin[0] 10.0.0.1\n+sdp o=0 c=- streams=0\n"},
	{"sdp-two-origins", "RFC 8866 5.2: which of them?", CASE_SDP(CASE_SESSION "o=a 1 1 IN IP4 10.0.0.2\r\n"), "error body\n"},
	{"sdp-other-nettype", "RFC 2848 5.1.1.2: a telephone number", CASE_SDP(CASE_V0 "c=TN RFC2543 +1-201-406-4090\r\nm=text 1 fax plain\r\n"),
	 VIEW_SDP "+sdp o=- c=- streams=1\n=text other 1 c=- name\n"},

	/* hold and declined streams */
	{"sdp-hold-zero", "R8, RFC 3264 8.4: c=0.0.0.0", CASE_SDP(CASE_V0 "c=IN IP4 0.0.0.0\r\nm=audio 5004 RTP/AVP 0\r\n"),
	 VIEW_SDP "@sdp-connection[0] 0.0.0.0\n+sdp o=- c=0 streams=1\n=audio udp rtp 5004 c=0 hold\n"},
	{"sdp-hold-zero-media", "one stream of two", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\nc=IN IP6 ::\r\nm=video 5006 RTP/AVP 31\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-connection[0.0] ::\n+sdp o=0 c=1 streams=2\n=audio udp rtp 5004 c=2 hold\n=video udp rtp 5006 c=1\n"},
	{"sdp-directions", "R12: at the session level for all, at the media level for one",
	 CASE_SDP(CASE_SESSION "a=sendonly\r\nm=audio 5004 RTP/AVP 0\r\nm=video 5006 RTP/AVP 31\r\na=inactive\r\nm=audio 5008 RTP/AVP 0\r\na=recvonly \r\nm=audio 5010 RTP/AVP 0\r\na=sendrecv\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=4\n=audio udp rtp 5004 c=1 sendonly\n=video udp rtp 5006 c=1 inactive\n"
	 "=audio udp rtp 5008 c=1 recvonly\n=audio udp rtp 5010 c=1 sendrecv\n"},
	{"sdp-port-zero", "R8: a declined stream", CASE_SDP(CASE_SESSION "m=audio 0 RTP/AVP 0\r\nm=video 00 RTP/AVP 31\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=2\n=audio udp rtp 0 c=1\n=video udp rtp 00 c=1\n"},

	/* m= */
	{"sdp-kinds", "R8: every kind of media",
	 CASE_SDP(CASE_SESSION "m=text 5000 RTP/AVP 98\r\nm=image 5002 udptl t38\r\nm=application 5004 UDP/BFCP *\r\nm=message 5006 TCP/MSRP *\r\nm=data 5008 udp x\r\nm=AUDIO 5010 rtp/avp 0\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=6\n=text udp rtp 5000 c=1\n=image udp 5002 c=1\n=application udp 5004 c=1\n"
	 "=message tcp 5006 c=1\n=other udp 5008 c=1\n=audio udp rtp 5010 c=1\n"},
	{"sdp-protos", "RFC 5764, 8841, 8856, 7345, 4571",
	 CASE_SDP(CASE_SESSION "m=audio 1 RTP/SAVP 0\r\nm=audio 2 UDP/TLS/RTP/SAVPF 0\r\nm=audio 3 TCP/RTP/AVP 0\r\nm=application 4 DTLS/SCTP 5000\r\n"
		  "m=application 5 UDP/DTLS/SCTP webrtc-datachannel\r\nm=application 6 TCP/TLS/BFCP *\r\nm=image 7 UDP/TLS/UDPTL t38\r\n"
		  "m=audio 8 RTP/AVP/TCP 0\r\nm=audio 9 SCTP 0\r\nm=audio 10 XRTP/AVP 0\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=10\n=audio udp rtp 1 c=1\n=audio udp rtp 2 c=1\n=audio tcp rtp 3 c=1\n=application udp 4 c=1\n"
	 "=application udp 5 c=1\n=application tcp 6 c=1\n=image udp 7 c=1\n=audio tcp rtp 8 c=1\n=audio other 9 c=1\n=audio other 10 c=1\n"},
	{"sdp-port-count", "RFC 8866 5.14: m=audio p/2", CASE_SDP(CASE_SESSION "m=audio 49170/2 RTP/AVP 31\r\nm=video 49180/1 RTP/AVP 31\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=2\n=audio udp rtp 49170/2 c=1\n=video udp rtp 49180 c=1\n"},
	{"sdp-no-format", "a m= line without formats still has its port", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-two-blanks", "more blanks than one between fields", CASE_SDP(CASE_V0 "c=IN  IP4  10.0.0.1\r\nm=audio  5004  RTP/AVP  0\r\n"),
	 VIEW_SDP "@sdp-connection[0] 10.0.0.1\n+sdp o=- c=0 streams=1\n=audio udp rtp 5004 c=0\n"},
	{"sdp-port-65536", "S9", CASE_SDP(CASE_SESSION "m=audio 65536 RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-port-2-32-and-32", "S9", CASE_SDP(CASE_SESSION "m=audio 4294967328 RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-port-negative", "S9", CASE_SDP(CASE_SESSION "m=audio -1 RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-port-word", "not a number", CASE_SDP(CASE_SESSION "m=audio $ RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-count-zero", "no port at all", CASE_SDP(CASE_SESSION "m=audio 5004/0 RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-count-empty", "a slash with nothing behind", CASE_SDP(CASE_SESSION "m=audio 5004/ RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-media-short", "no proto", CASE_SDP(CASE_SESSION "m=audio 5004\r\n"), "error body\n"},
	{"sdp-media-blank", "RFC 4475 3.1.1.8's 'm =': some would read it as m=", CASE_SDP(CASE_SESSION "m =audio 5004 RTP/AVP 0\r\n"), "error body\n"},
	{"sdp-connection-short", "c= without an address", CASE_SDP(CASE_V0 "c=IN IP4\r\n"), "error body\n"},

	/* RTCP */
	{"sdp-rtcp-port", "RFC 3605: the port alone", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:53020\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1 rtcp=53020@-\n"},
	{"sdp-rtcp-address", "RFC 3605: port and address (R7)", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:53020 IN IP4 10.0.0.2\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-rtcp[0.0] 10.0.0.2:53020\n+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1 rtcp=53020@2\n"},
	{"sdp-rtcp-ipv6", "the same in IPv6", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:53020 IN IP6 2001:db8::1\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-rtcp[0.0] 2001:db8::1:53020\n+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1 rtcp=53020@2\n"},
	{"sdp-rtcp-name", "a name is not listed, its port is", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:53020 IN IP4 r.example\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1 rtcp=53020@-name\n"},
	{"sdp-rtcp-mux", "RFC 5761; a=rtcp-fb and a=rtpmap are others", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp-fb:* nack\r\na=rtcp-mux\r\nm=video 5006 RTP/AVP 31\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=2\n=audio udp rtp 49170 c=1 mux\n=video udp rtp 5006 c=1\n"},
	{"sdp-rtcp-mux-only", "RFC 8858", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp-mux\r\na=rtcp-mux-only\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 49170 c=1 mux mux-only\n"},
	{"sdp-rtcp-65536", "S9", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:65536\r\n"), "error body\n"},
	{"sdp-rtcp-twice", "which of them?", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:1\r\na=rtcp:2\r\n"), "error body\n"},
	{"sdp-rtcp-empty", "no number", CASE_SDP(CASE_SESSION "m=audio 49170 RTP/AVP 0\r\na=rtcp:\r\n"), "error body\n"},

	/* ICE */
	{"sdp-ice", "RFC 8839 5.1: host and srflx candidates (R6)",
	 CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 2130706431 10.0.0.1 5004 typ host\r\n"
		  "a=candidate:2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.0.1 rport 5004\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 10.0.0.1:5004\n@sdp-candidate[0.0] 192.0.2.3:45664\n"
	 "@sdp-candidate-related[0.0] 10.0.0.1:5004\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"},
	{"sdp-ice-tcp", "RFC 6544: TCP candidates, with extensions", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 TCP 2128609279 10.0.0.1 9 typ host tcptype active generation 0\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 10.0.0.1:9\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"},
	{"sdp-ice-mdns", "a hidden name is not listed", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 b7c1.local 5004 typ host\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"},
	{"sdp-ice-ipv6", "and one whose related address is hidden", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 2001:db8::1 5004 typ srflx raddr :: rport 0\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 2001:db8::1:5004\n@sdp-candidate-related[0.0] :::0\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"},
	{"sdp-ice-raddr-alone", "a related address without its port", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.1 5004 typ relay raddr 10.0.0.1\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 192.0.2.1:5004\n@sdp-candidate-related[0.0] 10.0.0.1\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"},
	{"sdp-ice-broken", "a line that is no candidate is one to nobody", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 10.0.0.1 5004\r\na=candidate:\r\na=candidate\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-ice-65536", "S9", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 10.0.0.1 65536 typ host\r\n"), "error body\n"},

	/* MSRP */
	{"sdp-path", "RFC 4975 8.1: a relay, and the sender last",
	 CASE_SDP(CASE_SESSION "m=message 7654 TCP/MSRP *\r\na=path:msrp://192.0.2.4:9000/rl;tcp msrp://u@10.0.0.1:7654/s;tcp\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-path[0.0] 192.0.2.4:9000\n@sdp-path[0.0] 10.0.0.1:7654\n+sdp o=0 c=1 streams=1\n=message tcp 7654 c=1\n"},
	{"sdp-path-shapes", "secure, without a port, IPv6; names and what is not understood are not listed",
	 CASE_SDP(CASE_SESSION "m=message 7654 TCP/TLS/MSRP *\r\na=path:msrps://10.0.0.1/s;tcp\r\na=PATH: MSRP://[2001:db8::1]:7/s;tcp\r\n"
		  "a=path:msrp://a.example:7/s;tcp msrp:// http://10.0.0.1/ msrp://10.0.0.1\r\na=path:\r\na=path\r\na=msrp-cema\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-path[0.0] 10.0.0.1\n@sdp-path[0.0] [2001:db8::1]:7\n@sdp-path[0.0] 10.0.0.1\n+sdp o=0 c=1 streams=1\n=message tcp 7654 c=1 cema\n"},
	{"sdp-path-65536", "S9", CASE_SDP(CASE_SESSION "m=message 7654 TCP/MSRP *\r\na=path:msrp://10.0.0.1:65536/s;tcp\r\n"), "error body\n"},

	/* BUNDLE and setup */
	{"sdp-bundle", "RFC 9143: R8, audio and video on one port",
	 CASE_SDP(CASE_SESSION "a=group:LS x\r\na=group:BUNDLE foo bar\r\nm=audio 5004 RTP/AVP 0\r\na=mid:foo\r\nm=video 5004 RTP/AVP 31\r\na=mid:bar\r\na=bundle-only\r\nm=video 5008 RTP/AVP 31\r\na=mid:x\r\nm=text 5010 RTP/AVP 98\r\na=mid:fo\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=4\n=audio udp rtp 5004 c=1 bundled\n=video udp rtp 5004 c=1 bundled bundle-only\n=video udp rtp 5008 c=1\n=text udp rtp 5010 c=1\n"},
	{"sdp-two-bundles", "two groups", CASE_SDP(CASE_SESSION "a=group:BUNDLE a\r\na=group:BUNDLE b\r\nm=audio 5004 RTP/AVP 0\r\na=mid:b\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 bundled\n"},
	{"sdp-bundle-late", "a group at media level is none", CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=group:BUNDLE a\r\na=mid:a\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-setup", "RFC 4145 4: R8, TCP media", CASE_SDP(CASE_SESSION "a=setup:actpass\r\nm=message 5004 TCP/MSRP *\r\nm=image 5006 TCP t38\r\na=setup:passive\r\nm=image 9 TCP t38\r\na=setup:active\r\nm=image 5010 TCP t38\r\na=setup:holdconn\r\nm=image 5012 TCP t38\r\na=setup:other\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=5\n=message tcp 5004 c=1 actpass\n=image tcp 5006 c=1 passive\n=image tcp 9 c=1 active\n=image tcp 5010 c=1 holdconn\n=image tcp 5012 c=1\n"},
	{"sdp-session-attributes", "what belongs to one m= section is not handed down", CASE_SDP(CASE_SESSION "a=rtcp:7 IN IP4 10.0.0.2\r\na=rtcp-mux\r\na=bundle-only\r\na=mid:a\r\nm=audio 5004 RTP/AVP 0\r\n"),
	 VIEW_SDP VIEW_SESSION "@sdp-rtcp[0] 10.0.0.2:7\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1\n"},
	{"sdp-ten-streams", "R8: ten m= lines", CASE_SDP(CASE_SESSION "m=audio 2 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\nm=audio 6 RTP/AVP 0\r\nm=audio 8 RTP/AVP 0\r\nm=audio 10 RTP/AVP 0\r\nm=video 12 RTP/AVP 0\r\nm=video 14 RTP/AVP 0\r\nm=video 16 RTP/AVP 0\r\nm=video 18 RTP/AVP 0\r\nm=video 20 RTP/AVP 0\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=10\n=audio udp rtp 2 c=1\n=audio udp rtp 4 c=1\n=audio udp rtp 6 c=1\n=audio udp rtp 8 c=1\n=audio udp rtp 10 c=1\n"
	 "=video udp rtp 12 c=1\n=video udp rtp 14 c=1\n=video udp rtp 16 c=1\n=video udp rtp 18 c=1\n=video udp rtp 20 c=1\n"},
	{"sdp-t38", "R12: a fax takes over", CASE_SDP(CASE_SESSION "m=audio 0 RTP/AVP 0\r\nm=image 5006 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"),
	 VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=2\n=audio udp rtp 0 c=1\n=image udp 5006 c=1\n"},
};

} // namespace sip_cases

#endif

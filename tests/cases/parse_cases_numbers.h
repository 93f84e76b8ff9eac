// SPDX-License-Identifier: GPL-2.0
// S9: the same numbers in every place that can have one. A number that does not fit is never
// taken for another: the message is not understood, or says nothing there.
#ifndef SIP_EXT_CASES_PARSE_CASES_NUMBERS_H
#define SIP_EXT_CASES_PARSE_CASES_NUMBERS_H

#include "parse_case.h"
#include "parse_cases_address.h"
#include "parse_cases_sdp.h"
#include "parse_cases_via.h"

namespace sip_cases {

// MESSAGE(n): a message with that number. too_large, none: what is said of a number that does not
// fit, and of what is no number.
#define NUMBERS_TOO_LARGE(name, MESSAGE, too_large) \
	{name "-2-32-and-5060", "would be 5060 if it wrapped in 32 bits", MESSAGE("4294972356"), too_large}, \
	{name "-2-64-and-5060", "would be 5060 if it wrapped in 64 bits", MESSAGE("18446744073709556676"), too_large}, \
	{name "-40-digits", "longer than any number", MESSAGE("1111111111222222222233333333334444444444"), too_large}
#define NUMBERS_NONE(name, MESSAGE, none) \
	{name "-negative", "a sign is not a digit", MESSAGE("-5060"), none}, \
	{name "-plus", "nor is this one", MESSAGE("+5060"), none}
#define NUMBER_ZERO(name, MESSAGE, view) {name "-0", "zero is a number", MESSAGE("0"), view}
// A port: 16 bits.
#define NUMBERS_OF_PORT(name, MESSAGE, VIEW_WITH, too_large, none, hex) \
	{name "-65535", "the largest port", MESSAGE("65535"), VIEW_WITH("65535", "65535")}, \
	{name "-65536", "would be 0 in 16 bits", MESSAGE("65536"), too_large}, \
	{name "-2-31", "would be 0 in 16 bits, and negative in 32", MESSAGE("2147483648"), too_large}, \
	NUMBERS_TOO_LARGE(name, MESSAGE, too_large), \
	NUMBERS_NONE(name, MESSAGE, none), \
	{name "-hex", "0, and something behind it", MESSAGE("0x10"), hex}, \
	{name "-leading-zeros", "1*DIGIT: the digits stay as written", MESSAGE("0000000000000000000000000000000000005060"), \
	 VIEW_WITH("5060", "0000000000000000000000000000000000005060")}

#define NUMBER_LENGTH(n) CASE_WITH("l: " n "\r\n") "abc"
#define NUMBER_VIA(n) CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:" n)
#define NUMBER_RPORT(n) CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport=" n)
#define NUMBER_CONTACT(n) CASE_OF_CONTACT("<sip:10.0.0.1:" n ">")
#define NUMBER_ROUTE(n) CASE_WITH("Record-Route: <sip:10.0.0.1:" n ";lr>\r\n")
#define NUMBER_URI(n) CASE_OF_URI("sip:10.0.0.1:" n)
#define NUMBER_MEDIA(n) CASE_SDP(CASE_SESSION "m=audio " n " RTP/AVP 0\r\n")
#define NUMBER_RTCP(n) CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=rtcp:" n "\r\n")
#define NUMBER_CANDIDATE(n) CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 10.0.0.1 " n " typ host\r\n")
#define NUMBER_RELATED(n) CASE_SDP(CASE_SESSION "m=audio 5004 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.1 5004 typ srflx raddr 10.0.0.1 rport " n "\r\n")
#define NUMBER_PATH(n) CASE_SDP(CASE_SESSION "m=message 5004 TCP/MSRP *\r\na=path:msrp://10.0.0.1:" n "/s;tcp\r\n")
#define NUMBER_EXPIRES(n) CASE_WITH("Expires: " n "\r\n")
#define NUMBER_GRANTED(n) CASE_OF_CONTACT("<sip:10.0.0.1>;expires=" n)
#define NUMBER_SESSION(n) CASE_WITH("Session-Expires: " n "\r\n")
#define NUMBER_CSEQ(n) CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: " n " INVITE\r\n\r\n"
#define NUMBER_FORWARDS(n) CASE_WITH("Max-Forwards: " n "\r\n")

#define NUMBER_SEEN_VIA(value, written) VIEW_OF_VIA("10.0.0.1:" value) "@via[0] 10.0.0.1:" written "\n"
#define NUMBER_SEEN_RPORT(value, written) VIEW_OF_VIA("10.0.0.1 rport") "@via[0] 10.0.0.1\n@via-received[0] :" written "\n"
#define NUMBER_SEEN_CONTACT(value, written) VIEW_OF_CONTACT("@contact 10.0.0.1:" written "\n")
#define NUMBER_SEEN_ROUTE(value, written) VIEW "@record-route 10.0.0.1:" written "\n"
#define NUMBER_SEEN_URI(value, written) VIEW_OF_URI("sip:10.0.0.1:" written) "@request-uri 10.0.0.1:" written "\n"
#define NUMBER_SEEN_MEDIA(value, written) VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp " written " c=1\n"
#define NUMBER_SEEN_RTCP(value, written) VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 rtcp=" written "@-\n"
#define NUMBER_SEEN_CANDIDATE(value, written) VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 10.0.0.1:" written "\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"
#define NUMBER_SEEN_RELATED(value, written) VIEW_SDP VIEW_SESSION "@sdp-candidate[0.0] 192.0.2.1:5004\n@sdp-candidate-related[0.0] 10.0.0.1:" written "\n+sdp o=0 c=1 streams=1\n=audio udp rtp 5004 c=1 ice\n"
#define NUMBER_SEEN_PATH(value, written) VIEW_SDP VIEW_SESSION "@sdp-path[0.0] 10.0.0.1:" written "\n+sdp o=0 c=1 streams=1\n=message tcp 5004 c=1\n"
#define NUMBER_SEEN_NO_PATH VIEW_SDP VIEW_SESSION "+sdp o=0 c=1 streams=1\n=message tcp 5004 c=1\n"
#define NUMBER_SEEN_HOUR VIEW "expires 3600\n"
#define NUMBER_SEEN_GRANTED(value) VIEW_OF_CONTACT("@contact 10.0.0.1 expires=" value "\n")
#define NUMBER_SEEN_CSEQ(value) "INVITE sip:bob@b.example cseq " value "\n" VIEW_DIALOG

inline constexpr parse_case number_cases[] = {
	{"number-length-0", "zero is a number", NUMBER_LENGTH("0"), VIEW "length 0\nrest 3\n"},
	{"number-length-65535", "more than there is", NUMBER_LENGTH("65535"), "error length\n"},
	{"number-length-65539", "would be 3 in 16 bits", NUMBER_LENGTH("65539"), "error length\n"},
	{"number-length-2-31", "would be negative in 32 bits", NUMBER_LENGTH("2147483651"), "error length\n"},
	{"number-length-2-32-less-1", "would be -1", NUMBER_LENGTH("4294967295"), "error length\n"},
	{"number-length-2-32-and-3", "would be 3 in 32 bits", NUMBER_LENGTH("4294967299"), "error number\n"},
	{"number-length-2-64-and-3", "would be 3 in 64 bits", NUMBER_LENGTH("18446744073709551619"), "error number\n"},
	NUMBERS_TOO_LARGE("number-length", NUMBER_LENGTH, "error number\n"),
	NUMBERS_NONE("number-length", NUMBER_LENGTH, "error number\n"),
	{"number-length-hex", "0, and something behind it", NUMBER_LENGTH("0x3"), "error number\n"},
	{"number-length-leading-zeros", "1*DIGIT", NUMBER_LENGTH("0000000000000000000000000000000000000003"), VIEW "length 3\nbody abc\n"},

	NUMBER_ZERO("number-via", NUMBER_VIA, VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1:0\n"),
	NUMBERS_OF_PORT("number-via", NUMBER_VIA, NUMBER_SEEN_VIA, "error number\n", "error header\n", "error header\n"),
	NUMBER_ZERO("number-rport", NUMBER_RPORT, NUMBER_SEEN_RPORT("0", "0")),
	NUMBERS_OF_PORT("number-rport", NUMBER_RPORT, NUMBER_SEEN_RPORT, "error number\n", "error header\n", "error number\n"),
	NUMBER_ZERO("number-contact", NUMBER_CONTACT, NUMBER_SEEN_CONTACT("0", "0")),
	NUMBERS_OF_PORT("number-contact", NUMBER_CONTACT, NUMBER_SEEN_CONTACT, "error number\n", "error header\n", "error header\n"),
	NUMBER_ZERO("number-record-route", NUMBER_ROUTE, NUMBER_SEEN_ROUTE("0", "0")),
	NUMBERS_OF_PORT("number-record-route", NUMBER_ROUTE, NUMBER_SEEN_ROUTE, "error number\n", "error header\n", "error header\n"),
	NUMBER_ZERO("number-uri", NUMBER_URI, NUMBER_SEEN_URI("0", "0")),
	NUMBERS_OF_PORT("number-uri", NUMBER_URI, NUMBER_SEEN_URI, "error number\n", "error start_line\n", "error start_line\n"),
	NUMBER_ZERO("number-media", NUMBER_MEDIA, NUMBER_SEEN_MEDIA("0", "0")),
	NUMBERS_OF_PORT("number-media", NUMBER_MEDIA, NUMBER_SEEN_MEDIA, "error body\n", "error body\n", "error body\n"),
	NUMBER_ZERO("number-rtcp", NUMBER_RTCP, NUMBER_SEEN_RTCP("0", "0")),
	NUMBERS_OF_PORT("number-rtcp", NUMBER_RTCP, NUMBER_SEEN_RTCP, "error body\n", "error body\n", "error body\n"),
	NUMBER_ZERO("number-candidate", NUMBER_CANDIDATE, NUMBER_SEEN_CANDIDATE("0", "0")),
	NUMBERS_OF_PORT("number-candidate", NUMBER_CANDIDATE, NUMBER_SEEN_CANDIDATE, "error body\n", "error body\n", "error body\n"),
	NUMBER_ZERO("number-related", NUMBER_RELATED, NUMBER_SEEN_RELATED("0", "0")),
	NUMBERS_OF_PORT("number-related", NUMBER_RELATED, NUMBER_SEEN_RELATED, "error body\n", "error body\n", "error body\n"),
	NUMBER_ZERO("number-path", NUMBER_PATH, NUMBER_SEEN_PATH("0", "0")),
	NUMBERS_OF_PORT("number-path", NUMBER_PATH, NUMBER_SEEN_PATH, "error body\n", "error body\n", NUMBER_SEEN_NO_PATH),

	// RFC 3261 20.19: what is malformed means an hour
	{"number-expires-0", "zero ends it", NUMBER_EXPIRES("0"), VIEW "expires 0\n"},
	{"number-expires-65536", "32 bits, not 16", NUMBER_EXPIRES("65536"), VIEW "expires 65536\n"},
	{"number-expires-2-31", "not negative", NUMBER_EXPIRES("2147483648"), VIEW "expires 2147483648\n"},
	NUMBERS_TOO_LARGE("number-expires", NUMBER_EXPIRES, NUMBER_SEEN_HOUR),
	NUMBERS_NONE("number-expires", NUMBER_EXPIRES, NUMBER_SEEN_HOUR),
	{"number-expires-hex", "no number", NUMBER_EXPIRES("0x10"), NUMBER_SEEN_HOUR},
	{"number-expires-leading-zeros", "1*DIGIT", NUMBER_EXPIRES("0000000000000000000000000000000000000060"), VIEW "expires 60\n"},

	{"number-granted-0", "zero ends it", NUMBER_GRANTED("0"), NUMBER_SEEN_GRANTED("0")},
	{"number-granted-65536", "32 bits, not 16", NUMBER_GRANTED("65536"), NUMBER_SEEN_GRANTED("65536")},
	{"number-granted-2-31", "not negative", NUMBER_GRANTED("2147483648"), NUMBER_SEEN_GRANTED("2147483648")},
	NUMBERS_TOO_LARGE("number-granted", NUMBER_GRANTED, NUMBER_SEEN_GRANTED("3600")),
	NUMBERS_NONE("number-granted", NUMBER_GRANTED, NUMBER_SEEN_GRANTED("3600")),
	{"number-granted-hex", "no number", NUMBER_GRANTED("0x10"), NUMBER_SEEN_GRANTED("3600")},
	{"number-granted-leading-zeros", "1*DIGIT", NUMBER_GRANTED("0000000000000000000000000000000000000060"), NUMBER_SEEN_GRANTED("60")},

	// RFC 4028 4: what is malformed says nothing
	{"number-session-0", "as good as none", NUMBER_SESSION("0"), VIEW},
	{"number-session-65536", "32 bits, not 16", NUMBER_SESSION("65536"), VIEW "session-expires 65536\n"},
	{"number-session-2-31", "not negative", NUMBER_SESSION("2147483648"), VIEW "session-expires 2147483648\n"},
	NUMBERS_TOO_LARGE("number-session", NUMBER_SESSION, VIEW),
	NUMBERS_NONE("number-session", NUMBER_SESSION, VIEW),
	{"number-session-hex", "0, and something behind it", NUMBER_SESSION("0x10"), VIEW},
	{"number-session-leading-zeros", "1*DIGIT", NUMBER_SESSION("0000000000000000000000000000000000000090"), VIEW "session-expires 90\n"},

	{"number-cseq-0", "zero is a number", NUMBER_CSEQ("0"), NUMBER_SEEN_CSEQ("0")},
	{"number-cseq-65536", "32 bits, not 16", NUMBER_CSEQ("65536"), NUMBER_SEEN_CSEQ("65536")},
	{"number-cseq-2-31", "RFC 3261 8.1.1.5 ends below, senders do not", NUMBER_CSEQ("2147483648"), NUMBER_SEEN_CSEQ("2147483648")},
	NUMBERS_TOO_LARGE("number-cseq", NUMBER_CSEQ, "error number\n"),
	NUMBERS_NONE("number-cseq", NUMBER_CSEQ, "error number\n"),
	{"number-cseq-hex", "0, and something behind it", NUMBER_CSEQ("0x10"), "error header\n"},
	{"number-cseq-leading-zeros", "1*DIGIT", NUMBER_CSEQ("0000000000000000000000000000000000000007"), NUMBER_SEEN_CSEQ("7")},

	// RFC 3261 16.3: for proxies to judge, and nothing of ours follows from it
	{"number-forwards-0", "RFC 4475 3.3.11", NUMBER_FORWARDS("0"), VIEW},
	{"number-forwards-65536", "more than it may be", NUMBER_FORWARDS("65536"), VIEW},
	{"number-forwards-2-31", "the same", NUMBER_FORWARDS("2147483648"), VIEW},
	NUMBERS_TOO_LARGE("number-forwards", NUMBER_FORWARDS, VIEW),
	NUMBERS_NONE("number-forwards", NUMBER_FORWARDS, VIEW),
	{"number-forwards-hex", "no number", NUMBER_FORWARDS("0x10"), VIEW},
	{"number-forwards-leading-zeros", "1*DIGIT", NUMBER_FORWARDS("0000000000000000000000000000000000000070"), VIEW},
};

} // namespace sip_cases

#endif

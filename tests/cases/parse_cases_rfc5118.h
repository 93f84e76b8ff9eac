// SPDX-License-Identifier: GPL-2.0
// The messages of RFC 5118 (tests/data/rfc5118) and what is to be seen in each.
#ifndef SIP_EXT_CASES_PARSE_CASES_RFC5118_H
#define SIP_EXT_CASES_PARSE_CASES_RFC5118_H

#include "parse_case.h"
#include "rfc_messages_1.h"
#include "rfc_messages_2.h"

namespace sip_cases {

inline constexpr parse_case rfc5118_cases[] = {
	{"rfc5118-ipv4-mapped-ipv6", "4.9: IPv4-mapped addresses", rfc5118_ipv4_mapped_ipv6,
	 "INVITE sip:user@example.com cseq 612\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@east.example.com sip:user@example.com\n"
	 "via ::ffff:192.0.2.10:19823 branch=z9hG4bKbh19\n"
	 "counts vias=2 contacts=1\n"
	 "length 236\n"
	 "body v=0\n"
	 "rest 9\n"
	 "@via[0] [::ffff:192.0.2.10]:19823\n"
	 "@via[1] [::ffff:192.0.2.2]\n"
	 "@contact [::ffff:192.0.2.2] user\n"
	 "@sdp-origin[0] ::ffff:192.0.2.2\n"
	 "@sdp-connection[0] ::ffff:192.0.2.2\n"
	 "+sdp o=3 c=4 streams=2\n"
	 "=audio udp rtp 6000 c=4\n"
	 "=video udp rtp 6024 c=4\n"},
	{"rfc5118-ipv6-bad", "4.2: without its brackets: the port cannot be told", rfc5118_ipv6_bad,
	 "error start_line\n"},
	{"rfc5118-ipv6-bug-abnf-3-colons", "4.10: three colons are no address", rfc5118_ipv6_bug_abnf_3_colons,
	 "OPTIONS sip:user@[2001:db8:::192.0.2.1] cseq 689\n"
	 "ids G9559905523997077@hlau_4100 810x2 -\n"
	 "parties sip:user@example.com sip:user@[2001:db8:::192.0.2.1]\n"
	 "via lab1.east.example.com branch=z9hG4bKas3-111\n"
	 "length 0\n"},
	{"rfc5118-ipv6-correct-abnf-2-colons", "4.10: the same with two", rfc5118_ipv6_correct_abnf_2_colons,
	 "OPTIONS sip:user@[2001:db8::192.0.2.1] cseq 689\n"
	 "ids G9559905523997077@hlau_4100 810x2 -\n"
	 "parties sip:user@example.com sip:user@[2001:db8::192.0.2.1]\n"
	 "via lab1.east.example.com branch=z9hG4bKas3-111\n"
	 "length 0\n"
	 "@request-uri [2001:db8::192.0.2.1] user\n"
	 "@to [2001:db8::192.0.2.1] user\n"},
	{"rfc5118-ipv6-good", "4.1: an IPv6reference in the Request-URI", rfc5118_ipv6_good,
	 "REGISTER sip:[2001:db8::10] cseq 98176\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3-111\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@request-uri [2001:db8::10]\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@contact [2001:db8::1] user\n"},
	{"rfc5118-ipv6-in-sdp", "4.6: its Content-Length is larger than what the RFC prints", rfc5118_ipv6_in_sdp,
	 "error length\n"},
	{"rfc5118-mult-ip-in-header", "4.7: both families in the Vias", rfc5118_mult_ip_in_header,
	 "BYE sip:user@host.example.net cseq 89187\n"
	 "ids 997077@lau_4100 81x2 9817--94\n"
	 "parties sip:user@example.com sip:user@example.net\n"
	 "via 2001:db8::9:1:6050 branch=z9hG4bKas3-111\n"
	 "counts vias=3 contacts=0\n"
	 "length 0\n"
	 "@via[0] [2001:db8::9:1]:6050\n"
	 "@via[1] 192.0.2.1\n"
	 "@via[2] [2001:db8::9:255]\n"
	 "@via-received[2] 192.0.2.200\n"},
	{"rfc5118-mult-ip-in-sdp", "4.8: both families in SDP", rfc5118_mult_ip_in_sdp,
	 "INVITE sip:user@[2001:db8::10] cseq 8912\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@example.com sip:user@[2001:db8::10]\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3-111\n"
	 "counts vias=1 contacts=1\n"
	 "length 181\n"
	 "body v=0\n"
	 "rest 8\n"
	 "@request-uri [2001:db8::10] user\n"
	 "@to [2001:db8::10] user\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@contact [2001:db8::9:1] user\n"
	 "@sdp-connection[0.0] 192.0.2.1\n"
	 "@sdp-connection[0.1] 2001:db8::1\n"
	 "+sdp o=- c=- streams=2\n"
	 "=audio udp rtp 22334 c=4\n"
	 "=video udp rtp 6024 c=5\n"},
	{"rfc5118-port-ambiguous", "4.3: \":5070\" in the brackets is a group", rfc5118_port_ambiguous,
	 "REGISTER sip:[2001:db8::10:5070] cseq 98176\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3-111\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@request-uri [2001:db8::10:5070]\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@contact [2001:db8::1] user\n"},
	{"rfc5118-port-unambiguous", "4.4: \":5070\" behind the brackets is a port", rfc5118_port_unambiguous,
	 "REGISTER sip:[2001:db8::10]:5070 cseq 98176\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3-111\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@request-uri [2001:db8::10]:5070\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@contact [2001:db8::1] user\n"},
	{"rfc5118-via-received-param-no-delim", "4.5: received without brackets", rfc5118_via_received_param_no_delim,
	 "OPTIONS sip:[2001:db8::10] cseq 921\n"
	 "ids SSG95523997077@hlau_4100 81x2 -\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3\n"
	 "counts vias=1 contacts=1\n"
	 "length 0\n"
	 "@request-uri [2001:db8::10]\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@via-received[0] 2001:db8::9:255\n"
	 "@contact [2001:db8::9:1] user\n"},
	{"rfc5118-via-received-param-with-delim", "4.5: received with brackets", rfc5118_via_received_param_with_delim,
	 "BYE sip:[2001:db8::10] cseq 321\n"
	 "ids SSG9559905523997077@hlau_4100 81x2 bd76ya\n"
	 "parties sip:user@example.com sip:user@example.com\n"
	 "via 2001:db8::9:1 branch=z9hG4bKas3-111\n"
	 "length 0\n"
	 "@request-uri [2001:db8::10]\n"
	 "@via[0] [2001:db8::9:1]\n"
	 "@via-received[0] [2001:db8::9:255]\n"},
};

} // namespace sip_cases

#endif

// SPDX-License-Identifier: GPL-2.0
// Via: RFC 3261 20.42 and 18.2, RFC 3581, RFC 5118 4.5.
#ifndef SIP_EXT_CASES_PARSE_CASES_VIA_H
#define SIP_EXT_CASES_PARSE_CASES_VIA_H

#include "parse_case.h"

namespace sip_cases {

// A message whose only Via field is this, and its view.
#define CASE_OF_VIA(value) CASE_LINE "Via: " value "\r\n" CASE_REST "\r\n"
#define VIEW_OF_VIA(via) VIEW_LINE VIEW_IDS VIEW_PARTIES "via " via "\n"

inline constexpr parse_case via_cases[] = {
	{"via-ipv4", "sent-by is an address", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa"),
	 VIEW_OF_VIA("10.0.0.1 branch=z9hG4bKa") "@via[0] 10.0.0.1\n"},
	{"via-port", "sent-by with a port", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:5061;branch=z9hG4bKa"),
	 VIEW_OF_VIA("10.0.0.1:5061 branch=z9hG4bKa") "@via[0] 10.0.0.1:5061\n"},
	{"via-no-branch", "RFC 2543 had none", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1"),
	 VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1\n"},
	{"via-rport-asked", "RFC 3581 3: rport without a value", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport;branch=b"),
	 VIEW_OF_VIA("10.0.0.1 branch=b rport") "@via[0] 10.0.0.1\n"},
	{"via-rport-equals-nothing", "kamailio rport: an empty value", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport="),
	 VIEW_OF_VIA("10.0.0.1 rport") "@via[0] 10.0.0.1\n"},
	{"via-received-rport", "RFC 3581 4: the way back", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:5060;rport=9988;received=192.0.2.1;branch=b"),
	 VIEW_OF_VIA("10.0.0.1:5060 branch=b rport")
	 "@via[0] 10.0.0.1:5060\n@via-received[0] 192.0.2.1:9988\n"},
	{"via-received-alone", "RFC 3261 18.2.1", CASE_OF_VIA("SIP/2.0/UDP a.example;received=192.0.2.1"),
	 VIEW_OF_VIA("a.example") "@via-received[0] 192.0.2.1\n"},
	{"via-rport-alone", "a port without an address", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport=5060"),
	 VIEW_OF_VIA("10.0.0.1 rport") "@via[0] 10.0.0.1\n@via-received[0] :5060\n"},
	{"via-received-name", "RFC 3261 wants an address: a name is left alone",
	 CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;received=nat.example"),
	 VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1\n"},
	{"via-received-ipv6-bare", "RFC 5118 4.5: as RFC 3261 prints it",
	 CASE_OF_VIA("SIP/2.0/UDP [2001:db8::1];received=2001:db8::2;rport=5062"),
	 VIEW_OF_VIA("2001:db8::1 rport") "@via[0] [2001:db8::1]\n@via-received[0] 2001:db8::2:5062\n"},
	{"via-received-ipv6-brackets", "RFC 5118 4.5: as most write it",
	 CASE_OF_VIA("SIP/2.0/UDP [2001:db8::1];received=[2001:db8::2]"),
	 VIEW_OF_VIA("2001:db8::1") "@via[0] [2001:db8::1]\n@via-received[0] [2001:db8::2]\n"},
	{"via-received-ipv4-brackets", "brackets are for IPv6: not an address",
	 CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;received=[192.0.2.1]"),
	 VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1\n"},
	{"via-maddr", "RFC 3261 18.1.1: a third address", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;maddr=224.0.1.75;ttl=1;branch=b"),
	 VIEW_OF_VIA("10.0.0.1 branch=b") "@via[0] 10.0.0.1\n@via-maddr[0] 224.0.1.75\n"},
	{"via-maddr-name", "a name is not listed", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;maddr=ss1.example"),
	 VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1\n"},
	{"via-maddr-between", "the pair around maddr is still one pair",
	 CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport=9;maddr=10.0.0.2;received=10.0.0.3"),
	 VIEW_OF_VIA("10.0.0.1 rport")
	 "@via[0] 10.0.0.1\n@via-maddr[0] 10.0.0.2\n@via-received[0] 10.0.0.3:9\n"},
	{"via-blanks", "RFC 3261 25.1: LWS around the slashes and the colon",
	 CASE_OF_VIA("SIP / 2.0 / UDP  10.0.0.1 : 5060 ; branch = b ; rport"),
	 VIEW_OF_VIA("10.0.0.1:5060 branch=b rport") "@via[0] 10.0.0.1:5060\n"},
	{"via-any-case", "parameter names are case-insensitive",
	 CASE_OF_VIA("sip/2.0/udp 10.0.0.1;RECEIVED=10.0.0.2;RPort=7;Branch=b;MADDR=10.0.0.3"),
	 VIEW_OF_VIA("10.0.0.1 branch=b rport")
	 "@via[0] 10.0.0.1\n@via-maddr[0] 10.0.0.3\n@via-received[0] 10.0.0.2:7\n"},
	{"via-tls", "the default port is another", CASE_OF_VIA("SIP/2.0/TLS 10.0.0.1"),
	 VIEW_OF_VIA("10.0.0.1") "@via[0] 10.0.0.1 sips\n"},
	{"via-transports", "RFC 4475 3.1.1.10: any transport", CASE_OF_VIA("SIP/2.0/SCTP 10.0.0.1,SIP/2.0/UNKNOWN 10.0.0.2"),
	 VIEW_OF_VIA("10.0.0.1") "counts vias=2 contacts=0\n@via[0] 10.0.0.1\n@via[1] 10.0.0.2\n"},
	{"via-several-values", "several values in a line, several lines, one count",
	 CASE_LINE "Via: SIP/2.0/UDP 10.0.0.1;branch=b1 , SIP/2.0/TCP 10.0.0.2:7;branch=b2\r\n"
	 CASE_REST "v: SIP/2.0/UDP 10.0.0.3;received=10.0.0.4\r\n\r\n",
	 VIEW_OF_VIA("10.0.0.1 branch=b1") "counts vias=3 contacts=0\n@via[0] 10.0.0.1\n"
	 "@via[1] 10.0.0.2:7\n@via[2] 10.0.0.3\n@via-received[2] 10.0.0.4\n"},
	{"via-quoted-comma", "a comma in a quoted value separates nothing",
	 CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;x=\"a, SIP/2.0/UDP 10.9.9.9\";branch=b"),
	 VIEW_OF_VIA("10.0.0.1 branch=b") "@via[0] 10.0.0.1\n"},
	{"via-quoted-branch", "the value is what the quotes hold", CASE_OF_VIA("SIP/2.0/UDP a.example;branch=\"b\""),
	 VIEW_OF_VIA("a.example branch=b")},
	{"via-empty-parameter", "two semicolons mean no more than one", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;;branch=b;"),
	 VIEW_OF_VIA("10.0.0.1 branch=b") "@via[0] 10.0.0.1\n"},
	{"via-odd-branch", "RFC 4475 3.1.1.2", CASE_OF_VIA("SIP/2.0/UDP a.example;branch=z9hG4bK-.!%66*_+`'~"),
	 VIEW_OF_VIA("a.example branch=z9hG4bK-.!%66*_+`'~")},
	{"via-empty-value", "sofia-sip: commas with nothing between say nothing",
	 CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;branch=b, ,,SIP/2.0/UDP 10.0.0.2,"),
	 VIEW_OF_VIA("10.0.0.1 branch=b") "counts vias=2 contacts=0\n@via[0] 10.0.0.1\n@via[1] 10.0.0.2\n"},
	{"via-parameter-alone", "RFC 4475 3.1.2.1: a value without sent-protocol", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;;,;,,"),
	 "error header\n"},
	{"via-empty", "a Via that says nothing", CASE_OF_VIA(""), "error missing_header\n"},
	{"via-no-host", "sent-protocol alone", CASE_OF_VIA("SIP/2.0/UDP"), "error header\n"},
	{"via-no-transport", "two of three words", CASE_OF_VIA("SIP/2.0 10.0.0.1"), "error header\n"},
	{"via-bare-ipv6", "without brackets the port cannot be told", CASE_OF_VIA("SIP/2.0/UDP 2001:db8::1"),
	 "error header\n"},
	{"via-two-received", "which of them?", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;received=10.0.0.2;received=10.0.0.3"),
	 "error header\n"},
	{"via-two-branches", "which of them?", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;branch=a;branch=b"),
	 "error header\n"},
	{"via-text-behind", "a word behind the value", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1 x"), "error header\n"},
	{"via-port-65535", "the largest port", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:65535"),
	 VIEW_OF_VIA("10.0.0.1:65535") "@via[0] 10.0.0.1:65535\n"},
	{"via-port-65536", "S9", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:65536"), "error number\n"},
	{"via-port-2-32-and-32", "S9", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:4294967328"), "error number\n"},
	{"via-port-empty", "a colon with nothing behind", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:;branch=b"),
	 "error header\n"},
	{"via-rport-65536", "S9", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport=65536"), "error number\n"},
	{"via-rport-word", "a port is a number", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1;rport=yes"), "error header\n"},
	{"via-port-leading-zeros", "1*DIGIT: the digits stay as written", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1:05060"),
	 VIEW_OF_VIA("10.0.0.1:5060") "@via[0] 10.0.0.1:05060\n"},
	{"via-host-with-digits", "a name that starts like an address", CASE_OF_VIA("SIP/2.0/UDP 10.0.0.1.example:5060"),
	 VIEW_OF_VIA("10.0.0.1.example:5060")},
};

} // namespace sip_cases

#endif

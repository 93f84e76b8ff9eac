// SPDX-License-Identifier: GPL-2.0
// URIs and the fields made of them: RFC 3261 19.1, 20.10, 25.1.
#ifndef SIP_EXT_CASES_PARSE_CASES_ADDRESS_H
#define SIP_EXT_CASES_PARSE_CASES_ADDRESS_H

#include "parse_case.h"

namespace sip_cases {

#define CASE_OF_CONTACT(value) CASE_WITH("Contact: " value "\r\n")
#define VIEW_OF_CONTACT(lines) VIEW "counts vias=1 contacts=1\n" lines
#define VIEW_OF_CONTACTS(count, lines) VIEW "counts vias=1 contacts=" count "\n" lines
#define CASE_OF_URI(uri) "INVITE " uri " SIP/2.0\r\n" CASE_VIA CASE_REST "\r\n"
#define VIEW_OF_URI(uri) "INVITE " uri " cseq 1\n" VIEW_DIALOG
#define CASE_OF_TO(value) CASE_LINE CASE_VIA CASE_FROM "To: " value "\r\n" CASE_CALL CASE_CSEQ "\r\n"
#define VIEW_OF_TO(tag, uri) VIEW_LINE "ids c1 f1 " tag "\nparties sip:alice@a.example " uri "\n" VIEW_VIA

inline constexpr parse_case address_cases[] = {
	/* Request-URI */
	{"uri-ipv4", "an address with a port", CASE_OF_URI("sip:bob@10.0.0.1:5062"),
	 VIEW_OF_URI("sip:bob@10.0.0.1:5062") "@request-uri 10.0.0.1:5062 user\n"},
	{"uri-no-user", "a registrar by its address", CASE_OF_URI("sip:10.0.0.1"),
	 VIEW_OF_URI("sip:10.0.0.1") "@request-uri 10.0.0.1\n"},
	{"uri-parameters", "what follows the port is not part of it",
	 CASE_OF_URI("sip:bob@10.0.0.1:5062;transport=udp;lr"),
	 VIEW_OF_URI("sip:bob@10.0.0.1:5062;transport=udp;lr") "@request-uri 10.0.0.1:5062 user udp\n"},
	{"uri-transport", "in any case, between others, and not only first", CASE_OF_URI("sip:10.0.0.1;lr;TransPort=TCP;x=y"),
	 VIEW_OF_URI("sip:10.0.0.1;lr;TransPort=TCP;x=y") "@request-uri 10.0.0.1 tcp\n"},
	{"uri-transport-other", "neither of the two", CASE_OF_URI("sip:10.0.0.1;transport=tcp-x"),
	 VIEW_OF_URI("sip:10.0.0.1;transport=tcp-x") "@request-uri 10.0.0.1 transport\n"},
	{"uri-transport-of-name", "of a host name nobody asks", CASE_OF_URI("sip:b.example;transport=tcp;maddr=10.0.0.1"),
	 VIEW_OF_URI("sip:b.example;transport=tcp;maddr=10.0.0.1") "@uri-maddr 10.0.0.1\n"},
	{"uri-transport-in-header", "of the field, not of the URI", CASE_OF_CONTACT("sip:a@10.0.0.1;transport=tcp"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 user\n")},
	{"uri-sips", "RFC 3261 19.1: the default port is another", CASE_OF_URI("sips:bob@10.0.0.1"),
	 VIEW_OF_URI("sips:bob@10.0.0.1") "@request-uri 10.0.0.1 user sips\n"},
	{"uri-scheme-case", "schemes are case-insensitive", CASE_OF_URI("SIP:bob@10.0.0.1"),
	 VIEW_OF_URI("SIP:bob@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-password", "a colon before the @ is no port", CASE_OF_URI("sip:bob:5061@10.0.0.1"),
	 VIEW_OF_URI("sip:bob:5061@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-odd-user", "RFC 4475 3.1.1.2: ; ? / , & = + $ may stand in a user part",
	 CASE_OF_URI("sip:a;p=10.9.9.9?x=y/,&=+$:pw@10.0.0.1"),
	 VIEW_OF_URI("sip:a;p=10.9.9.9?x=y/,&=+$:pw@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-escaped-at", "RFC 4475 3.1.1.3: an escaped @ divides nothing",
	 CASE_OF_URI("sip:user%40192.0.2.9@10.0.0.1"),
	 VIEW_OF_URI("sip:user%40192.0.2.9@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-two-ats", "an unescaped @ in a user part could be read in two ways",
	 CASE_OF_URI("sip:bob@10.0.0.1@10.0.0.2"), "error start_line\n"},
	{"uri-maddr", "RFC 3261 19.1.1: maddr names a second address", CASE_OF_URI("sip:bob@b.example;maddr=10.0.0.1;lr"),
	 VIEW_OF_URI("sip:bob@b.example;maddr=10.0.0.1;lr") "@uri-maddr 10.0.0.1\n"},
	{"uri-maddr-and-host", "both are addresses", CASE_OF_URI("sip:bob@10.0.0.1:5;MADDR=[2001:db8::1]"),
	 VIEW_OF_URI("sip:bob@10.0.0.1:5;MADDR=[2001:db8::1]")
	 "@request-uri 10.0.0.1:5 user\n@uri-maddr [2001:db8::1]\n"},
	{"uri-maddr-like", "a parameter that ends so is another", CASE_OF_URI("sip:b.example;xmaddr=10.0.0.1;a=maddr=10.0.0.2"),
	 VIEW_OF_URI("sip:b.example;xmaddr=10.0.0.1;a=maddr=10.0.0.2")},
	{"uri-headers", "the headers part is never searched", CASE_OF_URI("sip:b.example?Route=%3Csip:10.0.0.1%3E&maddr=10.0.0.2"),
	 VIEW_OF_URI("sip:b.example?Route=%3Csip:10.0.0.1%3E&maddr=10.0.0.2")},
	{"uri-tel", "another scheme is legal and listed nowhere", CASE_OF_URI("tel:+1-201-555-0123"),
	 VIEW_OF_URI("tel:+1-201-555-0123")},
	{"uri-urn", "an emergency call", CASE_OF_URI("urn:service:sos"), VIEW_OF_URI("urn:service:sos")},
	{"uri-http", "an address in another scheme is none of ours", CASE_OF_URI("http://10.0.0.1/x"),
	 VIEW_OF_URI("http://10.0.0.1/x")},
	{"uri-no-scheme", "RFC 4475 archive: not a URI", CASE_OF_URI("bob@10.0.0.1"), "error start_line\n"},
	{"uri-digit-first", "RFC 3986 3.1: a scheme begins with a letter, and a stream is told by that", CASE_OF_URI("8sip:bob@10.0.0.1"),
	 "error start_line\n"},
	{"uri-two-blanks", "RFC 4475 3.1.2.9 and 3.1.2.10", "INVITE   sip:bob@10.0.0.1   SIP/2.0  \r\n" CASE_VIA CASE_REST "\r\n",
	 VIEW_OF_URI("sip:bob@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-in-brackets", "RFC 4475 3.1.2.7: unmistakable", CASE_OF_URI("<sip:bob@10.0.0.1>"),
	 VIEW_OF_URI("sip:bob@10.0.0.1") "@request-uri 10.0.0.1 user\n"},
	{"uri-with-blank", "RFC 4475 3.1.2.8: unmistakable", CASE_OF_URI("sip:bob@10.0.0.1; lr"),
	 VIEW_OF_URI("sip:bob@10.0.0.1; lr") "@request-uri 10.0.0.1 user\n"},
	{"uri-port-zero", "S9: zero is written, and is a number", CASE_OF_URI("sip:bob@10.0.0.1:0"),
	 VIEW_OF_URI("sip:bob@10.0.0.1:0") "@request-uri 10.0.0.1:0 user\n"},
	{"uri-port-65536", "S9", CASE_OF_URI("sip:bob@10.0.0.1:65536"), "error number\n"},
	{"uri-port-word", "a port is a number", CASE_OF_URI("sip:bob@10.0.0.1:sip"), "error start_line\n"},
	{"uri-port-tail", "digits and more", CASE_OF_URI("sip:bob@10.0.0.1:5060x"), "error start_line\n"},

	/* hosts */
	{"host-octet-256", "not an IPv4address, so a name", CASE_OF_CONTACT("<sip:10.0.0.256>"), VIEW_OF_CONTACT("")},
	{"host-five-parts", "so is this", CASE_OF_CONTACT("<sip:10.0.0.1.1>"), VIEW_OF_CONTACT("")},
	{"host-three-parts", "and this", CASE_OF_CONTACT("<sip:1.2.3>"), VIEW_OF_CONTACT("")},
	{"host-final-dot", "a fully qualified name", CASE_OF_CONTACT("<sip:10.0.0.1.>"), VIEW_OF_CONTACT("")},
	{"host-number", "one number is a name", CASE_OF_CONTACT("<sip:167772161>"), VIEW_OF_CONTACT("")},
	{"host-hex", "nor is this an address", CASE_OF_CONTACT("<sip:0x0a.0.0.1>"), VIEW_OF_CONTACT("")},
	{"host-255", "the largest octets", CASE_OF_CONTACT("<sip:255.255.255.255>"),
	 VIEW_OF_CONTACT("@contact 255.255.255.255\n")},
	{"host-four-digits", "an octet has three digits at most", CASE_OF_CONTACT("<sip:10.0.0.0001>"), VIEW_OF_CONTACT("")},
	{"host-underscore", "names in the wild", CASE_OF_CONTACT("<sip:a@my_pbx.local>"), VIEW_OF_CONTACT("")},
	{"host-ipv6", "RFC 3261 IPv6reference", CASE_OF_CONTACT("<sip:a@[2001:db8::10]:5070>"),
	 VIEW_OF_CONTACT("@contact [2001:db8::10]:5070 user\n")},
	{"host-ipv6-full", "eight groups, upper case", CASE_OF_CONTACT("<sip:[2001:0DB8:0:0:0:0:0:00FF]>"),
	 VIEW_OF_CONTACT("@contact [2001:0DB8:0:0:0:0:0:00FF]\n")},
	{"host-ipv6-loopback", "the gap first", CASE_OF_CONTACT("<sip:[::1]>"), VIEW_OF_CONTACT("@contact [::1]\n")},
	{"host-ipv6-any", "the gap alone", CASE_OF_CONTACT("<sip:[::]>"), VIEW_OF_CONTACT("@contact [::]\n")},
	{"host-ipv6-mapped", "RFC 5118 4.9", CASE_OF_CONTACT("<sip:[::ffff:192.0.2.2]>"),
	 VIEW_OF_CONTACT("@contact [::ffff:192.0.2.2]\n")},
	{"host-ipv6-gap-last", "the gap at the end", CASE_OF_CONTACT("<sip:[fe80::]>"), VIEW_OF_CONTACT("@contact [fe80::]\n")},
	{"host-ipv6-two-gaps", "RFC 4291: one gap; not an address", CASE_OF_CONTACT("<sip:[1::2::3]>"), VIEW_OF_CONTACT("")},
	{"host-ipv6-three-colons", "RFC 5118 4.10: not an address", CASE_OF_CONTACT("<sip:[2001:db8:::192.0.2.1]>"), VIEW_OF_CONTACT("")},
	{"host-ipv6-nine-groups", "one too many", CASE_OF_CONTACT("<sip:[1:2:3:4:5:6:7:8:9]>"), VIEW_OF_CONTACT("")},
	{"host-ipv6-seven-groups", "one too few", CASE_OF_CONTACT("<sip:[1:2:3:4:5:6:7]>"), VIEW_OF_CONTACT("")},
	{"host-ipv6-five-digits", "a group has four digits", CASE_OF_CONTACT("<sip:[2001:db8::12345]>"), VIEW_OF_CONTACT("")},
	{"host-ipv6-zone", "zones mean nothing to others: not understood", CASE_OF_CONTACT("<sip:[fe80::1%eth0]>"), "error header\n"},
	{"host-ipv6-open", "no closing bracket", CASE_OF_CONTACT("<sip:[2001:db8::1>"), "error header\n"},
	{"host-ipv4-in-brackets", "brackets are for IPv6", CASE_OF_CONTACT("<sip:[10.0.0.1]>"), VIEW_OF_CONTACT("")},
	{"host-empty", "a user and nothing more", CASE_OF_CONTACT("<sip:alice@>"), "error header\n"},

	/* Contact */
	{"contact-bare", "RFC 3261 20: without brackets the parameters are the header's",
	 CASE_OF_CONTACT("sip:alice@10.0.0.1:5060;expires=60"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1:5060 user expires=60\n")},
	{"contact-uri-expires", "inside of the brackets it is the URI's", CASE_OF_CONTACT("<sip:alice@10.0.0.1;expires=60>"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 user\n")},
	{"contact-star", "RFC 3261 10.2.2", CASE_WITH("Contact: *\r\nExpires: 0\r\n"),
	 VIEW "counts vias=1 contacts=*\nexpires 0\n"},
	{"contact-star-blanks", "with LWS around", CASE_WITH("m:   *  \r\n"), VIEW "counts vias=1 contacts=*\n"},
	{"contact-empty", "a list of none", CASE_WITH("Contact: \r\n"), VIEW},
	{"contact-several", "R1: several values in one line, each with its expiry",
	 CASE_OF_CONTACT("<sip:a@10.0.0.1>;expires=60,\"B, <b>\" <sip:b@10.0.0.2:5062>;q=0.5;expires=0, sip:c@c.example"),
	 VIEW_OF_CONTACTS("3", "@contact 10.0.0.1 user expires=60\n@contact 10.0.0.2:5062 user expires=0\n")},
	{"contact-several-lines", "and in several lines", CASE_WITH("Contact: <sip:10.0.0.1>\r\nm: sip:10.0.0.2\r\n"),
	 VIEW_OF_CONTACTS("2", "@contact 10.0.0.1\n@contact 10.0.0.2\n")},
	{"contact-quoted-comma", "R1: a comma in a quoted parameter",
	 CASE_OF_CONTACT("<sip:10.0.0.1>;+sip.instance=\"<urn:uuid:a,b>\";methods=\"INVITE, <sip:10.9.9.9>\";expires=7"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 expires=7\n")},
	{"contact-quoted-escape", "RFC 3261 25.1 quoted-pair", CASE_OF_CONTACT("\"a\\\"<sip:10.9.9.9>\\\\\" <sip:10.0.0.1>"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1\n")},
	{"contact-open-quote", "RFC 4475 3.1.2.6", CASE_OF_CONTACT("\"a <sip:10.0.0.1>"), "error header\n"},
	{"contact-open-quote-parameter", "the quote never ends", CASE_OF_CONTACT("<sip:10.0.0.1>;x=\"a, b"), "error header\n"},
	{"contact-token-name", "RFC 4475 3.1.1.6: no blank before the bracket", CASE_OF_CONTACT("Alice Bob<sip:10.0.0.1>"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1\n")},
	{"contact-at-in-name", "seen in the wild: an address as display name", CASE_OF_CONTACT("sip:x@10.9.9.9 <sip:10.0.0.1>"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1\n")},
	{"contact-blanks-in-brackets", "RFC 4475 3.1.2.14", CASE_OF_CONTACT("< sip:10.0.0.1 >"), VIEW_OF_CONTACT("@contact 10.0.0.1\n")},
	{"contact-expires-quoted", "the value is what the quotes hold", CASE_OF_CONTACT("<sip:10.0.0.1>;expires=\"60\""),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 expires=60\n")},
	{"contact-expires-malformed", "RFC 3261 20.10: 3600", CASE_OF_CONTACT("<sip:10.0.0.1>;expires=soon"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 expires=3600\n")},
	{"contact-expires-2-32-and-32", "S9: 3600, and not 32", CASE_OF_CONTACT("<sip:10.0.0.1>;expires=4294967328"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 expires=3600\n")},
	{"contact-expires-no-value", "a name alone says nothing", CASE_OF_CONTACT("<sip:10.0.0.1>;expires"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1\n")},
	{"contact-expires-any-case", "parameter names are case-insensitive", CASE_OF_CONTACT("<sip:10.0.0.1> ; Expires = 9"),
	 VIEW_OF_CONTACT("@contact 10.0.0.1 expires=9\n")},
	{"contact-empty-values", "sofia-sip: an empty value is no value", CASE_OF_CONTACT(",<sip:10.0.0.1>,\r\n\t,<sip:10.0.0.2> ,"),
	 VIEW_OF_CONTACTS("2", "@contact 10.0.0.1\n@contact 10.0.0.2\n")},
	{"contact-text-behind", "a word behind the bracket", CASE_OF_CONTACT("<sip:10.0.0.1> x"), "error header\n"},
	{"contact-open-bracket", "the bracket never closes", CASE_OF_CONTACT("<sip:10.0.0.1"), "error header\n"},
	{"contact-other-scheme", "counted and not listed", CASE_OF_CONTACT("<mailto:a@10.0.0.1>, <tel:+1234>"),
	 VIEW_OF_CONTACTS("2", "")},
	{"contact-no-scheme", "not a URI", CASE_OF_CONTACT("<10.0.0.1>"), "error header\n"},

	/* From and To */
	{"to-bare", "the tag is the header's", CASE_OF_TO("sip:bob@b.example;tag=t1"), VIEW_OF_TO("t1", "sip:bob@b.example")},
	{"to-uri-parameter", "in brackets a tag is the URI's", CASE_OF_TO("<sip:bob@b.example;tag=x>"),
	 VIEW_OF_TO("-", "sip:bob@b.example;tag=x")},
	{"to-ipv4", "an identity by address", CASE_OF_TO("\"Bob\" <sip:bob@10.0.0.1>;tag=t1"),
	 VIEW_OF_TO("t1", "sip:bob@10.0.0.1") "@to 10.0.0.1 user\n"},
	{"to-empty-tag", "kamailio pingtel: an empty tag is none", CASE_OF_TO("sip:bob@b.example;tag="),
	 VIEW_OF_TO("-", "sip:bob@b.example")},
	{"to-caret-tag", "kamailio pingtel: not a token, but whole", CASE_OF_TO("sip:bob@b.example;tag=7^"),
	 VIEW_OF_TO("7^", "sip:bob@b.example")},
	{"to-comma-in-name", "RFC 4475 3.1.2.15: To has one value only", CASE_OF_TO("Watson, Thomas <sip:bob@10.0.0.1>"),
	 VIEW_OF_TO("-", "sip:bob@10.0.0.1") "@to 10.0.0.1 user\n"},
	{"to-two-values", "one too many", CASE_OF_TO("<sip:bob@b.example>, <sip:c@c.example>"), "error header\n"},
	{"to-no-scheme", "RFC 3261 23.4 prints Bob <bob@biloxi.com>", CASE_OF_TO("Bob <bob@b.example>;tag=t1"), VIEW_OF_TO("t1", "bob@b.example")},
	{"to-no-scheme-address", "but where an address stands, the URI must be one", CASE_OF_TO("Bob <bob@10.0.0.1>"), "error header\n"},
	{"to-no-scheme-port", "nor is it guessed what follows the name", CASE_OF_TO("Bob <bob@b.example:5060>"), "error header\n"},
	{"to-escaped-quotes", "Nero SIPPS writes its quotes so", CASE_OF_TO("\\\"Bob\\\" <sip:bob@10.0.0.1>;tag=t1"),
	 VIEW_OF_TO("t1", "sip:bob@10.0.0.1") "@to 10.0.0.1 user\n"},
	{"to-open-quote", "RFC 4475 3.1.2.6", CASE_OF_TO("\"Mr. J. User <sip:bob@b.example>"), "error header\n"},
	{"to-empty", "To must say something", CASE_OF_TO(""), "error header\n"},
	{"to-empty-brackets", "nor is this a URI", CASE_OF_TO("<>"), "error header\n"},
	{"to-http", "RFC 4475 3.3.4: any scheme", CASE_OF_TO("<http://www.example.com>"), VIEW_OF_TO("-", "http://www.example.com")},
	{"to-opaque", "RFC 4475 3.3.4", CASE_OF_TO("isbn:2983792873"), VIEW_OF_TO("-", "isbn:2983792873")},

	/* the other fields of the address map */
	{"routes", "Route, Record-Route, Path, Service-Route: lists with lr",
	 CASE_WITH("Record-Route: <sip:10.0.0.1;lr>,<sip:p@10.0.0.2:7;lr;maddr=10.0.0.3>\r\nRoute: <sip:10.0.0.4:5062;lr>\r\n"
		   "Path: <sip:10.0.0.5;lr;ob>\r\nService-Route: <sip:10.0.0.6;lr>\r\nRoute: <sip:b.example;lr>\r\n"),
	 VIEW "@record-route 10.0.0.1\n@record-route 10.0.0.2:7 user\n@uri-maddr 10.0.0.3\n@route 10.0.0.4:5062\n"
	 "@path 10.0.0.5\n@service-route 10.0.0.6\n"},
	{"identities", "RFC 3325, RFC 5806, RFC 7044 and the Remote-Party-ID draft",
	 CASE_WITH("P-Asserted-Identity: \"A\" <sip:a@10.0.0.1>, <tel:+1234>\r\nP-Preferred-Identity: <sip:a@10.0.0.2>\r\n"
		   "Remote-Party-ID: \"A\" <sip:a@10.0.0.3>;party=calling;privacy=off\r\n"
		   "Diversion: <sip:d@10.0.0.4>;reason=unconditional, <sip:e@e.example>\r\n"
		   "History-Info: <sip:h@10.0.0.5?Reason=SIP%3Bcause%3D302>;index=1, <sip:i@10.0.0.6>;index=1.1\r\n"
		   "Reply-To: <sip:r@10.0.0.7>\r\nReferred-By: <sip:b@10.0.0.8>;cid=\"1@10.9.9.9\"\r\n"),
	 VIEW "@p-asserted-identity 10.0.0.1 user\n@p-preferred-identity 10.0.0.2 user\n@remote-party-id 10.0.0.3 user\n"
	 "@diversion 10.0.0.4 user\n@history-info 10.0.0.5 user\n@history-info 10.0.0.6 user\n@reply-to 10.0.0.7 user\n"
	 "@referred-by 10.0.0.8 user\n"},
	{"history-info-raw-reason", "an unescaped Reason in the headers part is not searched",
	 CASE_WITH("History-Info: <sip:h@10.0.0.1?Reason=SIP;cause=302;text=\"a, sip:10.9.9.9\">;index=1\r\n"),
	 VIEW "@history-info 10.0.0.1 user\n"},
	{"refer-to-replaces", "RFC 3891: the dialog in the headers part stays as it is",
	 CASE_WITH("Refer-To: <sip:c@10.0.0.1:5062?Replaces=x%4010.9.9.9%3Bto-tag%3D1&Require=replaces>\r\n"),
	 VIEW "@refer-to 10.0.0.1:5062 user\n"},
	{"never-listed", "Call-ID, credentials, Identity and the like hold no address of ours",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO "Call-ID: c1@10.0.0.1\r\n" CASE_CSEQ
	 "Authorization: Digest username=\"a\", uri=\"sip:10.0.0.1\", realm=\"10.0.0.1\"\r\n"
	 "Proxy-Authorization: Digest uri=\"sip:10.0.0.1\"\r\nUser-Agent: sip:10.0.0.1\r\nP-Associated-URI: <sip:10.0.0.1>\r\n"
	 "Identity-Info: <http://10.0.0.1>\r\nWarning: 399 10.0.0.1 \"x\"\r\n\r\n",
	 VIEW_LINE "ids c1@10.0.0.1 f1 -\n" VIEW_PARTIES VIEW_VIA},
};

} // namespace sip_cases

#endif

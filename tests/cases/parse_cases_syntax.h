// SPDX-License-Identifier: GPL-2.0
// Start lines, line ends, folding, header names, numbers, what a message must have.
#ifndef SIP_EXT_CASES_PARSE_CASES_SYNTAX_H
#define SIP_EXT_CASES_PARSE_CASES_SYNTAX_H

#include "parse_case.h"

namespace sip_cases {

#define CASE_16 "ABCDEFGHIJKLMNOP"

inline constexpr parse_case syntax_cases[] = {
	/* not SIP at all */
	{"empty", "an empty datagram is nothing", "", "error not_sip\n"},
	{"crlf-keep-alive", "RFC 5626 4.4.1: two line ends are a keep-alive, not a message",
	 "\r\n\r\n", "error not_sip\n"},
	{"nul-keep-alive", "some phones send a few NULs to keep a mapping", text_view("\0\0\0\0", 4),
	 "error not_sip\n"},
	{"stun", "RFC 8489: a binding request on the SIP port",
	 text_view("\x00\x01\x00\x00\x21\x12\xa4\x42SIP/2.0\r\n", 17), "error not_sip\n"},
	{"rtp", "RTP that strays to the port", text_view("\x80\x00\x12\x34SIP/2.0\r\n\r\n", 15),
	 "error not_sip\n"},
	{"http", "RFC 9112: another protocol with the same look", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	 "error not_sip\n"},
	{"http-post-with-sip", "S1: SIP text behind a line of HTTP is body",
	 "POST /x HTTP/1.1\r\nREGISTER sip:a SIP/2.0\r\n\r\n", "error not_sip\n"},
	{"http-answer", "a status line of another protocol", "HTTP/1.1 200 OK\r\n\r\n", "error not_sip\n"},
	{"no-version", "RFC 4475 archive: a request line without SIP-Version",
	 "INVITE sip:alan@jasomi.com\r\n" CASE_VIA CASE_REST "\r\n", "error not_sip\n"},
	{"method-alone", "one word", "INVITE", "error not_sip\n"},
	{"line-without-end", "the line end of the start line never comes",
	 "INVITE sip:bob@b.example SIP/2.0", "error not_sip\n"},
	{"text-without-line", "prose with a colon", "hello: world and nothing else", "error not_sip\n"},

	/* start lines */
	{"request", "the message that the other cases vary", CASE_WITH(""), VIEW},
	{"response", "RFC 3261 7.2",
	 "SIP/2.0 180 Ringing\r\n" CASE_VIA CASE_FROM "To: <sip:bob@b.example>;tag=t1\r\n" CASE_CALL
	 CASE_CSEQ "\r\n",
	 "180 INVITE cseq 1\nids c1 f1 t1\n" VIEW_PARTIES VIEW_VIA},
	{"lower-case-version", "RFC 3261 7.1: SIP-Version is case-insensitive",
	 "INVITE sip:bob@b.example sip/2.0\r\n" CASE_VIA CASE_REST "\r\n", VIEW},
	{"lower-case-status-version", "the same in a status line",
	 "sip/2.0 200 ok\r\n" CASE_VIA CASE_REST "\r\n", "200 INVITE cseq 1\n" VIEW_DIALOG},
	{"lower-case-method", "methods are case-sensitive: this is one we do not know",
	 "invite sip:bob@b.example SIP/2.0\r\n" CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: 1 invite\r\n\r\n",
	 "?invite sip:bob@b.example cseq 1\n" VIEW_DIALOG},
	{"method-of-48-letters", "a method is any token (RFC 3261 25.1)",
	 CASE_16 CASE_16 CASE_16 " sip:bob@b.example SIP/2.0\r\n" CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 1 " CASE_16 CASE_16 CASE_16 "\r\n\r\n",
	 "?" CASE_16 CASE_16 CASE_16 " sip:bob@b.example cseq 1\n" VIEW_DIALOG},
	{"method-of-49-letters", "but nobody calls one so", CASE_16 CASE_16 CASE_16 "P"
	 " sip:bob@b.example SIP/2.0\r\n" CASE_VIA CASE_REST "\r\n", "error not_sip\n"},
	{"sip-version-three", "SIP of a version we do not know is not passed off as another protocol",
	 "INVITE sip:bob@b.example SIP/3.0\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"status-version-three", "the same in a status line",
	 "SIP/3.0 200 OK\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"version-with-tail", "kamailio bad_via2: the version is not at the end of its word",
	 "INVITE sip:x@y.z SIP/2.0/UDP\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"tabs-in-request-line", "a TAB cannot be anything but a separator",
	 "INVITE\tsip:bob@b.example\tSIP/2.0\r\n" CASE_VIA CASE_REST "\r\n", VIEW},
	{"folded-start-line", "a start line cannot be continued",
	 "INVITE sip:bob@b.example SIP/2.0\r\n ;x\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"empty-request-uri", "no URI between method and version",
	 "INVITE SIP/2.0\r\n" CASE_VIA CASE_REST "\r\n", "error not_sip\n"},
	{"scheme-alone", "a SIP URI without a host", "INVITE sip: SIP/2.0\r\n" CASE_VIA CASE_REST "\r\n",
	 "error start_line\n"},
	{"no-reason", "RFC 4475 3.1.1.13: an empty reason phrase, here without its blank",
	 "SIP/2.0 100\r\n" CASE_VIA CASE_REST "\r\n", "100 INVITE cseq 1\n" VIEW_DIALOG},
	{"two-digit-status", "a status code has three digits",
	 "SIP/2.0 20 OK\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"four-digit-status", "a status code has three digits",
	 "SIP/2.0 2000 OK\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},
	{"status-zero", "below the first class", "SIP/2.0 099 OK\r\n" CASE_VIA CASE_REST "\r\n",
	 "error start_line\n"},
	{"status-seven-hundred", "above the last class", "SIP/2.0 700 OK\r\n" CASE_VIA CASE_REST "\r\n",
	 "error start_line\n"},
	{"status-glued-reason", "no blank between code and reason",
	 "SIP/2.0 200OK\r\n" CASE_VIA CASE_REST "\r\n", "error start_line\n"},

	/* line ends */
	{"leading-crlf", "RFC 3261 7.5: line ends before a message", "\r\n\r\n" CASE_WITH(""),
	 VIEW "start 4\n"},
	{"leading-lf", "the same by a sender of bare LF", "\n\n\n" CASE_WITH(""), VIEW "start 3\n"},
	{"lf-only", "R20: bare LF as line end throughout",
	 "INVITE sip:bob@b.example SIP/2.0\nVia: SIP/2.0/UDP a.example;branch=z9hG4bKa\n"
	 "From: <sip:alice@a.example>;tag=f1\nTo: <sip:bob@b.example>\nCall-ID: c1\nCSeq: 1 INVITE\n\n", VIEW},
	{"mixed-line-ends", "CR LF and LF in one message",
	 "INVITE sip:bob@b.example SIP/2.0\nVia: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\n"
	 "From: <sip:alice@a.example>;tag=f1\nTo: <sip:bob@b.example>\r\nCall-ID: c1\nCSeq: 1 INVITE\r\n\n", VIEW},
	{"stray-cr", "kamailio sg: CR CR LF is a line end with a blank before it",
	 CASE_LINE CASE_VIA "From: <sip:alice@a.example>;tag=f1\r\r\nTo: <sip:bob@b.example>\r\r\n"
	 CASE_CALL CASE_CSEQ "\r\n", VIEW},
	{"no-empty-line", "RFC 4475 3.1.2.15 ends so: all fields are there in full",
	 CASE_LINE CASE_VIA CASE_REST, VIEW},
	{"cut-in-a-field", "the last field has lost its end: so may its value have",
	 CASE_LINE CASE_VIA CASE_REST "Contact: <sip:alice@10.0.0.1>", "error length\n"},
	{"cut-after-cr", "half a line end is none", CASE_LINE CASE_VIA CASE_REST "\r",
	 "error length\n"},
	{"nul-in-unknown-field", "bytes of a field that is passed over do not matter",
	 text_view(CASE_WITH("X: a\0b\xff\r\n")), VIEW},

	/* folding */
	{"fold-everywhere", "RFC 3261 7.3.1: a value goes on in lines that start with a blank",
	 CASE_LINE "Via:\r\n SIP/2.0/UDP\r\n\ta.example\r\n ;branch\r\n =\r\n z9hG4bKa\r\n"
	 "From:\r\n <sip:alice@a.example>\r\n ;\r\n tag\r\n =\r\n f1\r\n"
	 "To:\r\n <sip:bob@b.example>\r\nCall-ID:\r\n c1\r\nCSeq:\r\n 1\r\n INVITE\r\n"
	 "Content-Length:\r\n 0\r\n\r\n", VIEW "length 0\n"},
	{"fold-contact", "the address stands in the continuation",
	 CASE_WITH("Contact:\r\n  \"Alice\"\r\n <sip:alice@10.0.0.1:5062>\r\n\t;expires=60\r\n"),
	 VIEW "counts vias=1 contacts=1\n@contact 10.0.0.1:5062 user expires=60\n"},
	{"fold-lf", "folding by a sender of bare LF", CASE_WITH("Contact:\n <sip:10.0.0.1>\n ;q=1\n"),
	 VIEW "counts vias=1 contacts=1\n@contact 10.0.0.1\n"},
	{"fold-blank-line", "a line of blanks continues, it does not end the header",
	 CASE_WITH("Subject: x\r\n \r\nContact: <sip:10.0.0.1>\r\n"),
	 VIEW "counts vias=1 contacts=1\n@contact 10.0.0.1\n"},
	{"fold-unknown-field", "the continuation of an unknown field is not read as a field",
	 CASE_WITH("Subject: x\r\n Contact: <sip:10.0.0.1>\r\n"), VIEW},
	{"fold-in-quotes", "LWS may stand in a quoted string",
	 CASE_WITH("Contact: \"Al\r\n ice\" <sip:10.0.0.1>\r\n"),
	 VIEW "counts vias=1 contacts=1\n@contact 10.0.0.1\n"},

	/* names */
	{"compact-names", "RFC 3261 7.3.3, RFC 3515, RFC 3892, RFC 4028",
	 CASE_LINE "v: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\nf: <sip:alice@a.example>;tag=f1\r\n"
	 "t: <sip:bob@b.example>\r\ni: c1\r\nCSeq: 1 INVITE\r\nm: <sip:alice@10.0.0.1>\r\n"
	 "r: <sip:r@10.0.0.2>\r\nb: <sip:b@10.0.0.3>\r\nx: 1800;refresher=uac\r\n"
	 "c: application/sdp\r\nl: 5\r\n\r\nv=0\r\n",
	 VIEW "counts vias=1 contacts=1\nlength 5\nsession-expires 1800\nbody v=0\n"
	 "@contact 10.0.0.1 user\n@refer-to 10.0.0.2 user\n@referred-by 10.0.0.3 user\n"
	 "+sdp o=- c=- streams=0\n"},
	{"compact-encoding", "e is Content-Encoding",
	 CASE_WITH("c: application/sdp\r\ne: gzip\r\n") "v=0\r\n", VIEW "encoded\nbody v=0\n"},
	{"compact-of-others", "k s u o a d j y n are fields of others and hold no address of ours",
	 CASE_WITH("k: 100rel\r\ns: <sip:10.0.0.1>\r\nu: x\r\no: <sip:10.0.0.1>\r\na: <sip:10.0.0.1>\r\n"
		   "d: x\r\nj: x\r\ny: x\r\nn: <http://10.0.0.1>\r\n"), VIEW},
	{"names-in-any-case", "RFC 3261 7.3.1",
	 CASE_LINE "vIA: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\nFROM: <sip:alice@a.example>;tag=f1\r\n"
	 "to: <sip:bob@b.example>\r\ncALL-iD: c1\r\ncseq: 1 INVITE\r\nCONTACT: <sip:10.0.0.1>\r\n\r\n",
	 VIEW "counts vias=1 contacts=1\n@contact 10.0.0.1\n"},
	{"blank-before-colon", "HCOLON: blanks on both sides of the colon",
	 CASE_WITH("Contact \t : <sip:10.0.0.1>\r\nl\t:0\r\n"),
	 VIEW "counts vias=1 contacts=1\nlength 0\n@contact 10.0.0.1\n"},
	{"no-blank-after-colon", "none is needed", CASE_WITH("Contact:<sip:10.0.0.1>\r\nl:0\r\n"),
	 VIEW "counts vias=1 contacts=1\nlength 0\n@contact 10.0.0.1\n"},
	{"longer-name", "a name that begins like one of ours is another",
	 CASE_WITH("Contacts: <sip:10.0.0.1>\r\nRoute-Set: <sip:10.0.0.1>\r\nVias: x\r\nFromm: x\r\n"
		   "Content-Lengths: 99\r\nP-Asserted-Identity-X: <sip:10.0.0.1>\r\n"), VIEW},
	{"cr-for-a-dash", "a byte that folds to '-' by its case bit is not one",
	 CASE_WITH("Call\rID: c2\r\nContent\rLength: 99\r\n"), VIEW},
	{"line-without-colon", "kamailio rport: a line that is no field is none of ours",
	 CASE_WITH("text/plain\r\nFoobar roobar\r\n: x\r\n"), VIEW},
	{"unknown-fields", "RFC 4475 3.1.1.1: any bytes in a field that is passed over",
	 CASE_WITH("UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nX-\x01: \"\r\nWarning: 399 10.0.0.1 \"x\"\r\n"), VIEW},

	/* what must be there */
	{"no-via", "RFC 3261 8.1.1", CASE_LINE CASE_REST "\r\n", "error missing_header\n"},
	{"no-from", "RFC 3261 8.1.1", CASE_LINE CASE_VIA CASE_TO CASE_CALL CASE_CSEQ "\r\n",
	 "error missing_header\n"},
	{"no-to", "RFC 3261 8.1.1", CASE_LINE CASE_VIA CASE_FROM CASE_CALL CASE_CSEQ "\r\n",
	 "error missing_header\n"},
	{"no-call-id", "RFC 3261 8.1.1", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CSEQ "\r\n",
	 "error missing_header\n"},
	{"no-cseq", "RFC 3261 8.1.1", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "\r\n",
	 "error missing_header\n"},
	{"start-line-alone", "not one field", CASE_LINE "\r\n", "error missing_header\n"},
	{"two-call-ids", "RFC 4475 3.3.8: which of them names the call?", CASE_WITH("i: c2\r\n"),
	 "error header\n"},
	{"two-from", "RFC 4475 3.3.8", CASE_WITH("f: <sip:x@x.example>\r\n"), "error header\n"},
	{"two-cseq", "RFC 4475 3.3.8", CASE_WITH("CSeq: 1 INVITE\r\n"), "error header\n"},
	{"two-content-types", "which of them is the body?",
	 CASE_WITH("Content-Type: application/sdp\r\nc: text/plain\r\n") "v=0\r\n", "error header\n"},
	{"empty-call-id", "a field that must say something", CASE_LINE CASE_VIA CASE_FROM CASE_TO
	 "Call-ID: \r\n" CASE_CSEQ "\r\n", "error header\n"},
	{"call-id-of-two-words", "RFC 3261 20.8: one word", CASE_LINE CASE_VIA CASE_FROM CASE_TO
	 "Call-ID: c1 c2\r\n" CASE_CSEQ "\r\n", "error header\n"},
	{"odd-call-id", "every byte that a word may hold, quotes and brackets too",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO "i: w%ZK-!.*_+'@w`~)(><:\\/\"][?}{\r\n" CASE_CSEQ "\r\n",
	 VIEW_LINE "ids w%ZK-!.*_+'@w`~)(><:\\/\"][?}{ f1 -\n" VIEW_PARTIES VIEW_VIA},

	/* CSeq */
	{"cseq-zero", "zero is a number", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 0 INVITE\r\n\r\n", "INVITE sip:bob@b.example cseq 0\n" VIEW_DIALOG},
	{"cseq-leading-zeros", "1*DIGIT", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 00000000000000000000000007 INVITE\r\n\r\n", "INVITE sip:bob@b.example cseq 7\n" VIEW_DIALOG},
	{"cseq-2-31", "RFC 3261 8.1.1.5 ends below 2^31, senders do not",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: 2147483648 INVITE\r\n\r\n",
	 "INVITE sip:bob@b.example cseq 2147483648\n" VIEW_DIALOG},
	{"cseq-2-32-less-1", "the largest 32-bit number",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: 4294967295 INVITE\r\n\r\n",
	 "INVITE sip:bob@b.example cseq 4294967295\n" VIEW_DIALOG},
	{"cseq-2-32", "S9: would be zero if it wrapped",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: 4294967296 INVITE\r\n\r\n", "error number\n"},
	{"cseq-40-digits", "S9", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 1111111111222222222233333333334444444444 INVITE\r\n\r\n", "error number\n"},
	{"cseq-signed", "a sign is not a digit", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: +1 INVITE\r\n\r\n", "error number\n"},
	{"cseq-without-method", "half of the field", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 1\r\n\r\n", "error header\n"},
	{"cseq-glued", "LWS must stand between", CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL
	 "CSeq: 1INVITE\r\n\r\n", "error header\n"},
	{"cseq-of-another-method", "RFC 4475 3.1.2.17: the parser says both and decides nothing",
	 CASE_LINE CASE_VIA CASE_FROM CASE_TO CASE_CALL "CSeq: 1 BYE\r\n\r\n",
	 VIEW_LINE "cseq-method BYE\n" VIEW_DIALOG},

	/* Content-Length */
	{"length-cuts", "RFC 3261 18.3: bytes behind the message belong to nobody",
	 CASE_WITH("l: 3\r\n") "abcdef", VIEW "length 3\nbody abc\nrest 3\n"},
	{"length-absent", "RFC 3261 18.3: over UDP the body goes to the end", CASE_WITH("") "abcdef",
	 VIEW "body abcdef\n"},
	{"length-too-large", "RFC 4475 3.1.2.2", CASE_WITH("l: 7\r\n") "abcdef", "error length\n"},
	{"length-65536", "S9: would be zero in 16 bits", CASE_WITH("l: 65536\r\n"), "error length\n"},
	{"length-2-31", "S9", CASE_WITH("l: 2147483648\r\n"), "error length\n"},
	{"length-2-32-and-32", "S9: would be 32 if it wrapped", CASE_WITH("l: 4294967328\r\n")
	 "12345678901234567890123456789012", "error number\n"},
	{"length-40-digits", "S9", CASE_WITH("l: 1111111111222222222233333333334444444444\r\n"),
	 "error number\n"},
	{"length-negative", "RFC 4475 3.1.2.3", CASE_WITH("l: -1\r\n"), "error number\n"},
	{"length-empty", "no number at all", CASE_WITH("l:\r\n"), "error number\n"},
	{"length-with-unit", "a number and more", CASE_WITH("l: 3 bytes\r\n") "abc", "error number\n"},
	{"length-leading-zeros", "1*DIGIT", CASE_WITH("l: 0000000000000003\r\n") "abc",
	 VIEW "length 3\nbody abc\n"},
	{"length-twice", "RFC 4475 3.3.9: 13 and 5", CASE_WITH("l: 3\r\nContent-Length: 2\r\n") "abc",
	 "error length\n"},
	{"length-twice-equal", "two places to keep true: neither is touched",
	 CASE_WITH("l: 3\r\nContent-Length: 3\r\n") "abc", "error length\n"},

	/* Expires and Session-Expires */
	{"expires", "RFC 3261 20.19", CASE_WITH("Expires: 3600\r\n"), VIEW "expires 3600\n"},
	{"expires-zero", "R1: zero ends a registration", CASE_WITH("Expires: 0\r\n"), VIEW "expires 0\n"},
	{"expires-2-32-less-1", "the largest there is", CASE_WITH("Expires: 4294967295\r\n"),
	 VIEW "expires 4294967295\n"},
	{"expires-2-32-and-32", "RFC 3261 20.19: malformed is 3600, and does not wrap",
	 CASE_WITH("Expires: 4294967328\r\n"), VIEW "expires 3600\n"},
	{"expires-date", "RFC 2543 dates are malformed now",
	 CASE_WITH("Expires: Thu, 01 Dec 1994 16:00:00 GMT\r\n"), VIEW "expires 3600\n"},
	{"session-expires", "RFC 4028 4", CASE_WITH("Session-Expires: 90 ; refresher=uas\r\n"),
	 VIEW "session-expires 90\n"},
	{"session-expires-40-digits", "S9: what is malformed says nothing",
	 CASE_WITH("x: 1111111111222222222233333333334444444444\r\n"), VIEW},
};

} // namespace sip_cases

#endif

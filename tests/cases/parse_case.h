// SPDX-License-Identifier: GPL-2.0
// One case of the parser, and the pieces that most messages of the tables are made of.
#ifndef SIP_EXT_CASES_PARSE_CASE_H
#define SIP_EXT_CASES_PARSE_CASE_H

#include "../../sip_types.h"

namespace sip_cases {

using sip::text_view;

// `expected` is what dump_view() writes, or "error <name of the parse_error>\n".
struct parse_case {
	text_view name;
	text_view why;
	text_view message;
	text_view expected;
};

// The message that most cases vary: a request of which nothing is listed.
#define CASE_LINE "INVITE sip:bob@b.example SIP/2.0\r\n"
#define CASE_VIA "Via: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\n"
#define CASE_FROM "From: <sip:alice@a.example>;tag=f1\r\n"
#define CASE_TO "To: <sip:bob@b.example>\r\n"
#define CASE_CALL "Call-ID: c1\r\n"
#define CASE_CSEQ "CSeq: 1 INVITE\r\n"
#define CASE_REST CASE_FROM CASE_TO CASE_CALL CASE_CSEQ
// The message with more header fields, and the same with an SDP body.
#define CASE_WITH(fields) CASE_LINE CASE_VIA CASE_REST fields "\r\n"
#define CASE_BODY(type, text) CASE_WITH("Content-Type: " type "\r\n") text
#define CASE_SDP(text) CASE_BODY("application/sdp", text)

#define VIEW_LINE "INVITE sip:bob@b.example cseq 1\n"
#define VIEW_IDS "ids c1 f1 -\n"
#define VIEW_PARTIES "parties sip:alice@a.example sip:bob@b.example\n"
#define VIEW_VIA "via a.example branch=z9hG4bKa\n"
#define VIEW_DIALOG VIEW_IDS VIEW_PARTIES VIEW_VIA
#define VIEW VIEW_LINE VIEW_DIALOG
#define VIEW_SDP VIEW "body v=0\n"
#define CASE_V0 "v=0\r\n"

} // namespace sip_cases

#endif

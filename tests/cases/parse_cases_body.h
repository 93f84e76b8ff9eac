// SPDX-License-Identifier: GPL-2.0
// Which bodies are read: by Content-Type alone; multipart bodies (RFC 2046 5.1, RFC 5621).
#ifndef SIP_EXT_CASES_PARSE_CASES_BODY_H
#define SIP_EXT_CASES_PARSE_CASES_BODY_H

#include "parse_case.h"

namespace sip_cases {

#define CASE_MEDIA "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n"
#define CASE_MULTIPART(text) CASE_BODY("multipart/mixed;boundary=b1", text)
#define CASE_PART "--b1\r\nContent-Type: application/sdp\r\n\r\n"
#define CASE_TEXT_PART "--b1\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 10.9.9.9\r\n"
#define VIEW_CONNECTION "@sdp-connection[0] 10.0.0.1\n"
#define VIEW_STREAM "=audio udp rtp 5004 c=0\n"

inline constexpr parse_case body_cases[] = {
	{"body-text", "a body that looks like SDP and is not", CASE_BODY("text/plain", CASE_MEDIA), VIEW_SDP},
	{"body-no-type", "a body without a type is not searched", CASE_WITH("") CASE_MEDIA, VIEW_SDP},
	{"body-sipfrag", "RFC 3420: never", CASE_BODY("message/sipfrag", "SIP/2.0 200 OK\r\nContact: <sip:10.0.0.1>\r\n"), VIEW "body SIP/2.0 200 \n"},
	{"body-sdp-like-type", "sdp-anat and xsdp are other types", CASE_BODY("application/sdpx", CASE_MEDIA), VIEW_SDP},
	{"body-bad-type", "a type that cannot be read is not ours", CASE_BODY("application", CASE_MEDIA), VIEW_SDP},
	{"body-empty-type", "an empty type is not ours", CASE_BODY("", CASE_MEDIA), VIEW_SDP},
	{"body-encoded", "RFC 3261 20.12: a compressed body", CASE_BODY("application/sdp\r\nContent-Encoding: gzip", "\x1f\x8b\x08"),
	 VIEW "encoded\nbody \n"},
	{"body-identity", "RFC 3261 20.12: identity hides nothing", CASE_BODY("application/sdp\r\nContent-Encoding: identity", CASE_MEDIA),
	 VIEW_SDP VIEW_CONNECTION "+sdp o=- c=0 streams=1\n" VIEW_STREAM},
	{"body-transfer-encoded", "base64 SDP is not ours", CASE_BODY("application/sdp\r\nContent-Transfer-Encoding: base64", "dj0w"),
	 VIEW "encoded\nbody dj0w\n"},
	{"body-length-cuts-sdp", "what Content-Length leaves out is not SDP", CASE_WITH("c: application/sdp\r\nl: 5\r\n") CASE_MEDIA,
	 VIEW "length 5\nbody v=0\nrest 43\n+sdp o=- c=- streams=0\n"},
	{"body-length-zero", "no body, whatever follows", CASE_WITH("c: application/sdp\r\nl: 0\r\n") CASE_MEDIA, VIEW "length 0\nrest 48\n"},

	{"multipart-one-part", "SDP in a part, found by the part's type", CASE_MULTIPART(CASE_PART CASE_MEDIA "--b1--\r\n"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-second-part", "text first", CASE_MULTIPART(CASE_TEXT_PART CASE_PART CASE_MEDIA "--b1--\r\n"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-quoted-boundary", "RFC 2046 5.1.1: a boundary with a blank and a colon",
	 CASE_BODY("multipart/mixed; boundary=\"b 1:\"", "--b 1:\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b 1:--"),
	 VIEW "body --b 1:\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-preamble", "RFC 2046 5.1.1: text before and behind the parts is ignored",
	 CASE_MULTIPART("c=IN IP4 10.9.9.9\r\n\r\n" CASE_PART CASE_MEDIA "--b1--\r\nc=IN IP4 10.9.9.9\r\n" CASE_PART CASE_MEDIA),
	 VIEW "body c=IN IP4 10.\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-padding", "RFC 2046 5.1.1: blanks behind a delimiter", CASE_MULTIPART("--b1 \t\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b1-- \r\n"),
	 VIEW "body --b1 \n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-lf", "bare LF", CASE_MULTIPART("--b1\nContent-Type: application/sdp\n\nv=0\nc=IN IP4 10.0.0.1\nm=audio 5004 RTP/AVP 0\n--b1--\n"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=44\n" VIEW_STREAM},
	{"multipart-longer-delimiter", "a line that begins like the delimiter is text",
	 CASE_MULTIPART(CASE_PART "v=0\r\n--b1x\r\n--b\r\n- -b1\r\nc=IN IP4 10.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=65\n" VIEW_STREAM},
	{"multipart-part-length", "a part with a Content-Length of its own", CASE_MULTIPART("--b1\r\nContent-Length: 48\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 part-length=48 length=46\n" VIEW_STREAM},
	{"multipart-part-encoded", "a base64 part is not ours", CASE_MULTIPART("--b1\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: BASE64\r\n\r\ndj0w\r\n" CASE_PART CASE_MEDIA "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-part-binary", "8bit and binary hide nothing", CASE_MULTIPART("--b1\r\nContent-Transfer-Encoding: binary\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-folded-part-type", "part headers fold too", CASE_MULTIPART("--b1\r\nContent-Type:\r\n application/sdp\r\n\r\n" CASE_MEDIA "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-part-without-header", "RFC 2046 5.1: such a part is text", CASE_MULTIPART("--b1\r\n\r\nc=IN IP4 10.9.9.9\r\n" CASE_PART CASE_MEDIA "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-not-closed", "the last part ends with the body", CASE_MULTIPART(CASE_PART CASE_MEDIA),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1\n" VIEW_STREAM},
	{"multipart-alternative", "two offers in one body: two SDP bodies",
	 CASE_BODY("multipart/alternative;boundary=b1", CASE_PART CASE_MEDIA CASE_PART "v=0\r\no=a 1 1 IN IP4 10.0.0.2\r\nc=IN IP4 10.0.0.2\r\nm=audio 0 RTP/AVP 0\r\nm=video 6 RTP/AVP 0\r\n--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "@sdp-origin[1] 10.0.0.2\n@sdp-connection[1] 10.0.0.2\n+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM
	 "+sdp o=1 c=2 streams=2 length=89\n=audio udp rtp 0 c=2\n=video udp rtp 6 c=2\n"},
	{"multipart-nested", "RFC 5621: one multipart inside of another",
	 CASE_MULTIPART(CASE_TEXT_PART "--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b2--\r\n--b1--\r\n"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-nested-prefix", "the inner boundary begins like the outer",
	 CASE_MULTIPART("--b1\r\nContent-Type: multipart/mixed; boundary=b1b\r\n\r\n--b1b\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA "--b1b--\r\n" CASE_TEXT_PART "--b1--"),
	 VIEW "body --b1\n" VIEW_CONNECTION "+sdp o=- c=0 streams=1 length=46\n" VIEW_STREAM},
	{"multipart-nested-deeper", "two levels down is not understood",
	 CASE_MULTIPART("--b1\r\nContent-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\nContent-Type: multipart/mixed; boundary=b3\r\n\r\n--b3\r\n\r\n--b3--\r\n--b2--\r\n--b1--"),
	 "error body\n"},
	{"multipart-signed", "RFC 1847: what is signed is never changed", CASE_BODY("multipart/signed;boundary=b1", CASE_PART CASE_MEDIA "--b1--"), VIEW "body --b1\n"},
	{"multipart-no-boundary", "parts cannot be found", CASE_BODY("multipart/mixed", CASE_PART CASE_MEDIA "--b1--"), "error body\n"},
	{"multipart-other-boundary", "the boundary never comes", CASE_MULTIPART("--b2\r\nContent-Type: application/sdp\r\n\r\n" CASE_MEDIA), "error body\n"},
	{"multipart-long-boundary", "RFC 2046 5.1.1: 70 characters at most",
	 CASE_BODY("multipart/mixed;boundary=12345678901234567890123456789012345678901234567890123456789012345678901", "x"), "error body\n"},
	{"multipart-too-many-sdp", "more SDP bodies than we track", CASE_MULTIPART(CASE_PART "v=0\r\n" CASE_PART "v=0\r\n" CASE_PART "v=0\r\n" CASE_PART "v=0\r\n" CASE_PART "v=0\r\n--b1--"), "error body\n"},
	{"multipart-part-two-types", "which of them is the part?", CASE_MULTIPART("--b1\r\nContent-Type: application/sdp\r\nc: text/plain\r\n\r\n" CASE_MEDIA "--b1--"), "error body\n"},
	{"multipart-part-two-lengths", "two places to keep true", CASE_MULTIPART("--b1\r\nl: 48\r\nContent-Length: 48\r\nc: application/sdp\r\n\r\n" CASE_MEDIA "--b1--"), "error body\n"},
	{"multipart-empty", "a type and no body", CASE_MULTIPART(""), VIEW},
};

} // namespace sip_cases

#endif

// SPDX-License-Identifier: GPL-2.0
// S8: inputs that are made to cost. For userspace alone, unlike the tables beside it.
#ifndef SIP_EXT_CASES_WORST_INPUTS_H
#define SIP_EXT_CASES_WORST_INPUTS_H

#include <string>
#include <vector>

#include "parse_case.h"

namespace sip_cases {

inline std::string repeat(const std::string &text, size_t count)
{
	std::string all;

	all.reserve(text.size() * count);
	for (size_t i = 0; i < count; i++)
		all += text;
	return all;
}

inline std::string with(const std::string &fields)
{
	return CASE_LINE CASE_VIA CASE_REST + fields + "\r\n";
}

inline std::string with_sdp(const std::string &text, const std::string &session = CASE_V0)
{
	return with("Content-Type: application/sdp\r\n") + session + text;
}

inline std::vector<std::string> worst_headers(size_t size)
{
	return {
		repeat("Via:", size / 4),
		repeat("Via: \r\n", size / 7),
		with(repeat("v:", size / 2) + "\r\n"),
		with(repeat("X:\r\n ", size / 5) + "\r\n"),
		with(repeat("Contact :\r\n", size / 11)),
		with("v: " + repeat("SIP/2.0/UDP h,", size / 14) + "SIP/2.0/UDP h\r\n"),
		with("m: " + repeat("<sip:h>,", size / 8) + "<sip:h>\r\n"),
		with("m: " + repeat("sip:h,", size / 6) + "sip:h\r\n"),
		with("m: " + repeat("\"a\"", size / 3) + "<sip:h>\r\n"),
		with("m: " + repeat("\"\\\\", size / 3) + "\r\n"),
		with("m: <sip:h>" + repeat(";", size) + "\r\n"),
		with("m: <sip:h>" + repeat(";x=\"\"", size / 5) + "\r\n"),
		with("m: <sip:h" + repeat(";maddr=", size / 7) + ">\r\n"),
		with("m: <sip:" + repeat("@", size) + ">\r\n"),
		with("m: " + repeat("<", size) + "\r\n"),
		with("m: " + repeat(",", size) + "\r\n"),
		with("m: sip:" + repeat("x", size) + "\r\n"),
		with("Reply-To: " + repeat("\"a\",", size / 4) + "<sip:h>\r\n"),
		with("Reply-To: " + repeat("a,", size / 2) + "\r\n"),
		with("Call-ID: " + repeat("x", size) + "\r\n"),
		with(repeat("c-", size / 2) + "\r\n"),
		with("Contact" + repeat(" ", size) + "\r\n"),
		with(repeat("\r", size) + "\r\n"),
		with("Expires: " + repeat("9", size) + "\r\n"),
		with("m: <sip:h:" + repeat("0", size) + ">\r\n"),
		with("m: <sip:[" + repeat(":", size) + "]>\r\n"),
		with("m: <sip:" + repeat("1.", size / 2) + ">\r\n"),
		repeat("\r\n", size / 2),
		"INVITE " + repeat("x", size),
		"INVITE " + repeat(" ", size) + "\r\n",
		"INVITE " + repeat(" SIP/", size / 5) + "\r\n",
		repeat("x", size),
	};
}

inline std::vector<std::string> worst_sdp(size_t size, const std::string &session)
{
	const auto sdp = [&session](const std::string &text) { return with_sdp(text, session); };

	return {
		sdp(repeat("m=", size / 2)),
		sdp(repeat("m=\r\n", size / 4)),
		sdp(repeat("\n", size)),
		sdp(repeat("a=\n", size / 3)),
		sdp(repeat("c=IN IP4 h\r\n", size / 12)),
		sdp(repeat("o=\r\n", size / 4)),
		sdp("o=" + repeat("a ", size / 2)),
		sdp(repeat("a=candidate:1 1 UDP 1 h 1 typ host\r\n", size / 36)),
		sdp("a=candidate:1 1 UDP 1 h 1 typ host" + repeat(" raddr h", size / 8)),
		sdp("a=group:BUNDLE" + repeat(" " + repeat("a", 499), 60) + "\r\n" +
		    repeat("m=audio 1 RTP/AVP 0\r\na=mid:" + repeat("a", 498) + "b\r\n", 60)),
		sdp("m=audio 1 " + repeat("RTP/", size / 4) + "\r\n"),
	};
}

inline std::vector<std::string> worst_parts(size_t size)
{
	const std::string type = "c: multipart/mixed;boundary=";

	return {
		with(type + "b\r\n") + repeat("--b\r\n", size / 5),
		with(type + "b\r\n") + repeat("--b\r\n\r\n", size / 7),
		with(type + repeat("-", 70) + "\r\n") + repeat("-", 100) + "\r\n" + repeat(repeat("-", 71) + "\r\n", size / 73),
		with(type + "b\r\n") + "--b\r\n" + repeat("c:\r\n", size / 4),
		with(type + "b\r\n") + "--b\r\n" + repeat("--b\r\nc: multipart/mixed;boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n", size / 55),
		with(type + "b\r\n") + repeat("-", size),
	};
}

// All of them, each of about that size; `session` is what each SDP begins with.
inline std::vector<std::string> worst_inputs(size_t size, const std::string &session = CASE_V0)
{
	std::vector<std::string> all = worst_headers(size);

	for (const auto &more : {worst_sdp(size, session), worst_parts(size)})
		all.insert(all.end(), more.begin(), more.end());
	return all;
}

} // namespace sip_cases

#endif

// SPDX-License-Identifier: GPL-2.0
// S9: every number that a message can name, of every size, through the whole helper: the message
// arrives, either as it was or wholly translated, and what it says is not taken for another number.
#include "core_scene.h"

namespace core_test {

namespace {

const char *const numbers[] = {
	"0",
	"1",
	"1023",
	"65535",
	"65536",
	"2147483648",
	"4294967295",
	"4294967296",
	"4294967328",
	"4294972356",
	"18446744073709551616",
	"18446744073709556676",
	"9999999999999999999999999999999999999999",
	"-1",
	"+5",
	"0x10",
	"",
	"005060",
	"0000000000000000000000000000000000005060",
	" 5060",
	"5060x",
};

// Where a number stands: what is written before it and after it.
struct numbered {
	const char *name;
	const char *before;
	const char *after;
};

const numbered places_of_numbers[] = {
	{"Content-Length", "Content-Length: ", "\r\n"},
	{"Via port", ";branch=z9hG4bKa, SIP/2.0/UDP HOST:", ";x\r\n"},
	{"rport", ";rport=", "\r\n"},
	{"Contact port", "<sip:a@HOST:", ">"},
	{"Contact expires", ">;expires=", "\r\n"},
	{"Record-Route port", "Record-Route: <sip:HOST:", ">\r\n"},
	{"Expires", "\r\nExpires: ", "\r\n"},
	{"Session-Expires", "Session-Expires: ", "\r\n"},
	{"Max-Forwards", "Max-Forwards: ", "\r\n"},
	{"CSeq", "CSeq: ", " INVITE\r\n"},
	{"m= port", "m=audio ", " RTP/AVP 0\r\n"},
	{"m= count", "m=video 20002/", " RTP/AVP 0\r\n"},
	{"a=rtcp port", "a=rtcp:", "\r\n"},
	{"candidate port", "a=candidate:1 1 UDP 1 HOST ", " typ host"},
	{"related port", "raddr HOST rport ", "\r\n"},
	{"path port", "a=path:msrp://HOST:", "/s;tcp\r\n"},
};

// What is translated in any case: what lies beyond the message is not, nor candidates and paths
// that name another socket than the m= line.
std::string to_look_at(const std::string &message)
{
	const size_t body = message.find("\r\n\r\n") + 4;
	const std::string length = line_of(message, "Content-Length");
	std::string text = message.substr(0, body),
		    rest = message.substr(body, std::strtoul(length.c_str(), nullptr, 10));
	for (size_t at = 0, stop; at < rest.size(); at = stop) {
		stop = std::min(rest.find('\n', at), rest.size() - 1) + 1;
		const std::string line = rest.substr(at, stop - at);
		if (line.compare(0, 12, "a=candidate:") && line.compare(0, 7, "a=path:"))
			text += line;
	}
	return text;
}

class core_numbers : public core_scene {
protected:
	endpoint phone = map.inside(10, 5060);

	// A message with that number in that place, and with good ones in all others.
	std::string message(const endpoint &who, const numbered *where, const std::string &number)
	{
		const std::string host = uri_host_of(who), bare = host_of(who), in = " IN " + family_of(who) + " ";
		std::string text = "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP " + host +
				   ":5060;branch=z9hG4bKa, SIP/2.0/UDP " + host +
				   ":5070;x\r\nv: SIP/2.0/UDP b.example;rport=1\r\nFrom: "
				   "<sip:a@a.example>;tag=f\r\nTo: <sip:b@b.example>\r\n"
				   "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@" +
				   host + ":5060>;expires=60\r\nRecord-Route: <sip:" + host +
				   ":5060>\r\nExpires: 60\r\nSession-Expires: 90\r\nMax-Forwards: "
				   "70\r\nContent-Type: application/sdp\r\n"
				   "Content-Length: LENGTH\r\n\r\n";
		const std::string sdp = "v=0\r\no=- 1 1" + in + bare + "\r\ns=-\r\nc=" + in.substr(1) + bare +
					"\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"
					"a=rtcp:20001\r\na=candidate:1 1 UDP 1 " +
					bare +
					" 20000 typ host\r\na=candidate:2 1 UDP 1 192.0.2.9 20000 typ "
					"srflx raddr " +
					bare +
					" rport 20000\r\nm=video 20002/1 RTP/AVP 0\r\nm=message 20009 TCP/MSRP *\r\n"
					"a=path:msrp://" +
					host + ":20009/s;tcp\r\n";
		text = with(text + sdp, "LENGTH", std::to_string(sdp.size()));
		return where ? put(text, *where, number, host, bare) : text;
	}

	// False: it is not there, and the case would say nothing.
	std::string put(const std::string &text, const numbered &where, const std::string &number,
			const std::string &host, const std::string &bare)
	{
		const bool sdp = std::string(where.before).find("HOST ") != std::string::npos;
		const std::string before = with(where.before, "HOST", sdp ? bare : host);
		const size_t begin = text.find(before), from = begin + before.size(),
			     end = text.find(where.after, from);
		EXPECT_NE(begin, text.npos) << where.name;
		EXPECT_NE(end, text.npos) << where.name;
		if (begin == text.npos || end == text.npos)
			return text;
		return text.substr(0, from) + number + text.substr(end);
	}
};

FOR_BOTH_FAMILIES(core_numbers);

TEST_P(core_numbers, S9_the_message_with_good_numbers_is_translated)
{
	const std::string plain = message(phone, nullptr, "");
	EXPECT_NE(to_server(phone, plain), plain);
}

TEST_P(core_numbers, S9_any_number_in_any_place_from_inside)
{
	u32 kept = 0, translated = 0;
	for (const numbered &where : places_of_numbers)
		for (const char *number : numbers) {
			const std::string text = message(phone, &where, number);
			const delivery got = gate.send(phone, server, text);
			ASSERT_TRUE(got.arrived_at(server)) << where.name << " " << number;
			const bool whole = leak_in(to_look_at(got.bytes), map).empty();
			(got.bytes == text ? kept : translated)++;
			EXPECT_TRUE(got.bytes == text || whole) << where.name << " " << number << "\n" << got.bytes;
		}
	// of the numbers, a third is one to nobody
	EXPECT_GT(kept, 60u);
	EXPECT_GT(translated, 60u);
	for (const sipx_pinhole &one : gate.expectations())
		EXPECT_TRUE(one.destination.port >= 1024 &&
			    (one.translate != SIPX_TRANSLATE_DESTINATION || one.translated.port >= 1024));
}

TEST_P(core_numbers, S9_any_number_in_any_place_from_outside)
{
	register_phone(phone, "alice", 60);
	for (const numbered &where : places_of_numbers)
		for (const char *number : numbers) {
			const std::string text = message(server, &where, number);
			ASSERT_TRUE(gate.send(server, outer(phone), text).arrived_at(phone))
				<< where.name << " " << number;
		}
}

// Nobody is registered longer than the registrar said, and no number wraps around.
TEST_P(core_numbers, S9_what_a_registrar_grants)
{
	for (const char *number : numbers) {
		dialog d = dialog_of("alice", phone, "sip:alice@example.com");
		const std::string seen = to_server(phone, request(d, "REGISTER", "", {{"Expires", "60"}}));
		reply_parts parts{"far", line_of(seen, "Contact") + ";expires=" + number, "", {}, outer(phone)};
		const delivery got = gate.send(server, outer(phone), respond(seen, 200, parts));
		EXPECT_TRUE(got.arrived_at(phone)) << number;
	}
	gate.advance(10);
	const delivery got = gate.send(server, outer(phone), "\r\n\r\n");
	EXPECT_TRUE(got.arrived_at(phone));
}

} // namespace

} // namespace core_test

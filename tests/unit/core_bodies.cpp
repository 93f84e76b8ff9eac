// SPDX-License-Identifier: GPL-2.0
// Lengths and bodies: multipart, Content-Length of message and part, bytes beyond the end,
// datagrams without a length. R20.
#include "core_scene.h"

namespace core_test {

class bodies : public core_scene {
protected:
	bodies()
	{
		gate.rules.outside4 = at("203.0.113.111");	// longer than what it stands for
		gate.rules.outside6 = at("2001:db8:f:ffff:ffff:ffff:ffff:ffff");
		gate.rules.map_port[phone] = 65000;
		gate.rules.taken_ports = {2000};
	}

	std::string send(const std::string &text) { return try_to_server(phone, text).bytes; }
	std::string head(const std::string &type)
	{
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string text = request(d, "INVITE");
		return text.substr(0, text.find("Content-Length")) + "Content-Type: " + type + "\r\n";
	}
	std::string sized(const std::string &type, const std::string &body)
	{
		return head(type) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
	}
	std::string sdp() { return sdp_of(phone, {{map.inside(10, 2000)}}); }
	std::string part(const std::string &type, const std::string &text, const std::string &length)
	{
		return "--b\r\nContent-Type: " + type + "\r\n" + (length.empty() ? "" : "Content-Length: " + length + "\r\n") + "\r\n" + text + "\r\n";
	}

	endpoint phone = map.inside(10, 5060);
};
FOR_BOTH_FAMILIES(bodies);

TEST_P(bodies, R20_length_grows_by_a_digit)
{
	for (size_t size : {98u, 99u, 100u, 95u, 90u}) {
		std::string body = sdp() + "a=";
		if (body.size() + 2 > size)
			size = 999;
		body += std::string(size - body.size() - 2, 'x') + "\r\n";
		const std::string got = send(sized("application/sdp", body));
		EXPECT_GT(body_of(got).size(), body.size());
		EXPECT_EQ(length_fault_in(got), "");
	}
}

TEST_P(bodies, R20_length_shrinks_by_a_digit)
{
	gate.rules.outside4 = at("1.1.1.1");
	gate.rules.outside6 = at("1::");
	std::string body = sdp() + "a=";
	const size_t size = body.size() < 95 ? 101 : 1001;
	body += std::string(size - body.size() - 2, 'x') + "\r\n";
	const std::string got = send(sized("application/sdp", body));
	EXPECT_LT(body_of(got).size(), size - 1);
	EXPECT_EQ(length_fault_in(got), "");
}

TEST_P(bodies, R20_multipart_without_part_length)
{
	const std::string body = part("application/sdp", sdp(), "") + part("text/plain", "o=- 1 1 IN IP4 10.0.0.10", "") + "--b--\r\n";
	const std::string got = send(sized("multipart/mixed;boundary=b", body));
	EXPECT_EQ(length_fault_in(got), "");
	EXPECT_EQ(body_of(got).find("c=IN " + family_of(phone) + " " + host_of(phone)), got.npos);
	EXPECT_NE(got.find("\r\n\r\no=- 1 1 IN IP4 10.0.0.10\r\n"), got.npos) << "text is nobody's to change";
	EXPECT_EQ(gate.expectation_count(), 2u);
}

TEST_P(bodies, R20_multipart_with_part_length)
{
	for (size_t size : {sdp().size(), size_t{98}, size_t{99}, size_t{995}}) {
		std::string text = sdp();
		if (size > text.size() + 4)
			text += "a=" + std::string(size - text.size() - 4, 'x') + "\r\n";
		const std::string body = part("application/sdp", text, std::to_string(text.size())) + part("text/plain", "hi", "2") + "--b--\r\n";
		const std::string got = send(sized("multipart/mixed;boundary=b", body));
		EXPECT_EQ(length_fault_in(got), "");
		const size_t begin = got.find("v=0"), stop = got.find("\r\n--b", begin);
		EXPECT_NE(got.find("Content-Length: " + std::to_string(stop - begin) + "\r\n\r\nv=0"), got.npos) << got;
		EXPECT_NE(got.find("Content-Length: 2\r\n\r\nhi"), got.npos);
	}
}

TEST_P(bodies, S9_part_length_that_is_no_length_leaves_the_message_alone)
{
	for (const char *length : {"abc", "12x", "-1", "99999999999999999999", "3", "4294967390", "1 1"}) {
		const std::string text = sized("multipart/mixed;boundary=b", part("application/sdp", sdp(), length) + "--b--\r\n");
		EXPECT_EQ(send(text), text) << length;
		EXPECT_EQ(gate.expectation_count(), 0u);
		EXPECT_EQ(live_objects(), 0u);
	}
}

// The view does not say where the length of an inner multipart stands: with the parser.
TEST_P(bodies, R20_multipart_in_multipart_with_lengths)
{
	const std::string inner = with(part("application/sdp", sdp(), ""), "--b", "--c") + "--c--\r\n";
	const std::string body = part("multipart/alternative;boundary=c", inner, std::to_string(inner.size())) + "--b--\r\n";
	const std::string text = sized("multipart/mixed;boundary=b", body);
	const std::string got = send(text);
	EXPECT_EQ(length_fault_in(got), "");
	const size_t begin = got.find("--c"), stop = got.find("\r\n--b", begin);
	const std::string length = "Content-Length: " + std::to_string(stop - begin) + "\r\n";
	EXPECT_TRUE(got == text || got.find(length) != got.npos) << got;
}

TEST_P(bodies, R20_bytes_after_the_body_are_kept)
{
	const std::string text = sized("application/sdp", sdp());
	const std::string got = gate.send(phone, server, text + "trailing 10.0.0.10\r\n").bytes;
	const std::string alone = gate.send(phone, server, text).bytes;
	EXPECT_EQ(got, alone + "trailing 10.0.0.10\r\n");
}

TEST_P(bodies, R8_no_content_length)
{
	const std::string text = head("application/sdp") + "\r\n" + sdp();
	const std::string got = gate.send(phone, server, text).bytes;
	EXPECT_EQ(leak_in(got, map), "");
	EXPECT_EQ(got.find("Content-Length"), got.npos);
	EXPECT_EQ(media_of(got).port % 2, 0);
}

TEST_P(bodies, R20_leading_line_ends_and_compact_forms)
{
	const std::string text = sized("application/sdp", sdp());
	const std::string plain = gate.send(phone, server, text).bytes;
	EXPECT_EQ(gate.send(phone, server, "\r\n\r\n" + text).bytes, "\r\n\r\n" + plain);
	std::string brief = with(with(with(with(text, "Via:", "v:"), "Contact:", "m:"), "Content-Length:", "l:"), "Content-Type:", "c :");
	std::string expected = with(with(with(with(plain, "Via:", "v:"), "Contact:", "m:"), "Content-Length:", "l:"), "Content-Type:", "c :");
	EXPECT_EQ(gate.send(phone, server, brief).bytes, expected);
	EXPECT_EQ(gate.send(phone, server, with(text, "Contact: ", "Contact:\r\n\t ")).bytes, with(plain, "Contact: ", "Contact:\r\n\t "));
	EXPECT_EQ(gate.send(phone, server, with(text, "\r\n\r\n", "\n\n")).bytes, with(plain, "\r\n\r\n", "\n\n"));
}

TEST_P(bodies, R20_truncated_at_every_byte)
{
	const std::string text = sized("application/sdp", sdp());
	for (size_t n = 1; n < text.size(); n++)
		gate.send(phone, server, text.substr(0, n));
	EXPECT_EQ(gate.count(SIPX_COUNT_rewrite_failed), 0u);
}

TEST_P(bodies, R20_encoded_and_foreign_bodies_pass)
{
	for (const char *type : {"application/sdp\r\nContent-Encoding: gzip", "text/plain", "message/sipfrag", "application/pkcs7-mime", "multipart/signed;boundary=b"}) {
		const std::string text = sized(type, sdp());
		EXPECT_EQ(body_of(send(text)), sdp()) << type;
		EXPECT_EQ(gate.expectation_count(), 0u);
	}
}

TEST_P(bodies, R20_broken_messages_pass_unchanged)
{
	const std::string text = sized("application/sdp", sdp());
	const std::string broken[] = {
		with(text, "Call-ID:", "X-Call-ID:"), with(text, "CSeq: 1 INVITE", "CSeq: x"), with(text, "m=audio 2000", "m=audio 65536"),
		with(text, "Content-Length: ", "Content-Length: 9"), with(text, "<sip:alice@" + text_of(phone) + ">", "<sip:alice@" + text_of(phone)),
		with(text, "SIP/2.0\r\n", "SIP/3.0\r\n"), with(text, "c=IN", "c=IN\r\nx="),
	};
	for (const auto &message : broken)
		EXPECT_EQ(gate.send(phone, server, message).bytes, message);
	EXPECT_EQ(live_objects(), 0u);
}

} // namespace core_test

// SPDX-License-Identifier: GPL-2.0
// Media: where it arrives and as whom it leaves. R7, R8, R12, R15, R16.
#include "core_scene.h"

namespace core_test {

class media : public core_scene {
protected:
	media()
	{
		gate.rules.shift_ports = true;
		gate.rules.taken_ports = {20000, 20001, 20002, 20003, 20010, 20011};
	}

	// An INVITE from the phone as the server gets it.
	std::string offer(const std::string &sdp)
	{
		caller = dialog_of("alice", phone, "sip:bob@example.com");
		sent = request(caller, "INVITE", sdp);
		return to_server(phone, sent);
	}
	std::string answer(const std::string &seen, const std::string &sdp, int status = 200)
	{
		const std::string got = to_phone(phone, answer_at_server(seen, status, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)}));
		learn(caller, got);
		return got;
	}
	std::string again(const std::string &sdp)
	{
		sent = request(caller, "INVITE", sdp);
		return to_server(phone, sent);
	}
	std::string inside_sdp(const std::vector<media_line> &lines, const std::vector<std::string> &more = {})
	{
		return sdp_of(phone, lines, more);
	}
	std::string far_sdp() { return sdp_of(far_media, {{far_media}}); }

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint rtcp = map.inside(10, 20001);
	endpoint far_media = map.outside(7, 30000);
	endpoint far_rtcp = map.outside(7, 30001);
	dialog caller;
	std::string sent;
};
FOR_BOTH_FAMILIES(media);

TEST_P(media, R16_inside_sends_first)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	const delivery out = gate.send(rtp, far_media, "rtp");
	EXPECT_EQ(text_of(out.source), text_of(media_of(seen)));
	EXPECT_TRUE(gate.send(far_media, media_of(seen), "rtp").arrived_at(rtp));
}

TEST_P(media, R16_outside_sends_first)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
	expect_audio(rtcp, rtcp_of(seen), far_rtcp);
}

TEST_P(media, R16_inside_sent_before_the_answer)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	gate.send(rtp, far_media, "rtp");	// it knew by other means, and got any port
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(media, R16_same_port_is_kept_where_it_is_free)
{
	gate.rules.taken_ports = {};
	const std::string seen = offer(inside_sdp({{rtp}}));
	EXPECT_EQ(text_of(media_of(seen)), text_of(map.router(20000)));
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(media, R15_media_server_is_not_the_signalling_server)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	EXPECT_TRUE(gate.send(map.outside(7, 44444), media_of(seen), "rtp").arrived_at(rtp)) << "any port of it";
	expect_no_way_in(map.outside(8, 30000), media_of(seen));
	expect_no_way_in(map.outside(1, 30000), media_of(seen));
}

TEST_P(media, R15_early_media_from_the_signalling_peer)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	EXPECT_TRUE(gate.send(map.outside(1, 30000), media_of(seen), "rtp").arrived_at(rtp));
	expect_no_way_in(far_media, media_of(seen));
}

TEST_P(media, R15_source_peer)
{
	gate.rules.values[SIPX_SETTING_MEDIA_SOURCE] = SIPX_MEDIA_FROM_PEER;
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	expect_no_way_in(map.outside(7, 44444), media_of(seen));
	EXPECT_TRUE(gate.send(map.outside(1, 30000), media_of(seen), "rtp").arrived_at(rtp));
}

TEST_P(media, R15_source_any)
{
	gate.rules.values[SIPX_SETTING_MEDIA_SOURCE] = SIPX_MEDIA_FROM_ANY;
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	EXPECT_TRUE(gate.send(map.outside(99, 1234), media_of(seen), "rtp").arrived_at(rtp));
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(media, R11_early_media_by_183)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp(), 183);
	expect_audio(rtp, media_of(seen), far_media);
	answer(seen, far_sdp(), 200);
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(media, R11_offer_in_200_and_answer_in_ack)
{
	const std::string seen = offer("");
	answer(seen, far_sdp());
	const std::string confirmed = to_server(phone, ack(caller, sent, inside_sdp({{rtp}})));
	expect_audio(rtp, media_of(confirmed), far_media);
}

TEST_P(media, R11_three_forks_with_different_answers)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	for (u32 fork : {21, 22, 23}) {
		const endpoint there = map.outside(fork, 30000);
		const std::string tag = "fork" + std::to_string(fork);
		to_phone(phone, answer_at_server(seen, 183, {tag, "", sdp_of(there, {{there}}), {}, outer(phone)}));
		expect_audio(rtp, media_of(seen), there);
	}
}

TEST_P(media, R11_prack_and_update_before_the_answer)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp(), 183);
	std::string other = to_server(phone, request(caller, "PRACK"));
	to_phone(phone, answer_at_server(other, 200, {"far", "", "", {}, outer(phone)}));
	other = to_server(phone, request(caller, "UPDATE", inside_sdp({{rtp}})));
	to_phone(phone, answer_at_server(other, 200, {"far", "", far_sdp(), {}, outer(phone)}));
	EXPECT_EQ(text_of(media_of(other)), text_of(media_of(seen)));
	answer(seen, "");
	gate.advance(400);	// an answered call has no clock
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(media, R7_rtcp_attribute_changes_with_its_port)
{
	const endpoint odd = map.inside(10, 20010);
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/AVP 0", {"rtcp:20010 IN " + family_of(rtp) + " " + host_of(rtp)}}}));
	EXPECT_EQ(host_of(rtcp_of(seen)), host_of(map.router(0)));
	EXPECT_NE(rtcp_of(seen).port, 20010);
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
	expect_audio(odd, rtcp_of(seen), far_rtcp);
}

TEST_P(media, R7_rtcp_attribute_without_address)
{
	const endpoint odd = map.inside(10, 20010);
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/AVP 0", {"rtcp:20010"}}}));
	EXPECT_NE(rtcp_of(seen).port, 20010);
	answer(seen, far_sdp());
	expect_audio(odd, rtcp_of(seen), far_rtcp);
}

TEST_P(media, R7_parity_is_kept_and_rtcp_follows)
{
	for (u16 port : {20000, 20001}) {
		const std::string seen = offer(inside_sdp({{map.inside(10, port)}}));
		EXPECT_EQ(media_of(seen).port % 2, port % 2);
		answer(seen, far_sdp());
		expect_audio(map.inside(10, port + 1), rtcp_of(seen), far_rtcp);
		gate.end_all();
	}
}

TEST_P(media, R7_rtcp_mux_on_one_port)
{
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/AVP 0", {"rtcp:20000", "rtcp-mux"}}}));
	EXPECT_EQ(rtcp_of(seen).port, media_of(seen).port);
	answer(seen, sdp_of(far_media, {{far_media, "audio", "RTP/AVP 0", {"rtcp:30000", "rtcp-mux"}}}));
	expect_audio(rtp, media_of(seen), far_media);
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 2u);
}

TEST_P(media, R7_rtcp_below_1024_gets_no_pinhole)
{
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/AVP 0", {"rtcp:9"}}}));
	EXPECT_NE(seen.find("a=rtcp:9\r\n"), seen.npos);
	EXPECT_EQ(gate.expectation_count(), 1u);
}

TEST_P(media, R8_bundle_on_one_port)
{
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/SAVPF 0", {"mid:a"}}, {rtp, "video", "RTP/SAVPF 96", {"mid:v"}}}, {"group:BUNDLE a v"}));
	EXPECT_EQ(text_of(media_of(seen, 0)), text_of(media_of(seen, 1)));
	answer(seen, sdp_of(far_media, {{far_media}, {far_media, "video"}}));
	expect_audio(rtp, media_of(seen), far_media);
	EXPECT_EQ(gate.count(SIPX_COUNT_expectation_clash), 0u);
}

TEST_P(media, R8_adjacent_ports)
{
	const std::string seen = offer(inside_sdp({{rtp}, {rtcp, "video"}}));
	answer(seen, sdp_of(far_media, {{far_media}, {map.outside(7, 30002), "video"}}));
	expect_audio(rtp, media_of(seen, 0), far_media);
	expect_audio(rtcp, media_of(seen, 1), map.outside(7, 30002));
	EXPECT_EQ(rtcp_of(seen, 0).port, media_of(seen, 1).port) << "what it named twice is one socket";
}

TEST_P(media, R8_ten_m_lines)
{
	std::vector<media_line> inside, outside;
	const char *kinds[] = {"audio", "video", "text", "message", "image"};
	for (u16 i = 0; i < 10; i++) {
		inside.push_back({map.inside(10, 20000 + 2 * i), kinds[i % 5]});
		outside.push_back({map.outside(7, 30000 + 2 * i), kinds[i % 5]});
	}
	const std::string seen = offer(inside_sdp(inside));
	answer(seen, sdp_of(far_media, outside));
	for (u32 i = 0; i < 10; i++)
		expect_audio(inside[i].rtp, media_of(seen, i), outside[i].rtp);
}

TEST_P(media, R8_declined_stream_and_port_9)
{
	const std::string seen = offer(inside_sdp({{rtp}, {map.inside(10, 0), "video"}, {map.inside(10, 9), "video"}}));
	EXPECT_EQ(media_of(seen, 1).port, 0);
	EXPECT_EQ(media_of(seen, 2).port, 9);
	EXPECT_EQ(gate.expectation_count(), 2u) << "RTP and RTCP of the one stream";
	EXPECT_EQ(gate.count(SIPX_COUNT_media_port_low), 1u);
}

TEST_P(media, R8_host_names_are_left_alone)
{
	const std::string sdp = "v=0\r\no=- 1 1 IN IP4 pc.example\r\ns=-\r\nc=IN IP4 pc.example\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n";
	const std::string seen = offer(sdp);
	EXPECT_EQ(body_of(seen), sdp);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(media, R8_the_other_family_in_c)
{
	const u8 other = GetParam() == SIPX_IPV6 ? SIPX_IPV4 : SIPX_IPV6;
	const std::string sdp = sdp_of(places(other).inside(10, 0), {{places(other).inside(10, 20000)}});
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = try_to_server(phone, request(caller, "INVITE", sdp)).bytes;
	EXPECT_EQ(body_of(seen), sdp);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(media, R8_the_other_family_in_the_answer)
{
	const u8 other = GetParam() == SIPX_IPV6 ? SIPX_IPV4 : SIPX_IPV6;
	const endpoint there = places(other).outside(7, 30000);
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, sdp_of(there, {{there}}));
	EXPECT_TRUE(gate.send(server, media_of(seen), "rtp").arrived_at(rtp)) << "what we have is the peer";
}

TEST_P(media, R8_answer_of_another_transport)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, sdp_of(far_media, {{far_media, "audio", "TCP/RTP/AVP 0"}}));
}

TEST_P(media, R8_media_of_another_host_is_left_alone)
{
	const endpoint desk = map.inside(33, 20000);
	const std::string sdp = sdp_of(desk, {{desk}});
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = try_to_server(phone, request(caller, "INVITE", sdp)).bytes;
	EXPECT_EQ(body_of(seen), sdp);
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_media_not_owner), 1u);
}

TEST_P(media, R8_media_address_at_the_media_level)
{
	const std::string c = " IN " + family_of(phone) + " ";
	const std::string sdp = "v=0\r\no=- 1 1" + c + host_of(phone) + "\r\ns=-\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\nc=" + c.substr(1) + host_of(phone) +
				"\r\nm=video 20002 RTP/AVP 96\r\nc=" + c.substr(1) + host_of(map.outside(66, 0)) + "\r\n";
	const std::string seen = offer(sdp);
	EXPECT_NE(media_of(seen, 0).port, 20000);
	EXPECT_EQ(text_of(media_of(seen, 1)), text_of(map.outside(66, 20002)));
}

TEST_P(media, S4_no_pinhole_to_unusable_addresses)
{
	const std::vector<std::string> bad4 = {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "0.1.2.3"};
	const std::vector<std::string> bad6 = {"::1", "::", "ff02::1", "fe80::1"};
	for (const auto &host : GetParam() == SIPX_IPV6 ? bad6 : bad4) {
		endpoint bad = at(host);
		bad.port = 20000;
		const std::string sdp = sdp_of(bad, {{bad}});
		EXPECT_EQ(body_of(offer(sdp)), sdp);
		EXPECT_EQ(gate.expectation_count(), 0u) << host;
	}
}

TEST_P(media, S4_unusable_remote_addresses_open_nothing_for_them)
{
	const std::vector<std::string> bad4 = {"127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1"};
	const std::vector<std::string> bad6 = {"::1", "ff02::1", "fe80::1"};
	for (const auto &host : GetParam() == SIPX_IPV6 ? bad6 : bad4) {
		endpoint bad = at(host);
		bad.port = 20000;
		answer(offer(inside_sdp({{rtp}})), sdp_of(bad, {{bad}}));
		for (const auto &hole : gate.expectations()) {
			EXPECT_FALSE(sip::same_address(hole.source, bad));
			EXPECT_FALSE(sip::same_address(hole.destination, bad));
		}
	}
}

TEST_P(media, R6_candidate_that_names_the_default_destination)
{
	const std::string host = host_of(rtp);
	const std::string seen = offer(inside_sdp({{rtp, "audio", "RTP/AVP 0",
		{"candidate:1 1 UDP 2130706431 " + host + " 20000 typ host", "candidate:1 2 UDP 2130706430 " + host + " 20001 typ host",
		 "candidate:2 1 UDP 1694498815 198.18.0.1 41000 typ srflx raddr " + host + " rport 20000"}}}));
	const std::string outer_host = host_of(map.router(0));
	EXPECT_NE(seen.find("candidate:1 1 UDP 2130706431 " + outer_host + " " + std::to_string(media_of(seen).port) + " typ host"), seen.npos) << seen;
	EXPECT_NE(seen.find("candidate:1 2 UDP 2130706430 " + outer_host + " " + std::to_string(rtcp_of(seen).port) + " typ host"), seen.npos);
	EXPECT_NE(seen.find("198.18.0.1 41000 typ srflx raddr " + outer_host + " rport " + std::to_string(media_of(seen).port)), seen.npos);
}

TEST_P(media, R12_hold_of_every_kind_keeps_the_outside_port)
{
	const endpoint zero = GetParam() == SIPX_IPV6 ? at("::") : at("0.0.0.0");
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	const endpoint outside = media_of(seen);
	const std::string holds[] = {
		inside_sdp({{rtp, "audio", "RTP/AVP 0", {"sendonly"}}}), inside_sdp({{rtp, "audio", "RTP/AVP 0", {"inactive"}}}),
		sdp_of(zero, {{sip::with_port(zero, 20000)}}), inside_sdp({{map.inside(10, 0)}}),
	};
	for (const auto &hold : holds) {
		const std::string held = again(hold);
		answer(held, sdp_of(far_media, {{far_media, "audio", "RTP/AVP 0", {"recvonly"}}}));
		gate.advance(3600);
		const std::string resumed = again(inside_sdp({{rtp}}));
		answer(resumed, far_sdp());
		EXPECT_EQ(text_of(media_of(resumed)), text_of(outside)) << hold;
		expect_audio(rtp, outside, far_media);
	}
}

TEST_P(media, R13_silence_does_not_end_a_call)
{
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
	gate.advance(2 * 3600);
	expect_audio(rtp, media_of(seen), far_media);
	EXPECT_TRUE(gate.send(server, outer(phone), "\r\n\r\n").arrived_at(phone));
}

TEST_P(media, R12_new_remote_media_in_a_re_invite)
{
	const endpoint moved = map.outside(8, 40000);
	const std::string seen = offer(inside_sdp({{rtp}}));
	answer(seen, far_sdp());
	expect_audio(rtp, media_of(seen), far_media);
	answer(again(inside_sdp({{rtp}})), sdp_of(moved, {{moved}}));
	expect_audio(rtp, media_of(seen), moved);
}

} // namespace core_test

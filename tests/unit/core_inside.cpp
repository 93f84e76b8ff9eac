// SPDX-License-Identifier: GPL-2.0
// Media of other inside endpoints: two phones behind one router (R14), and a server inside
// that names its phones (R18, S4).
#include "core_scene.h"

namespace core_test {

class inside : public core_scene {
protected:
	inside()
	{
		gate.rules.values[SIPX_SETTING_DIRECT_MEDIA] = 1;
		gate.rules.shift_ports = true;
		gate.rules.taken_ports = {20000, 20001, 20002, 20003, 20010};
		for (const endpoint &phone : {left, right})
			gate.send(phone, server, "\r\n\r\n");
	}

	// The left phone offers; what the server gets.
	std::string offer(const std::string &sdp)
	{
		caller = dialog_of("left", left, "sip:right@example.com");
		return to_server(left, request(caller, "INVITE", sdp));
	}
	// The server tells the right phone that; what it gets.
	std::string relay(const std::string &sdp)
	{
		dialog d = dialog_of("left", server, "sip:right@example.com");
		d.target = "sip:right@" + text_of(outer(right));
		return to_phone(right, request(d, "INVITE", sdp));
	}
	// The right phone answers, and the server tells the left one; what that gets.
	std::string relay_answer(const std::string &offered, const std::string &asked, const std::string &sdp)
	{
		answer = to_server(right, respond(asked, 200, {"right", "<sip:right@" + text_of(right) + ">", sdp, {}, {}}));
		return to_phone(left, answer_at_server(offered, 200, {"far", "<sip:right@" + text_of(server) + ">", body_of(answer), {}, outer(left)}));
	}
	std::string in(const endpoint &e) { return " IN " + family_of(e) + " " + host_of(e); }
	// All but the o= line, which says who made the session and stays.
	std::string told(const std::string &message)
	{
		std::string sdp = body_of(message);
		const size_t at = sdp.find("o=");
		return at == sdp.npos ? sdp : sdp.erase(at, sdp.find("\r\n", at) + 2 - at);
	}

	endpoint left = map.inside(10, 5060), right = map.inside(20, 5060);
	endpoint left_rtp = map.inside(10, 20000), right_rtp = map.inside(20, 20000);
	dialog caller;
	std::string answer;
};
FOR_BOTH_FAMILIES(inside);

TEST_P(inside, R14_direct_media_names_the_inside_sockets)
{
	const std::string sdp = sdp_of(left, {{left_rtp}});
	const std::string offered = offer(sdp);
	const std::string asked = relay(body_of(offered));
	EXPECT_EQ(told(asked), told("\r\n\r\n" + sdp));
	EXPECT_NE(body_of(asked).find("o=- 1 1" + in(outer(left))), asked.npos);
	const std::string answered = relay_answer(offered, asked, sdp_of(right, {{right_rtp}}));
	EXPECT_EQ(text_of(media_of(answered)), text_of(right_rtp));
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u) << "no media of theirs passes the router";
	EXPECT_NE(media_of(answer).port, 20000) << "the server still gets the outside socket";
}

TEST_P(inside, R14_direct_media_is_off_by_default)
{
	gate.rules.values[SIPX_SETTING_DIRECT_MEDIA] = 0;
	const std::string offered = offer(sdp_of(left, {{left_rtp}}));
	const std::string asked = relay(body_of(offered));
	EXPECT_EQ(body_of(asked), body_of(offered));
	const std::string answered = relay_answer(offered, asked, sdp_of(right, {{right_rtp}}));
	EXPECT_EQ(body_of(answered), body_of(answer));
	EXPECT_GT(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
	const delivery media = gate.send(left_rtp, media_of(answered), "rtp");
	EXPECT_TRUE(media.arrived_at(right_rtp)) << "hairpin";
}

TEST_P(inside, R14_direct_media_with_everything_that_names_it)
{
	const std::string host = host_of(left);
	const std::vector<std::string> more = {"rtcp:20010" + in(left), "candidate:1 1 UDP 9 " + host + " 20000 typ host",
		"candidate:1 2 UDP 8 " + host + " 20010 typ host", "candidate:2 1 UDP 7 198.18.0.1 41000 typ srflx raddr " + host + " rport 20000",
		"candidate:3 1 TCP 6 198.18.0.2 9 typ host tcptype active"};
	const std::string sdp = sdp_of(left, {{left_rtp, "audio", "RTP/AVP 0", more}, {map.inside(10, 0), "video"}, {map.inside(10, 20002), "image", "udptl t38"}});
	const std::string offered = offer(sdp);
	EXPECT_EQ(told(relay(body_of(offered))), told("\r\n\r\n" + sdp));
}

TEST_P(inside, R14_direct_media_of_a_stream_with_its_own_address)
{
	const endpoint far = map.outside(7, 30000);
	const std::string head = "v=0\r\no=- 1 1" + in(far) + "\r\ns=-\r\nt=0 0\r\n";
	const std::string mine = "m=audio 20000 RTP/AVP 0\r\nc=" + in(left).substr(1) + "\r\n";
	const std::string other = "m=video 30000 RTP/AVP 96\r\nc=" + in(far).substr(1) + "\r\n";
	const std::string offered = offer(head + mine + other);
	EXPECT_EQ(body_of(relay(body_of(offered))), head + mine + other);
}

TEST_P(inside, R2_direct_media_of_all_streams_under_one_address_or_none)
{
	// Two streams of the left phone, and one at the same address that is nobody's.
	const std::string offered = offer(sdp_of(left, {{left_rtp}, {map.inside(10, 20002), "video"}}));
	const std::string sdp = body_of(offered) + "m=text 45000 RTP/AVP 98\r\n";
	EXPECT_EQ(body_of(relay(sdp)), sdp);
	// The same, of another phone.
	const endpoint third = map.inside(30, 5060);
	gate.send(third, server, "\r\n\r\n");
	dialog d = dialog_of("third", third, "sip:right@example.com");
	const std::string theirs = to_server(third, request(d, "INVITE", sdp_of(third, {{map.inside(30, 20000)}})));
	const std::string mixed = body_of(offered) + "m=text " + std::to_string(media_of(theirs).port) + " RTP/AVP 98\r\n";
	EXPECT_EQ(body_of(relay(mixed)), mixed);
}

TEST_P(inside, R2_direct_media_where_rtcp_is_not_at_the_next_port)
{
	// RTCP is bound elsewhere, and the server has taken away the line that says so.
	const std::string offered = offer(sdp_of(left, {{left_rtp, "audio", "RTP/AVP 0", {"rtcp:20010" + in(left)}}}));
	const std::string sdp = with(body_of(offered), "a=rtcp:" + std::to_string(rtcp_of(offered).port) + in(outer(left)) + "\r\n", "");
	EXPECT_EQ(body_of(relay(sdp)), sdp);
	EXPECT_EQ(media_of(relay(sdp + "a=rtcp-mux\r\n")).port, 20000) << "it needs no port of its own";
}

TEST_P(inside, R14_direct_media_ends_with_a_re_invite)
{
	const std::string offered = offer(sdp_of(left, {{left_rtp}}));
	const std::string asked = relay(body_of(offered));
	learn(caller, relay_answer(offered, asked, sdp_of(right, {{right_rtp}})));
	const endpoint far = map.outside(7, 30000);
	const std::string again = to_server(left, request(caller, "INVITE", sdp_of(left, {{left_rtp}})));
	EXPECT_EQ(text_of(media_of(again)), text_of(media_of(offered)));
	to_phone(left, answer_at_server(again, 200, {"far", "", sdp_of(far, {{far}}), {}, outer(left)}));
	expect_audio(left_rtp, media_of(again), far);
}

TEST_P(inside, R9_direct_media_of_another_zone_is_none)
{
	const std::string offered = offer(sdp_of(left, {{left_rtp}}));
	gate.rules.zone = 1;
	gate.send(right, server, "\r\n\r\n");
	EXPECT_EQ(body_of(relay(body_of(offered))), body_of(offered));
}

TEST_P(inside, R21_direct_media_again_is_the_same)
{
	const std::string offered = offer(sdp_of(left, {{left_rtp}}));
	dialog d = dialog_of("left", server, "sip:right@example.com");
	d.target = "sip:right@" + text_of(outer(right));
	const std::string sent = request(d, "INVITE", body_of(offered));
	const std::string once = to_phone(right, sent);
	const u32 objects = live_objects();
	EXPECT_EQ(to_phone(right, sent), once);
	EXPECT_EQ(live_objects(), objects);
}

TEST_P(inside, R3_direct_media_whatever_fails)
{
	const std::string offered = offer(sdp_of(left, {{left_rtp}}));
	dialog d = dialog_of("left", server, "sip:right@example.com");
	d.target = "sip:right@" + text_of(outer(right));
	const std::string sent = request(d, "INVITE", body_of(offered));
	const u32 before = live_objects();
	for (u32 n = 1; n < 100; n++) {
		set_faults({.kinds = fault_alloc | fault_replace | fault_pinhole, .strike_at = n});
		const std::string got = try_to_phone(right, sent).bytes;
		const bool struck = fault_struck();
		set_faults({});
		if (got == sent)
			EXPECT_EQ(live_objects(), before) << "step " << n;
		else
			EXPECT_EQ(text_of(media_of(got)), text_of(left_rtp));
		if (!struck)
			return;
	}
	FAIL() << "the faults have no end";
}

TEST_P(inside, R14_direct_media_of_several_ports_is_none)
{
	const std::string offered = offer(with(sdp_of(left, {{left_rtp}}), "20000 ", "20000/2 "));
	EXPECT_EQ(body_of(relay(body_of(offered))), body_of(offered));
}

TEST_P(inside, R14_direct_media_of_tcp)
{
	const std::string sdp = sdp_of(left, {{left_rtp, "message", "TCP/MSRP *", {"setup:actpass", "path:msrp://" + uri_host_of(left) + ":20000/s;tcp"}}});
	EXPECT_EQ(told(relay(body_of(offer(sdp)))), told("\r\n\r\n" + sdp));
}

// ---- a server inside and its phones

class server_inside : public core_scene {
protected:
	server_inside()
	{
		gate.rules.shift_ports = true;
		gate.rules.taken_ports = {20000, 20001, 20002, 20003};
		gate.rules.media_hosts = {"10.0.0.3", "fd00::3"};
	}
	delivery try_invite(const std::string &sdp)
	{
		d = dialog_of("pbx", pbx, "sip:bob@example.com");
		return try_to_server(pbx, request(d, "INVITE", sdp));
	}
	std::string invite(const std::string &sdp)
	{
		d = dialog_of("pbx", pbx, "sip:bob@example.com");
		return to_server(pbx, request(d, "INVITE", sdp));
	}
	void answer(const std::string &seen)
	{
		learn(d, to_phone(pbx, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, outer(pbx)})));
	}
	std::string in(const endpoint &e) { return " IN " + family_of(e) + " " + host_of(e); }

	endpoint pbx = map.inside(5, 5060);
	endpoint desk = map.inside(33, 20000);
	endpoint far_media = map.outside(7, 30000);
	dialog d;
};
FOR_BOTH_FAMILIES(server_inside);

TEST_P(server_inside, R18_media_of_a_phone_that_it_names)
{
	const std::string seen = invite(sdp_of(desk, {{desk}}));
	EXPECT_EQ(host_of(media_of(seen)), host_of(map.router(0)));
	EXPECT_NE(body_of(seen).find("o=- 1 1" + in(map.router(0))), seen.npos);
	answer(seen);
	expect_audio(desk, media_of(seen), far_media);
	expect_audio(map.inside(33, 20001), rtcp_of(seen), map.outside(7, 30001));
	to_phone(pbx, answer_at_server(to_server(pbx, request(d, "BYE")), 200));
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
}

TEST_P(server_inside, R18_phone_and_server_in_one_session)
{
	const std::string host = host_of(desk);
	const std::vector<std::string> more = {"rtcp:20001" + in(desk), "candidate:1 1 UDP 9 " + host + " 20000 typ host"};
	const std::string seen = invite(sdp_of(pbx, {{map.inside(5, 20002), "video"}, {desk, "audio", "RTP/AVP 0", more}}));
	for (u32 line : {0, 1})
		EXPECT_EQ(host_of(media_of(seen, line)), host_of(map.router(0)));
	EXPECT_EQ(host_of(rtcp_of(seen, 1)), host_of(map.router(0)));
	answer(seen);
	expect_audio(map.inside(5, 20002), media_of(seen, 0), far_media);
}

TEST_P(server_inside, R18_further_pairs_of_a_phone)
{
	const std::string seen = invite(with(sdp_of(desk, {{desk}}), "20000 ", "20000/2 "));
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 4u);
	EXPECT_NE(seen.find("/2 RTP"), seen.npos);
}

TEST_P(server_inside, S4_hosts_that_are_not_listed)
{
	for (const endpoint &host : {map.inside(44, 20000), map.inside(40, 20000)}) {
		const std::string sdp = sdp_of(host, {{host}});
		EXPECT_EQ(body_of(try_invite(sdp).bytes), sdp);
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_media_not_owner), 2u);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(server_inside, S4_the_router_and_the_peer_are_no_phones_of_it)
{
	gate.rules.media_hosts = {"203.", "198.", "2001:"};
	for (const endpoint &host : {map.router(20000), sip::with_port(server, 20000)}) {
		const std::string sdp = sdp_of(host, {{host}});
		EXPECT_EQ(body_of(try_invite(sdp).bytes), sdp);
	}
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(server_inside, S4_low_ports_and_unusable_addresses_of_listed_hosts)
{
	gate.rules.media_hosts = {""};
	const endpoint low = map.inside(33, 53), loop = at(GetParam() == SIPX_IPV6 ? "[::1]:20000" : "127.0.0.1:20000");
	for (const endpoint &host : {low, loop})
		try_invite(sdp_of(host, {{host}}));
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_media_port_low), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_media_bad_address), 1u);
}

TEST_P(server_inside, S7_more_phones_in_one_message_than_we_follow)
{
	std::vector<media_line> lines;
	for (u32 i = 0; i < 6; i++)
		lines.push_back({map.inside(30 + i, 20000)});
	const std::string seen = try_invite(sdp_of(pbx, lines)).bytes;
	for (u32 i = 0; i < 6; i++)
		EXPECT_EQ(host_of(media_of(seen, i)), host_of(i < 4 ? map.router(0) : map.inside(30 + i, 0))) << i;
}

TEST_P(server_inside, R25_phone_of_a_routed_server)
{
	gate.rules.masquerade = false;
	const std::string sdp = sdp_of(desk, {{desk}});
	const std::string sent = try_invite(sdp).bytes;
	EXPECT_EQ(body_of(sent), sdp);
	try_to_phone(pbx, answer_at_server(sent, 200, {"far", "", sdp_of(far_media, {{far_media}})}));
	expect_audio(desk, desk, far_media);
}

// ---- two hosts, and one socket that both name

class named_by_two : public core_scene {
protected:
	named_by_two() { gate.rules.media_hosts = {host_of(rtp)}; }

	endpoint phone = map.inside(3, 5060), rtp = map.inside(3, 20000), other = map.inside(30, 5060);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(named_by_two);

TEST_P(named_by_two, S6_who_may_name_a_socket_takes_no_pinhole_of_its_host)
{
	for (const bool hangs_up : {false, true}) {
		placed_call own = call_out(phone, rtp, far_media);
		const u32 open = gate.expectation_count();
		placed_call theirs = call_out(other, rtp, far_media);
		EXPECT_EQ(gate.expectation_count(), open);
		if (hangs_up)
			hang_up_inside(other, theirs, false);
		else
			gate.end(other, server);
		gate.advance(60);
		EXPECT_EQ(gate.expectation_count(), open) << "hangs up: " << hangs_up;
		expect_audio(rtp, media_of(own.invite), far_media);
		hang_up_inside(phone, own, false);
		gate.advance(60);
		EXPECT_EQ(gate.expectation_count(), 0u);
	}
}

TEST_P(named_by_two, S6_R18_whoever_ends_first_leaves_it_to_the_other)
{
	for (const bool own_first : {false, true})
		for (const bool own_ends : {false, true}) {
			placed_call first = call_out(own_first ? phone : other, rtp, far_media);
			const u32 open = gate.expectation_count();
			call_out(own_first ? other : phone, rtp, far_media);
			gate.end(own_ends ? phone : other, server);
			EXPECT_EQ(gate.expectation_count(), open) << own_first << own_ends;
			expect_audio(rtp, media_of(first.invite), far_media);
			gate.end(own_ends ? other : phone, server);
			EXPECT_EQ(gate.expectation_count(), 0u) << own_first << own_ends;
		}
}

} // namespace core_test

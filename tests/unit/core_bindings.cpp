// SPDX-License-Identifier: GPL-2.0
// Which outside port stands for a media socket: the mapping it has, its own number, one of
// the range of the settings; RTP and RTCP together. R2, R6, R7, R9.
#include "core_scene.h"

namespace core_test {

class bindings : public core_scene {
protected:
	std::string offer(const std::string &sdp)
	{
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		return to_server(phone, request(d, "INVITE", sdp));
	}
	std::string offer_of(const std::vector<media_line> &lines) { return offer(sdp_of(phone, lines)); }
	// What a STUN client does: a packet of that socket to elsewhere, mapped to that port.
	void stun(const endpoint &inside, u16 port)
	{
		gate.rules.map_port[inside] = port;
		gate.send(inside, map.outside(90, 3478), "stun");
	}
	void set_range(u32 lowest, u32 highest)
	{
		gate.rules.values[SIPX_SETTING_MEDIA_PORT_MIN] = lowest;
		gate.rules.values[SIPX_SETTING_MEDIA_PORT_MAX] = highest;
	}
	void take(u16 from, u16 to)
	{
		for (u32 port = from; port <= to; port++)
			gate.rules.taken_ports.insert(static_cast<u16>(port));
	}
	std::string a_rtcp(u16 port) { return "rtcp:" + std::to_string(port) + " IN " + family_of(phone) + " " + host_of(phone); }

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint rtcp = map.inside(10, 20001);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(bindings);

TEST_P(bindings, R9_ports_come_from_the_range_of_the_settings)
{
	take(20000, 20099);
	set_range(50000, 50099);
	for (u16 i = 0; i < 20; i++) {
		const endpoint outside = media_of(offer_of({{map.inside(10, static_cast<u16>(20000 + 2 * i))}}));
		EXPECT_GE(outside.port, 50000);
		EXPECT_LE(outside.port, 50098);
		EXPECT_EQ(outside.port % 2, 0);
	}
}

TEST_P(bindings, R9_smallest_ranges)
{
	take(20000, 20003);
	for (u32 lowest : {50000u, 50001u, 65531u, 65532u}) {
		set_range(lowest, lowest + 3);
		for (u16 port : {20000, 20003}) {
			const endpoint outside = media_of(offer_of({{map.inside(10, port)}}));
			EXPECT_GE(outside.port, lowest);
			EXPECT_LE(outside.port + 1u, lowest + 3) << "with its RTCP";
			EXPECT_EQ(outside.port % 2, port % 2);
			gate.end_all();
		}
	}
}

TEST_P(bindings, S9_ranges_without_a_pair_refuse_the_message)
{
	take(20000, 20001);
	const u32 ranges[][2] = {{50000, 50000}, {50001, 50001}, {50001, 50002}, {50000, 49999},
				 {50000, 1024}, {65535, 65535}, {0, 0}};
	for (const auto &[lowest, highest] : ranges) {
		set_range(lowest, highest);
		const std::string sdp = sdp_of(phone, {{rtp}});
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string sent = request(d, "INVITE", sdp);
		EXPECT_EQ(try_to_server(phone, sent).bytes, sent) << lowest << " " << highest;
		EXPECT_EQ(live_objects(), 0u);
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), sizeof(ranges) / sizeof(ranges[0]));
}

TEST_P(bindings, R9_listening_port_comes_from_the_range)
{
	set_range(50000, 50003);
	dialog d = dialog_of("alice", map.inside(10, 5070), "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "REGISTER"));
	const endpoint contact = at(uri_of(line_of(seen, "Contact")).substr(10));
	EXPECT_TRUE(contact.port == 50000 || contact.port == 50002) << seen;
}

TEST_P(bindings, R6_mapping_of_the_socket_is_used)
{
	stun(rtp, 23456);
	const std::string seen = offer_of({{rtp}});
	EXPECT_EQ(text_of(media_of(seen)), text_of(map.router(23456)));
	EXPECT_EQ(rtcp_of(seen).port, 23457);
}

TEST_P(bindings, R6_mapping_outlives_itself_in_the_binding)
{
	stun(rtp, 23456);
	offer_of({{rtp}});
	gate.end(rtp, map.outside(90, 3478));
	stun(rtp, 24444);
	EXPECT_EQ(media_of(offer_of({{rtp}})).port, 23456) << "one socket has one binding";
}

TEST_P(bindings, R6_each_keeps_its_own_mapping_where_the_text_can_say_it)
{
	stun(rtp, 23456);
	stun(rtcp, 31001);
	const std::string seen = offer_of({{rtp, "audio", "RTP/AVP 0", {a_rtcp(20001)}}});
	EXPECT_EQ(text_of(media_of(seen)), text_of(map.router(23456)));
	EXPECT_EQ(text_of(rtcp_of(seen)), text_of(map.router(31001)));
}

TEST_P(bindings, R6_mapping_of_rtcp_alone)
{
	stun(rtcp, 31001);
	const std::string heard = "candidate:2 2 UDP 6 " + host_of(map.router(31001)) + " 31001 typ srflx raddr " +
				  host_of(rtcp) + " rport 20001";
	const std::string seen = offer_of({{rtp, "audio", "RTP/AVP 0", {a_rtcp(20001), heard}}});
	EXPECT_EQ(media_of(seen).port, 20000);
	EXPECT_EQ(rtcp_of(seen).port, 31001);
}

TEST_P(bindings, R7_rtcp_stays_next_to_rtp_where_the_text_cannot_say_more)
{
	stun(rtp, 23456);
	stun(rtcp, 31001);
	const std::string seen = offer_of({{rtp}});
	EXPECT_EQ(media_of(seen).port, 23456);
	EXPECT_EQ(rtcp_of(seen).port, 23457);
	const endpoint far_rtcp = map.outside(7, 30001);
	to_phone(phone, answer_at_server(seen, 200, {"far", "", sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	expect_audio(rtp, media_of(seen), far_media);
	expect_audio(rtcp, rtcp_of(seen), far_rtcp);
}

TEST_P(bindings, R6_mapping_of_the_other_parity_is_used_for_a_pair)
{
	stun(rtp, 23457);
	const std::string seen = offer_of({{rtp}});
	EXPECT_EQ(media_of(seen).port, 23457);
	EXPECT_EQ(rtcp_of(seen).port, 23458);
}

TEST_P(bindings, R6_mapping_of_the_other_parity_is_used_where_the_text_can_say_it)
{
	stun(rtp, 23457);
	const std::string seen = offer_of({{rtp, "audio", "RTP/AVP 0", {a_rtcp(20001)}}});
	EXPECT_EQ(media_of(seen).port, 23457);
	EXPECT_NE(rtcp_of(seen).port, 23457);
}

TEST_P(bindings, R7_mapping_whose_next_port_is_taken)
{
	stun(rtp, 23456);
	stun(map.inside(11, 7000), 23457);
	const std::string seen = offer_of({{rtp}});
	EXPECT_EQ(media_of(seen).port, 20000);
}

TEST_P(bindings, R6_mapping_that_another_binding_holds)
{
	// The other phone's call got that port before; the rules gave it out again since.
	gate.rules.taken_ports = {20000};
	set_range(23456, 23459);
	const endpoint other = map.inside(11, 5060), other_rtp = map.inside(11, 20000);
	call_out(other, other_rtp, far_media);
	const std::string seen = [&] {
		for (u16 port : {23456, 23458})
			stun(rtp, port);
		set_range(50000, 50003);
		return offer_of({{rtp}});
	}();
	EXPECT_GE(media_of(seen).port, 23456);
	EXPECT_NE(media_of(seen).port, media_of(offer_of({{map.inside(10, 20002)}})).port);
}

TEST_P(bindings, R6_reflexive_candidate_agrees_with_the_binding)
{
	const std::string in = host_of(phone), out = host_of(map.router(0));
	const auto lines = [&](const std::string &rtp_port, const std::string &rtcp_port, const std::string &host) {
		return std::vector<std::string>{
			"candidate:1 1 UDP 9 " + host + " " + rtp_port + " typ host", "candidate:1 2 UDP 8 " + host + " " + rtcp_port + " typ host",
			"candidate:2 1 UDP 7 " + out + " " + (host == in ? "23456" : rtp_port) + " typ srflx raddr " + host + " rport " + rtp_port,
			"candidate:2 2 UDP 6 " + out + " " + (host == in ? "31001" : rtcp_port) + " typ srflx raddr " + host + " rport " + rtcp_port};
	};
	const auto expect_all = [&](const std::string &seen, u16 port) {
		for (const auto &line : lines(std::to_string(port), std::to_string(port + 1), out))
			EXPECT_NE(seen.find("a=" + line + "\r\n"), seen.npos) << line << "\n" << seen;
		EXPECT_EQ(text_of(media_of(seen)), text_of(map.router(port)));
	};
	gate.rules.taken_ports = {20000};
	const std::vector<media_line> media = {{rtp, "audio", "RTP/AVP 0", lines("20000", "20001", in)}};
	expect_all(offer_of(media), 23456);	// no mapping any more: its word counts
	gate.end_all();
	stun(rtp, 24444);
	stun(rtcp, 31001);
	expect_all(offer_of(media), 24444);
	gate.end(rtp, map.outside(90, 3478));
	expect_all(offer_of(media), 24444);	// the binding stands
}

TEST_P(bindings, R6_candidates_of_other_sockets_are_left_alone)
{
	const std::string in = host_of(phone), out = host_of(map.router(0)), elsewhere = host_of(map.outside(77, 0));
	const std::vector<std::string> lines = {
		"candidate:1 1 TCP 9 " + in + " 9 typ host tcptype active", "candidate:2 1 TCP 9 " + in + " 20000 typ host tcptype passive",
		"candidate:3 1 UDP 9 " + out + " 41000 typ srflx raddr " + in + " rport 23000", "candidate:4 1 UDP 9 " + out + " 41000 typ srflx",
		"candidate:5 1 UDP 9 " + elsewhere + " 41000 typ relay raddr " + elsewhere + " rport 20000", "candidate:6 1 UDP 9 name.local 20000 typ host"};
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	gate.rules.taken_ports = {20000};
	const std::string seen = try_to_server(phone, request(d, "INVITE", sdp_of(phone, {{rtp, "audio", "RTP/AVP 0", lines}}))).bytes;
	EXPECT_NE(media_of(seen).port, 20000);
	for (const auto &line : lines)
		EXPECT_NE(seen.find("a=" + line + "\r\n"), seen.npos) << line << "\n" << seen;
}

TEST_P(bindings, R6_mapping_below_1024_is_none)
{
	stun(rtp, 1000);
	EXPECT_EQ(media_of(offer_of({{rtp}})).port, 20000);
}

TEST_P(bindings, R7_pair_where_rtp_was_bound_alone_and_its_next_port_was_taken_since)
{
	gate.rules.taken_ports = {20000};
	set_range(50000, 50101);
	const std::string first = offer_of({{rtp, "audio", "RTP/AVP 0", {a_rtcp(20000)}}});
	const endpoint alone = media_of(first);
	EXPECT_EQ(rtcp_of(first).port, alone.port);
	gate.rules.taken_ports.insert(alone.port + 1);
	const std::string second = offer_of({{rtp}});
	EXPECT_NE(media_of(second).port, alone.port) << "RTCP could not be next to it";
	to_phone(phone, answer_at_server(first, 200, {"far", "", sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	const endpoint there = map.outside(8, 30000);
	to_phone(phone, answer_at_server(second, 200, {"far", "", sdp_of(there, {{there}}), {}, outer(phone)}));
	expect_audio(rtp, alone, far_media);
	expect_audio(rtp, media_of(second), there);
	expect_audio(rtcp, rtcp_of(second), map.outside(8, 30001));
}

TEST_P(bindings, R7_pair_where_rtp_was_bound_alone)
{
	gate.rules.taken_ports = {20000};
	const std::string first = offer_of({{rtp, "audio", "RTP/AVP 0", {a_rtcp(20000)}}});
	const std::string second = offer_of({{rtp}});
	EXPECT_EQ(text_of(media_of(second)), text_of(media_of(first)));
}

TEST_P(bindings, R8_pairs_that_overlap_stay_in_a_row)
{
	take(20000, 20003);
	const std::string seen = offer_of({{rtcp, "video"}, {rtp}});
	EXPECT_EQ(rtcp_of(seen, 1).port, media_of(seen, 0).port);
	EXPECT_EQ(rtcp_of(seen, 0).port, media_of(seen, 0).port + 1);
	to_phone(phone, answer_at_server(seen, 200, {"far", "", sdp_of(far_media, {{far_media}, {map.outside(8, 30000)}}), {}, outer(phone)}));
	expect_audio(map.inside(10, 20002), rtcp_of(seen, 0), map.outside(7, 30001));
}

TEST_P(bindings, R8_further_pairs_of_one_line)
{
	take(20000, 20005);
	const auto text = [](const std::string &sdp) { return with(sdp, "000 RTP", "000/3 RTP"); };
	const std::string seen = offer(text(sdp_of(phone, {{rtp}})));
	const u16 first = media_of(seen).port;
	EXPECT_NE(seen.find("m=audio " + std::to_string(first) + "/3 RTP/AVP 0\r\n"), seen.npos);
	to_phone(phone, answer_at_server(seen, 200, {"far", "", text(sdp_of(far_media, {{far_media}})), {}, outer(phone)}));
	for (u16 i = 0; i < 6; i++)
		expect_audio(map.inside(10, static_cast<u16>(20000 + i)), map.router(static_cast<u16>(first + i)),
			     map.outside(7, static_cast<u16>(30000 + i)));
	EXPECT_EQ(gate.expectation_count(), 12u);
}

TEST_P(bindings, R8_further_pairs_with_rtcp_elsewhere)
{
	take(20000, 20003);
	const std::string seen = offer(with(sdp_of(phone, {{rtp, "audio", "RTP/AVP 0", {a_rtcp(20010)}}}), "000 RTP", "000/2 RTP"));
	const std::string answer = with(sdp_of(far_media, {{far_media}}), "000 RTP", "000/2 RTP");
	to_phone(phone, answer_at_server(seen, 200, {"far", "", answer, {}, outer(phone)}));
	const u16 first = media_of(seen).port;
	expect_audio(map.inside(10, 20002), map.router(first + 2), map.outside(7, 30002));
	expect_audio(map.inside(10, 20003), map.router(first + 3), map.outside(7, 30003));
	expect_audio(map.inside(10, 20010), rtcp_of(seen), map.outside(7, 30001));
}

TEST_P(bindings, R8_further_ports_of_what_is_not_rtp)
{
	take(20000, 20001);
	const std::string seen = offer(with(sdp_of(phone, {{rtp, "image", "udptl t38"}}), "000 udptl", "000/2 udptl"));
	const std::string answer = with(sdp_of(far_media, {{far_media, "image", "udptl t38"}}), "000 udptl", "000/2 udptl");
	to_phone(phone, answer_at_server(seen, 200, {"far", "", answer, {}, outer(phone)}));
	expect_audio(rtcp, map.router(media_of(seen).port + 1), map.outside(7, 30001));
	EXPECT_EQ(gate.expectation_count(), 4u);
}

TEST_P(bindings, R8_more_pairs_than_we_follow)
{
	for (const char *ports : {"20000/5", "20000/65535", "65534/2", "65530/4"}) {
		const std::string sdp = with(sdp_of(phone, {{rtp}}), "20000", ports);
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		EXPECT_NE(try_to_server(phone, request(d, "INVITE", sdp)).bytes.find(std::string("m=audio ") + ports + " RTP"), sdp.npos);
	}
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_too_many_ports), 4u);
}

TEST_P(bindings, R3_each_step_of_a_run_may_fail)
{
	take(20000, 20003);
	gate.send(phone, server, "\r\n\r\n");
	const std::vector<media_line> lines = {{rtp, "audio", "RTP/AVP 0", {a_rtcp(20001)}}, {map.inside(10, 20010), "video"}};
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = request(d, "INVITE", with(sdp_of(phone, lines), "20010 ", "20010/3 "));
	const u32 before = live_objects();
	u32 refused = 0;
	for (u32 n = 1; n < 200; n++) {
		set_faults({.kinds = fault_alloc | fault_replace, .strike_at = n});
		const std::string got = try_to_server(phone, sent).bytes;
		const bool struck = fault_struck();
		set_faults({});
		if (!struck)
			break;
		if (got == sent) {
			refused++;
			EXPECT_EQ(live_objects(), before) << "step " << n;
			continue;
		}
		EXPECT_EQ(leak_in(got, map), "");
		gate.end_all();
		gate.send(phone, server, "\r\n\r\n");
	}
	EXPECT_GT(refused, 8u) << "each of the eight bindings at least";
}

TEST_P(bindings, R21_repeated_offers_are_the_same)
{
	take(20000, 20003);
	stun(map.inside(10, 20001), 31001);
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sdp = sdp_of(phone, {{rtp, "audio", "RTP/AVP 0", {a_rtcp(20001)}}, {map.inside(10, 20010), "video"}});
	const std::string sent = request(d, "INVITE", with(sdp, "20010 ", "20010/2 "));
	const std::string once = to_server(phone, sent);
	const u32 objects = live_objects();
	EXPECT_EQ(to_server(phone, sent), once);
	EXPECT_EQ(live_objects(), objects);
}

TEST_P(bindings, R8_sixty_lines_whose_pairs_overlap)
{
	std::vector<media_line> lines;
	for (u16 i = 0; i < 60; i++)
		lines.push_back({map.inside(10, static_cast<u16>(20000 + i))});
	const std::string sdp = sdp_of(phone, lines);
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = request(d, "INVITE", sdp);
	EXPECT_EQ(try_to_server(phone, sent).bytes, sent) << "longer than a run may be";
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 1u);
	EXPECT_EQ(live_objects(), 0u);
}

// A rule of DNAT leads that port to a server: what is known of it is who came by it.
TEST_P(bindings, S6_port_that_is_forwarded_is_not_given_away_while_it_is_used)
{
	const endpoint server_inside = map.inside(5, 12000), own = map.inside(10, 12000);
	const endpoint someone = map.outside(7, 40000);
	gate.rules.forward[map.router(12000)] = server_inside;
	EXPECT_TRUE(gate.send(someone, map.router(12000), "x").arrived_at(server_inside));
	const endpoint outside = media_of(offer_of({{own}}));
	EXPECT_NE(outside.port, 12000);
	EXPECT_TRUE(gate.send(map.outside(8, 40000), map.router(12000), "x").arrived_at(server_inside));
}

} // namespace core_test

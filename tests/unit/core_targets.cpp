// SPDX-License-Identifier: GPL-2.0
// Where the other end of a call may lead media to: outside, and inside to what a call there has
// named itself. S4, R14, R25.
#include "core_scene.h"

namespace core_test {

class targets : public core_scene {
protected:
	void route_only()
	{
		gate.rules.masquerade = false;
		gate.rules.default_route = true;
	}
	std::string offer(const endpoint &from = {})
	{
		const endpoint own = from.family ? from : phone;
		const endpoint media = sip::with_port(own, rtp.port);
		caller = dialog_of("alice", own, "sip:bob@example.com");
		return gate.send(own, server, request(caller, "INVITE", sdp_of(media, {{media}}))).bytes;
	}
	void answer(const std::string &seen, const media_line &at, const endpoint &to = {})
	{
		const endpoint own = to.family ? to : phone;
		const std::string sdp = sdp_of(at.rtp, {at});
		const std::string reply = answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(own)});
		EXPECT_TRUE(gate.send(server, outer(own), reply).arrived_at(own));
		learn(caller, reply);
	}
	// Pinholes that let packets go to that socket, or come from its host.
	u32 ways_with(const endpoint &host) const
	{
		u32 found = 0;
		for (const sipx_pinhole &p : gate.expectations())
			found += sip::same_address(p.source, host) ||
				 (sip::same_address(p.destination, host) && p.destination.port == host.port);
		return found;
	}
	// The server tells the second phone what the first one's offer became, and that answers.
	std::string second_is_called(const std::string &seen)
	{
		gate.send(second, server, "\r\n\r\n");
		dialog d = dialog_of("alice", server, "sip:second@example.com");
		d.target = "sip:second@" + text_of(outer(second));
		const std::string asked = gate.send(server, outer(second), request(d, "INVITE", body_of(seen))).bytes;
		const std::string sdp = sdp_of(second_rtp, {{second_rtp}});
		return gate.send(second, server, respond(asked, 200, {"second", "<sip:s@" + text_of(second) + ">", sdp, {}, {}})).bytes;
	}
	std::string in(const endpoint &e) { return " IN " + family_of(e) + " " + host_of(e); }

	endpoint phone = map.inside(10, 5060), rtp = map.inside(10, 20000);
	endpoint second = map.inside(20, 5060), second_rtp = map.inside(20, 21000);
	endpoint far_media = map.outside(7, 30000);
	dialog caller;
};
FOR_BOTH_FAMILIES(targets);

TEST_P(targets, S4_the_other_end_opens_no_way_to_the_router_or_to_a_host_inside)
{
	gate.rules.denied_ports = {5353, 11211};
	for (const endpoint &victim : {map.inside(20, 5353), map.inside(20, 11211), map.inside(20, 40000),
				       map.router(5351), map.router(40000), map.inside(1, 1900)}) {
		const std::string seen = offer();
		answer(seen, {victim});
		EXPECT_EQ(ways_with(victim), 0u) << text_of(victim);
		EXPECT_TRUE(gate.send(server, media_of(seen), "rtp").arrived_at(rtp)) << "the peer's own media comes in";
		gate.end(phone, server);
		gate.end(server, media_of(seen));
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_media_not_outside), 4u);
	EXPECT_EQ(gate.count(SIPX_COUNT_port_denied), 2u);
}

TEST_P(targets, S4_the_other_end_of_a_routed_call_opens_no_way_to_a_host_inside)
{
	route_only();
	gate.rules.denied_ports = {11211};
	for (const endpoint &victim : {map.inside(20, 11211), map.inside(20, 40000)}) {
		answer(offer(), {victim});
		EXPECT_EQ(ways_with(victim), 0u) << text_of(victim);
		EXPECT_EQ(gate.expectation_count(), 2u) << "from the peer alone";
		gate.end(phone, server);
	}
}

TEST_P(targets, S4_the_other_end_opens_no_way_by_an_rtcp_line)
{
	for (const endpoint &victim : {map.inside(20, 40001), map.router(40001)}) {
		answer(offer(), {far_media, "audio", "RTP/AVP 0", {"rtcp:40001" + in(victim)}});
		EXPECT_EQ(ways_with(victim), 0u) << text_of(victim);
		EXPECT_EQ(ways_with(far_media), 2u) << "in and out, for RTP";
		gate.end(phone, server);
	}
}

// RFC 4145 4.1: who connects has port 9, and comes from any.
TEST_P(targets, S4_the_other_end_lets_no_host_inside_come_in)
{
	gate.rules.values[SIPX_SETTING_TCP_MEDIA] = 1;
	const endpoint own = map.inside(10, 20010);
	for (const endpoint &victim : {map.inside(20, 9), map.router(9)}) {
		caller = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string seen = to_server(phone, request(caller, "INVITE", sdp_of(own, {{own, "message", "TCP/MSRP *", {"setup:passive"}}})));
		answer(seen, {victim, "message", "TCP/MSRP *", {"setup:active"}});
		EXPECT_EQ(ways_with(victim), 0u) << text_of(victim);
		gate.end(phone, server);
	}
}

TEST_P(targets, R14_what_another_call_inside_has_named_is_reached)
{
	for (bool nat : {true, false}) {
		gate.rules.masquerade = nat;
		gate.rules.default_route = !nat;
		gate.rules.shift_ports = nat;
		gate.send(phone, server, "\r\n\r\n");
		const std::string seen = offer();
		const std::string answered = second_is_called(seen);
		answer(seen, {media_of(answered)});
		EXPECT_TRUE(gate.send(rtp, media_of(answered), "rtp").expected) << nat;
		EXPECT_TRUE(gate.send(second_rtp, media_of(seen), "rtp").expected) << nat;
		EXPECT_TRUE(gate.send(sip::with_port(rtp, 20001), rtcp_of(answered), "rtcp").expected) << nat;
		EXPECT_EQ(gate.count(SIPX_COUNT_media_not_outside), 0u) << nat;
		gate.end_all();
		EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
	}
}

TEST_P(targets, S4_what_no_call_inside_names_any_more_is_not_reached)
{
	for (bool nat : {true, false}) {
		gate.rules.masquerade = nat;
		gate.rules.default_route = !nat;
		const std::string answered = second_is_called(offer());
		const endpoint told = media_of(answered);
		gate.end(second, server);
		const endpoint third = map.inside(30, 5060);
		answer(offer(third), {told}, third);
		EXPECT_EQ(ways_with(told), 0u) << nat;
		gate.end_all();
	}
}

TEST_P(targets, S4_the_deny_list_counts_for_what_a_call_inside_has_named)
{
	for (bool nat : {true, false}) {
		gate.rules.masquerade = nat;
		gate.rules.default_route = !nat;
		gate.rules.denied_ports = {21000};
		const std::string seen = offer();
		const std::string answered = second_is_called(seen);
		answer(seen, {media_of(answered)});
		for (const sipx_pinhole &p : gate.expectations())
			EXPECT_FALSE(sip::same_endpoint(p.destination, media_of(answered))) << nat;
		gate.end_all();
	}
}

TEST_P(targets, R14_media_hosts_are_reached_but_for_denied_ports)
{
	route_only();
	gate.rules.media_hosts = {host_of(second)};
	gate.rules.denied_ports = {11211};
	answer(offer(), {second_rtp});
	EXPECT_TRUE(gate.send(rtp, second_rtp, "rtp").expected);
	gate.end(phone, server);
	answer(offer(), {map.inside(20, 11211)});
	EXPECT_EQ(ways_with(map.inside(20, 11211)), 0u);
}

// A re-INVITE that leads there, and is refused, leaves the media where it was.
TEST_P(targets, S4_a_change_that_leads_inside_is_as_if_nothing_had_been_said)
{
	const std::string seen = offer();
	answer(seen, {far_media});
	expect_audio(rtp, media_of(seen), far_media);
	dialog back = answering(seen, "bob", server);
	back.local_tag = "far";
	back.target = "sip:alice@" + text_of(outer(phone));
	const endpoint victim = map.inside(20, 40000);
	const std::string got = to_phone(phone, request(back, "INVITE", sdp_of(victim, {{victim}})));
	EXPECT_EQ(ways_with(victim), 0u);
	to_server(phone, respond(got, 488, {"", "", "", {}, {}}));
	EXPECT_EQ(ways_with(far_media), 3u) << "RTP and RTCP come in, RTP goes out";
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(targets, S4_addresses_that_no_media_has)
{
	if (GetParam() != SIPX_IPV6)
		return;
	for (const char *host : {"::ffff:127.0.0.1", "::ffff:10.0.0.5", "::ffff:198.51.100.7", "::10.0.0.5", "::1", "fe80::1",
				 "fec0::1", "feff::1", "100::1", "ff02::1", "64:ff9b::a00:5", "64:ff9b::7f00:1", "64:ff9b::c0a8:105",
				 "2002:a00:5::1", "2002:7f00:1::1", "2002:ac10:1::1", "2002:6440:1::1"}) {
		const endpoint named = at("[" + std::string(host) + "]:30000");
		answer(offer(), {named});
		EXPECT_EQ(ways_with(named), 0u) << host;
		gate.end(phone, server);
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_media_bad_address), 17u);
}

TEST_P(targets, R8_addresses_that_stand_for_a_public_ipv4_address)
{
	if (GetParam() != SIPX_IPV6)
		return;
	for (const char *host : {"64:ff9b::c633:6407", "2002:c633:6407::1", "64:ff9b:1::a00:5", "2001:db8:7::1", "fd12::1"}) {
		gate.rules.inside = {"fd00:"};
		const endpoint named = at("[" + std::string(host) + "]:30000");
		const std::string seen = offer();
		answer(seen, {named});
		expect_audio(rtp, media_of(seen), named);
		gate.end_all();
	}
}

} // namespace core_test

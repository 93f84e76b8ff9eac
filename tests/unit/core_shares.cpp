// SPDX-License-Identifier: GPL-2.0
// One host takes all that it can get of what hosts share, or many addresses do so together: a
// bystander gets its place, and keeps what it has (S7).
#include "core_scene.h"

namespace core_test {

class shares : public core_scene {
protected:
	endpoint phone = map.inside(10, 5060);
	endpoint good = map.inside(11, 5060), good_rtp = map.inside(11, 21000);
	endpoint far_media = map.outside(7, 30000);

	// An INVITE that nobody answers, of one stream for each even port from `first` on.
	void invite(const endpoint &from, u32 first, u32 streams)
	{
		dialog d = dialog_of("flood", from, "sip:x@example.com");
		std::vector<media_line> lines;
		for (u32 i = 0; i < streams; i++)
			lines.push_back({sip::with_port(from, static_cast<u16>(first + 2 * i))});
		gate.send(from, server, request(d, "INVITE", sdp_of(from, lines)));
	}

	// From a port of that host, with a Via and a Contact that name another one of its own.
	void options(u32 host, u32 from, u32 listens)
	{
		dialog d = dialog_of("x", map.inside(host, static_cast<u16>(listens)), "sip:x@example.com");
		d.via = text_of(map.inside(host, static_cast<u16>(listens)));
		gate.send(map.inside(host, static_cast<u16>(from)), server, request(d, "OPTIONS"));
	}

	// Requests for a time that nobody answers, of four hosts; then that of a bystander.
	void ask(const char *method)
	{
		gate.rules.values[SIPX_SETTING_MAX_REGISTRATIONS] = 20;
		gate.rules.values[SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST] = 5;
		for (u32 host = 100; host < 104; host++)
			for (u32 n = 0; n < 5; n++) {
				const endpoint from = map.inside(host, 5060);
				const std::string user = "u" + std::to_string(n);
				dialog d = dialog_of(user, from, "sip:" + user + "@example.com");
				gate.send(from, server, request(d, method, "", {{"Expires", "3600"}}));
			}
		EXPECT_LE(live_objects(SIPX_SLAB_REGISTRATION), 20u);
	}

	// The bystander asks for a call, and hears what is answered.
	std::string ring(const endpoint &caller, const endpoint &media)
	{
		dialog d = dialog_of("alice", caller, "sip:bob@example.com");
		return to_server(caller, request(d, "INVITE", sdp_of(media, {{media}})));
	}

	void answer(const endpoint &caller, const endpoint &media, const std::string &seen)
	{
		to_phone(caller, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, outer(caller)}));
		expect_audio(media, media_of(seen), far_media);
	}
};
FOR_BOTH_FAMILIES(shares);

TEST_P(shares, S7_calls_of_many_streams_that_nobody_answers_leave_the_ports_of_the_range_to_others)
{
	gate.rules.values[SIPX_SETTING_MEDIA_PORT_MIN] = 10000;
	gate.rules.values[SIPX_SETTING_MEDIA_PORT_MAX] = 11999;
	gate.rules.shift_ports = true;
	for (u32 n = 0; n < 17; n++)
		invite(phone, 10000 + 120 * n, 60);
	register_phone(good, "bob");
	placed_call call = call_out(good, map.inside(11, 10500), far_media);
	expect_audio(map.inside(11, 10500), media_of(call.invite), far_media);
	EXPECT_GT(gate.count(SIPX_COUNT_no_port), 0u);
}

TEST_P(shares, S7_one_host_that_names_every_port_is_held_to_what_a_host_may_have)
{
	for (u32 port = 1024; port + 128 <= 65536; port += 128)
		invite(phone, port, 64);
	EXPECT_LE(live_objects(SIPX_SLAB_BINDING), gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST]);
	EXPECT_GT(gate.count(SIPX_COUNT_limit_media_host), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u);
	answer(good, good_rtp, ring(good, good_rtp));
}

TEST_P(shares, S7_answered_calls_of_one_host_take_no_more_ports_and_pinholes_than_a_host_may_have)
{
	gate.rules.expectations_max = 64;
	gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST] = 24;
	u32 refused = 0;
	for (u16 n = 0; n < 10; n++) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		std::vector<media_line> near, far;
		for (u16 i = 0; i < 4; i++) {
			near.push_back({map.inside(10, static_cast<u16>(30000 + 8 * n + 2 * i))});
			far.push_back({map.outside(7, static_cast<u16>(40000 + 8 * n + 2 * i))});
		}
		const std::string offer = request(d, "INVITE", sdp_of(phone, near));
		const std::string seen = gate.send(phone, server, offer).bytes;
		refused += seen == offer;
		if (seen != offer)
			to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(map.outside(7, 1), far), {}, outer(phone)}));
	}
	EXPECT_EQ(refused, 7u);
	EXPECT_LE(gate.expectation_count(), 48u);
	EXPECT_GE(gate.count(SIPX_COUNT_limit_media_host), 7u);
	placed_call later = call_out(good, good_rtp, map.outside(7, 31000));
	expect_audio(good_rtp, media_of(later.invite), map.outside(7, 31000));
}

TEST_P(shares, S7_where_nothing_is_translated_a_host_has_no_more_pinholes_than_it_may)
{
	gate.rules.masquerade = false;
	gate.rules.default_route = true;
	gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST] = 8;
	for (u32 n = 0; n < 10; n++)
		invite(phone, 30000 + 8 * n, 4);
	EXPECT_EQ(gate.expectation_count(), 16u);
	EXPECT_GT(gate.count(SIPX_COUNT_limit_media_host), 0u);
}

TEST_P(shares, S7_doors_of_a_flood_give_way_to_an_answered_call_and_come_back)
{
	gate.rules.expectations_max = 12;
	placed_call before = call_out(good, good_rtp, map.outside(7, 31000));
	for (u32 n = 0; n < 20; n++)
		options(10, 6000 + n, 7000 + n);
	placed_call later = call_out(good, map.inside(11, 22000), map.outside(7, 32000));
	expect_audio(map.inside(11, 22000), media_of(later.invite), map.outside(7, 32000));
	expect_audio(good_rtp, media_of(before.invite), map.outside(7, 31000));
	hang_up_inside(good, later, false);
	gate.advance(3);
	const u32 doors = gate.expectation_count(SIPX_CLASS_SIGNALLING);
	options(10, 6000, 7000);
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_SIGNALLING), doors + 1);
}

TEST_P(shares, S7_a_door_that_a_registrar_keeps_open_gives_way_to_nobody)
{
	gate.rules.expectations_max = 9;
	const endpoint listens = map.inside(10, 7777);
	dialog d = dialog_of("carol", listens, "sip:carol@example.com");
	d.target = "sip:example.com";
	const std::string seen = to_server(phone, request(d, "REGISTER", "", {{"Expires", "3600"}}));
	reply_parts parts;
	parts.seen_from = outer(phone);
	parts.contact = line_of(seen, "Contact") + ";expires=3600";
	to_phone(phone, answer_at_server(seen, 200, parts));
	const u32 before = gate.expectation_count(SIPX_CLASS_SIGNALLING);
	ASSERT_EQ(before, 1u);
	call_out(good, good_rtp, map.outside(7, 31000));
	call_out(good, map.inside(11, 22000), map.outside(7, 32000));
	call_out(good, map.inside(11, 23000), map.outside(7, 33000));
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_SIGNALLING), before);
	EXPECT_EQ(gate.expectation_count(), 9u);
}

TEST_P(shares, S7_connections_of_a_host_that_have_a_door_alone_are_bounded)
{
	register_phone(map.inside(10, 5061), "alice");
	for (u32 n = 0; n < 1500; n++)
		options(10, 6000 + n, 20000 + n);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 1024u);
	EXPECT_LE(gate.expectation_count(), 1024u);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_connections_host), 477u);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 1u);
	// one that was forgotten is learned anew
	options(10, 6000, 20000);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 1024u);
}

TEST_P(shares, S7_registrations_that_nobody_grants_take_no_place_of_a_bystander)
{
	ask("REGISTER");
	register_phone(good, "bob");
	EXPECT_GT(gate.count(SIPX_COUNT_limit_registrations), 0u);
	// and what is granted is nobody's to take
	ask("REGISTER");
	EXPECT_NE(gate.show_registrations().find(" live inside=" + text_of(good)), std::string::npos);
}

TEST_P(shares, S7_subscriptions_that_nobody_grants_take_no_place_of_a_bystander)
{
	ask("SUBSCRIBE");
	register_phone(good, "bob");
}

TEST_P(shares, S7_a_registration_on_its_way_stands_while_others_have_more)
{
	gate.rules.values[SIPX_SETTING_MAX_REGISTRATIONS] = 20;
	dialog d = dialog_of("bob", good, "sip:bob@example.com");
	d.target = "sip:example.com";
	const std::string seen = to_server(good, request(d, "REGISTER", "", {{"Expires", "3600"}}));
	ask("REGISTER");
	ask("REGISTER");
	reply_parts parts;
	parts.seen_from = outer(good);
	parts.contact = line_of(seen, "Contact") + ";expires=3600";
	to_phone(good, answer_at_server(seen, 200, parts));
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
}

TEST_P(shares, S7_many_addresses_that_call_leave_a_call_that_rings_at_another)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 5;
	const std::string seen = ring(good, good_rtp);
	for (u32 host = 100; host < 105; host++)
		for (u32 n = 0; n < 5; n++)
			invite(map.inside(host, 5060), 40000 + 2 * n, 1);
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 20u);
	answer(good, good_rtp, seen);
}

// Addresses that somebody makes up have one call each, as the bystander does.
TEST_P(shares, S7_addresses_that_no_registrar_knows_leave_the_call_of_one_that_it_knows)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	register_phone(good, "bob");
	const std::string seen = ring(good, good_rtp);
	for (u32 host = 100; host < 140; host++)
		invite(map.inside(host, 5060), 40000, 1);
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 20u);
	answer(good, good_rtp, seen);
}

TEST_P(shares, S7_a_call_that_rings_inside_stands_while_others_call_from_many_addresses)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	register_phone(good, "bob");
	dialog caller = dialog_of("carol", server, "sip:bob@example.com");
	caller.target = "sip:bob@" + text_of(outer(good));
	const std::string rings = to_phone(good, request(caller, "INVITE", sdp_of(far_media, {{far_media}})));
	for (u32 host = 100; host < 110; host++)
		for (u32 n = 0; n < 3; n++)
			invite(map.inside(host, 5060), 40000 + 2 * n, 1);
	const std::string answered = to_server(good, respond(rings, 200, {"t", "<sip:bob@" + text_of(good) + ">", sdp_of(good_rtp, {{good_rtp}}), {}, {}}));
	expect_audio(good_rtp, media_of(answered), far_media);
}

// Whoever has one address of IPv6 has all that share its first 64 bits.
TEST_P(shares, S7_all_addresses_of_one_ipv6_network_together_leave_an_eighth_to_others)
{
	if (GetParam() != SIPX_IPV6)
		return;
	const endpoint other = at("[fd00:0:0:1::9]:5060"), other_rtp = at("[fd00:0:0:1::9]:21000");
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	const std::string seen = ring(other, other_rtp);
	for (u32 host = 100; host < 150; host++)
		invite(map.inside(host, 5060), 40000, 1);
	EXPECT_GT(gate.count(SIPX_COUNT_limit_calls), 0u);
	answer(other, other_rtp, seen);
}

// Answered calls are nobody's to take: what they take, they take before others need it.
TEST_P(shares, S7_answered_calls_of_all_addresses_of_one_ipv6_network_leave_an_eighth_to_others)
{
	if (GetParam() != SIPX_IPV6)
		return;
	const endpoint other = at("[fd00:0:0:1::9]:5060"), other_rtp = at("[fd00:0:0:1::9]:21000");
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	u32 answered = 0;
	for (u32 n = 0; n < 30; n++) {
		const endpoint caller = map.inside(100 + n, 5060), media = map.inside(100 + n, 20000);
		dialog d = dialog_of("alice", caller, "sip:bob@example.com");
		const std::string offer = request(d, "INVITE", sdp_of(media, {{media}}));
		const std::string seen = gate.send(caller, server, offer).bytes;
		answered += seen != offer;
		if (seen != offer)
			answer(caller, media, seen);
	}
	EXPECT_GE(answered, 16u);
	EXPECT_LE(answered, 18u);
	answer(other, other_rtp, ring(other, other_rtp));
}

// Of too many connections of a host those that have nothing left are forgotten, also one whose call
// asked last for the pinholes of another one's.
TEST_P(shares, S7_R10_pinhole_of_two_calls_outlives_the_connection_that_was_forgotten)
{
	placed_call one = call_out(good, good_rtp, far_media);
	const endpoint first = server;
	server = map.outside(66, 5060);
	placed_call two = call_out(good, good_rtp, far_media);
	hang_up_inside(good, two, false);
	for (u32 n = 0; n < 4; n++) {
		gate.advance(10);
		gate.send(good, server, "\r\n\r\n");
	}
	const endpoint second = server;
	server = first;
	for (u32 n = 0; n < 1024; n++)
		options(11, 6000 + n, 30000 + n);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_connections_host), 2u);
	EXPECT_EQ(gate.find(good, second)->data.connection, nullptr);
	gate.end(good, second);
	expect_audio(good_rtp, media_of(one.invite), far_media);
}

// Nothing is there that expires: it is looked for all the same.
TEST_P(shares, S11_bare_connection_that_lost_the_helper_is_found)
{
	options(11, 6000, 30000);
	ASSERT_EQ(live_objects(SIPX_SLAB_CONNECTION), 1u);
	ASSERT_TRUE(gate.change_helper(map.inside(11, 6000), server, false));
	gate.advance(1000000);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 0u);
}

// A call that asks for more than its host may have does not give way to itself: it keeps what it has.
TEST_P(shares, S7_call_that_asks_for_too_much_keeps_what_it_has)
{
	gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST] = 4;
	dialog d = dialog_of("alice", good, "sip:bob@example.com");
	const std::string offer = sdp_of(good_rtp, {{good_rtp}});
	const std::string seen = to_server(good, request(d, "INVITE", offer));
	std::vector<media_line> lines;
	for (u16 i = 0; i < 4; i++)
		lines.push_back({map.inside(11, static_cast<u16>(22000 + 2 * i))});
	const std::string more = request(d, "UPDATE", sdp_of(good, lines));
	EXPECT_EQ(gate.send(good, server, more).bytes, more);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_media_host), 1u);
	answer(good, good_rtp, seen);
}

// Whom a registrar has come to know yields after those that none knows, also what it had before.
TEST_P(shares, S7_first_registration_of_a_host_counts_at_once)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	const std::string seen = ring(good, good_rtp);
	register_phone(good, "bob");
	for (u32 host = 100; host < 140; host++)
		invite(map.inside(host, 5060), 40000, 1);
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 20u);
	answer(good, good_rtp, seen);
}

TEST_P(shares, S7_nothing_is_left_of_hosts_and_networks_when_all_is_over)
{
	invite(phone, 30000, 4);
	options(10, 6000, 7000);
	register_phone(good, "bob");
	gate.end_all();
	EXPECT_EQ(live_objects(SIPX_SLAB_HOST), 0u);
	EXPECT_EQ(live_objects(), 0u);
}

} // namespace core_test

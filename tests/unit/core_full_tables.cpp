// SPDX-License-Identifier: GPL-2.0
// Where tables are full: who gives way, who does not, and how much of it is done at once (S7).
#include "core_crowded.h"

namespace core_test {

class full_tables : public crowded_scene {
protected:
	endpoint other_network(u32 host, u16 port) const
	{
		const std::string text = std::to_string(host) + (GetParam() == SIPX_IPV6 ? "]:" : ":") + std::to_string(port);
		return at((GetParam() == SIPX_IPV6 ? "[fd00:0:0:1::" : "10.0.0.") + text);
	}
	void expect_call_of(const endpoint &phone, u16 port = 21000)
	{
		const endpoint media = sip::with_port(phone, port), far = map.outside(7, 32000);
		const placed_call call = call_out(phone, media, far);
		expect_audio(media, media_of(call.invite), far);
	}
	void answered_besides(bool ends);
	endpoint good = map.inside(11, 5060);
};
FOR_BOTH_FAMILIES(full_tables);

class full_networks : public full_tables {};	// of 64 bits
INSTANTIATE_TEST_SUITE_P(core, full_networks, testing::Values(SIPX_IPV6), [](const auto &) { return "ipv6"; });

// The sweep stops in the oldest connection, which ends before it goes on: the call that moves to another
// one, which the sweep has passed, is looked at by nobody.
TEST_P(full_tables, S7_what_moves_while_the_tick_rests_ends)
{
	gate.rules.values[SIPX_SETTING_ANSWERED_TIMEOUT] = 100;
	const endpoint phone = map.inside(12, 5060), direct = map.outside(5, 5060);
	register_phone(phone, "pbx");
	gate.advance_ms(500);
	for (u32 n = 0; n < 300; n++) {
		dialog d = dialog_of("x", phone, "sip:x@example.com");
		const std::string offer = request(d, "INVITE");
		const std::string seen = to_server(phone, offer);
		to_phone(phone, answer_at_server(seen, 486, {"far", "", "", {}, outer(phone)}));
	}
	const endpoint media = map.inside(12, 20000), far_media = map.outside(7, 30000);
	dialog caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = request(caller, "INVITE", sdp_of(media, {{media}}));
	const std::string seen = to_server(phone, sent);
	const std::string session = sdp_of(far_media, {{far_media}});
	const reply_parts parts{"far", "<sip:bob@" + text_of(direct) + ">", session, {}, outer(phone)};
	learn(caller, to_phone(phone, answer_at_server(seen, 200, parts)));
	ASSERT_TRUE(gate.send(phone, direct, ack(caller, sent)).arrived_at(direct));
	ASSERT_EQ(live_objects(SIPX_SLAB_CALL), 301u);
	gate.advance_ms(32100);
	ASSERT_EQ(live_objects(SIPX_SLAB_CALL), 301u);
	ASSERT_EQ(sipx_core_tick(gate.state()), SIPX_TICK_AT_ONCE);
	gate.end(phone, server);
	while (sipx_core_tick(gate.state()) == SIPX_TICK_AT_ONCE)
		;
	ASSERT_EQ(live_objects(SIPX_SLAB_CALL), 1u);
	for (u32 t = 0; t < 30; t++) {
		gate.advance(20);
		gate.send(phone, direct, "\r\n\r\n");
	}
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u) << gate.show_calls();
}

// Calls that share their pinholes get others with their answers: each may, as it has one already.
TEST_P(full_tables, S7_who_shares_pinholes_has_no_more_than_others)
{
	limit_ports(1000, 4);
	const endpoint greedy = map.inside(100, 5060), media = map.inside(100, 40000);
	std::vector<std::string> seen;
	for (u32 n = 0; n < 30; n++) {
		dialog d = dialog_of("greedy", greedy, "sip:x@example.com");
		seen.push_back(to_server(greedy, request(d, "INVITE", sdp_of(media, {{media}}))));
	}
	EXPECT_LE(gate.expectation_count(), 8u);
	for (u32 n = 0; n < 30; n++) {
		const endpoint far = map.outside(60 + n, 32000);
		const reply_parts parts{"far" + std::to_string(n), "<sip:bob@" + text_of(server) + ">",
					sdp_of(far, {{far}}), {}, outer(greedy)};
		to_phone(greedy, answer_at_server(seen[n], 200, parts));
	}
	EXPECT_LE(gate.expectation_count(), 8u);
}

// One answered call walks over the sockets of those that nobody answers: their pinholes never yield again.
TEST_P(full_tables, S7_one_answered_call_makes_no_others_last)
{
	gate.rules.expectations_max = 64;
	std::vector<placed_call> calls;
	for (u32 host = 100; host < 104; host++) {
		const endpoint from = map.inside(host, 5060);
		calls.push_back(call_out(from, sip::with_port(from, 9000), map.outside(1, 40000)));
	}
	for (u32 n = 0; n < 40; n++) {
		const endpoint from = map.inside(100 + n % 4, 5060), far = map.outside(1, 40000);
		const endpoint rtp = sip::with_port(from, static_cast<u16>(10000 + 2 * n));
		invite(100 + n % 4, rtp.port, 1);
		placed_call &call = calls[n % 4];
		const std::string again = request(call.caller, "INVITE", sdp_of(rtp, {{rtp}}));
		const std::string seen = to_server(from, again);
		const reply_parts parts{call.called.local_tag, call.called.contact, sdp_of(far, {{far}}), {},
					outer(from)};
		to_phone(from, answer_at_server(seen, 200, parts));
		to_server(from, ack(call.caller, again));
	}
	EXPECT_GE(gate.expectation_count(), 63u);
	expect_call_of(good);
}

// Many phones of a network are registered at doors before one of it takes all there is: what that one has goes.
TEST_P(full_networks, S7_a_crowd_behind_many_doors)
{
	const u32 phones = 140;
	gate.rules.expectations_max = 280 + phones;
	for (u32 n = 0; n < phones; n++)
		register_door(map.inside(1000 + n, 5060), map.inside(1000 + n, 5080));
	const endpoint flooder = map.inside(99, 5060);
	for (u16 n = 0; n < 70; n++)
		call_out(flooder, sip::with_port(flooder, static_cast<u16>(24000 + 2 * n)),
			 map.outside(9, static_cast<u16>(40000 + 2 * n)));
	EXPECT_EQ(gate.expectation_count(), 280 + phones);
	expect_call_of(other_network(5, 5060));
}

// A network with an accomplice who is its registrar: all places are doors that last.
TEST_P(full_tables, S7_doors_of_one_network_leave_pinholes)
{
	gate.rules.expectations_max = 64;
	for (u32 n = 0; n < 80; n++)
		register_door(map.inside(99, static_cast<u16>(6000 + n)), map.inside(99, static_cast<u16>(8000 + n)));
	EXPECT_EQ(gate.expectation_count(), 64u);
	expect_call_of(other_network(5, 5060));
}

// More than the tick looks at in a second.
TEST_P(full_tables, S7_many_doors_that_the_kernel_has_closed)
{
	const u32 hosts = 16, each = 250;
	gate.rules.expectations_max = hosts * each;
	for (u32 host = 100; host < 100 + hosts; host++)
		for (u32 n = 0; n < each; n++) {
			dialog d = dialog_of("x", map.inside(host, static_cast<u16>(8000 + n)), "sip:x@example.com");
			d.via = text_of(map.inside(host, static_cast<u16>(8000 + n)));
			gate.send(map.inside(host, static_cast<u16>(6000 + n)), server, request(d, "OPTIONS"));
		}
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_SIGNALLING), hosts * each);
	for (u32 t = 0; t < 100 && gate.expectation_count(SIPX_CLASS_SIGNALLING) > hosts * each / 2; t++) {
		if (t % 15 == 14)
			for (u32 host = 100; host < 100 + hosts; host++)
				for (u32 n = 0; n < each; n++)
					gate.send(map.inside(host, static_cast<u16>(6000 + n)), server, "\r\n\r\n");
		gate.advance(1);
	}
	for (u32 host = 130; host < 180; host++)
		invite(host, 30000, 60);
	EXPECT_EQ(gate.expectation_count(), hosts * each);
	expect_call_of(good);
}

// Two answered calls of one socket with one media server: when one is over the other one keeps its
// pinhole, and those that nobody has answered yield.
void full_tables::answered_besides(bool ends)
{
	gate.rules.expectations_max = 64;
	const endpoint pbx = map.inside(12, 5060), rtp = map.inside(12, 20000), far = map.outside(7, 30000);
	placed_call first = call_out(pbx, rtp, far);
	placed_call second = call_out(pbx, rtp, map.outside(7, 31000));
	for (u16 n = 0; n < 4; n++)
		call_out(pbx, sip::with_port(pbx, static_cast<u16>(22000 + 2 * n)),
			 map.outside(7, static_cast<u16>(33000 + 2 * n)));
	if (ends)
		hang_up_inside(pbx, second, false);
	for (u32 host = 100; host < 140; host++)
		invite(host, 10000, 1);
	EXPECT_EQ(gate.expectation_count(), 64u);
	call_out(good, sip::with_port(good, 21000), map.outside(8, 32000));
	expect_audio(rtp, media_of(first.invite), far);
}
TEST_P(full_tables, S7_an_answered_call_does_not_yield_when_another_ends) { answered_besides(true); }
TEST_P(full_tables, S7_nor_when_the_other_stays) { answered_besides(false); }

// Registrations that end at once end in one part.
TEST_P(full_tables, S7_registrations_end_in_parts)
{
	for (u32 host = 100; host < 120; host++)
		for (u32 n = 0; n < 300; n++)
			register_phone(map.inside(host, 5060), "u" + std::to_string(n), 60);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 6000u);
	const u32 before = gate.tick_parts;
	gate.advance(62);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 0u);
	EXPECT_GT(gate.tick_parts, before);
}

// So do the streams of a few calls: 200 calls of 60 are 12,000, and 24,000 pinholes.
TEST_P(full_tables, S7_streams_end_in_parts)
{
	gate.rules.expectations_max = 100000;
	for (u32 host = 100; host < 150; host++)
		for (u32 n = 0; n < 4; n++)
			invite(host, 10000 + 200 * n, 60);
	EXPECT_GE(live_objects(SIPX_SLAB_STREAM), 11000u);
	const u32 before = gate.tick_parts;
	gate.advance(301);
	EXPECT_EQ(live_objects(SIPX_SLAB_STREAM), 0u);
	EXPECT_GT(gate.tick_parts, before);
}

// With more than 4096 connections each second all are looked at, for good.
TEST_P(full_tables, S7_many_connections_are_not_looked_at_all_the_time)
{
	for (u32 host = 100; host < 145; host++)
		for (u32 n = 0; n < 100; n++)
			register_phone(map.inside(host, static_cast<u16>(6000 + n)), "u", 3600);
	gate.advance(40);
	const u32 before = gate.tick_parts;
	gate.advance(100);
	EXPECT_LE(gate.tick_parts - before, 4u);
}

// Those that wait longest name one socket, 300 of them: they end in vain.
TEST_P(full_tables, S7_many_calls_of_one_socket_are_not_in_the_way)
{
	register_phone(good, "bob");
	limit_range(400);
	for (u32 n = 0; n < 300; n++)
		invite(100, 10000, 1);
	for (u32 n = 1; n < 200; n++)
		invite(100 + n % 2, 10000 + 2 * n, 1);
	const u32 before = live_objects(SIPX_SLAB_CALL);
	const endpoint rtp = sip::with_port(good, 10050);
	dialog d = dialog_of("bob", good, "sip:bob@example.com");
	const std::string offer = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	EXPECT_EQ(leak_in(gate.send(good, server, offer).bytes, map), "") << before << ' ' << live_objects(SIPX_SLAB_CALL);
}

// Each call of the strangers names, last, one socket of its host that all do: none is ended for a port.
TEST_P(full_tables, S7_a_shared_last_line_is_not_in_the_way)
{
	register_phone(good, "bob");
	limit_range(800);
	for (u32 n = 0; n < 450; n++) {
		const endpoint from = map.inside(100 + n % 2, 5060);
		dialog d = dialog_of("flood", from, "sip:x@example.com");
		const std::vector<media_line> lines = {{sip::with_port(from, static_cast<u16>(10000 + 2 * n))},
						       {sip::with_port(from, static_cast<u16>(30000 + 2 * (n % 2)))}};
		gate.send(from, server, request(d, "INVITE", sdp_of(from, lines)));
	}
	const endpoint rtp = sip::with_port(good, 10050);
	dialog d = dialog_of("bob", good, "sip:bob@example.com");
	const std::string offer = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	EXPECT_EQ(leak_in(gate.send(good, server, offer).bytes, map), "");
}

} // namespace core_test

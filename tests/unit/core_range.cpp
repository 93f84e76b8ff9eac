// SPDX-License-Identifier: GPL-2.0
// How an outside port is found where most of the range is taken (S7).
#include "core_crowded.h"

namespace core_test {

class full_range : public crowded_scene {
protected:
	// Fifty hosts that take what is not wanted by fifty others, in a range of so many pairs.
	template<typename F>
	void fifty_besides(u32 bindings, F held)
	{
		for (u32 round = 0; round < 10; round++) {
			limit_range(100);
			for (u32 host = 100; host < 150; host++)
				held(host);
			ASSERT_EQ(live_objects(SIPX_SLAB_BINDING), bindings);
			for (u32 host = 150; host < 200; host++)
				invite(host, 10000, 1);
			EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u) << round;
			EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 100u) << round;
			gate.end_all();
		}
	}
	// A call of `good` finds its ports.
	void expect_ports(u16 port)
	{
		const endpoint rtp = sip::with_port(good, port);
		dialog bob = dialog_of("bob", good, "sip:bob@example.com");
		const std::string offer = request(bob, "INVITE", sdp_of(rtp, {{rtp}}));
		EXPECT_EQ(leak_in(gate.send(good, server, offer).bytes, map), "");
	}
	endpoint good = map.inside(11, 5060);
};
FOR_BOTH_FAMILIES(full_range);

// Chance does not find them among so many.
TEST_P(full_range, S7_the_last_pairs_of_the_range_are_found)
{
	const u32 pairs = 500, left = 8;
	limit_range(2 * pairs);
	for (u32 n = left; n < pairs; n++)
		invite(100 + n % 20, 10000 + 2 * n, 1);
	for (u32 n = 0; n < left; n++)
		call_out(good, sip::with_port(good, static_cast<u16>(10100 + 2 * n)), map.outside(7, 32000));
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), pairs) << "nobody had to give way";
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u);
}

// Each number is held over TCP: over UDP all of them are free, down to the last.
TEST_P(full_range, S7_ports_of_the_other_protocol_hide_none)
{
	fifty_besides(50, [this](u32 host) { invite(host, 10000, 1, "message", "TCP/MSRP *"); });
}

TEST_P(full_range, S7_ports_of_the_other_family_hide_none)
{
	const places others{static_cast<u8>(GetParam() == SIPX_IPV6 ? SIPX_IPV4 : SIPX_IPV6)};
	fifty_besides(100, [&](u32 host) {
		const endpoint from = others.inside(host, 5060), rtp = others.inside(host, 10000);
		dialog d = dialog_of("x", from, "sip:x@example.com");
		gate.send(from, others.outside(1, 5060), request(d, "INVITE", sdp_of(from, {{rtp}})));
	});
}

// One call ends, and leaves a pair besides the single port that was looked at: nobody else has to go.
TEST_P(full_range, S7_one_call_that_leaves_a_pair_is_enough)
{
	register_phone(good, "bob");
	limit_range(8);
	gate.rules.taken_ports.insert(10001);
	call_out(map.inside(12, 5060), map.inside(12, 10006), map.outside(7, 32000));
	const endpoint greedy = map.inside(100, 5060);
	dialog d = dialog_of("flood", greedy, "sip:x@example.com");
	gate.send(greedy, server, request(d, "INVITE", sdp_of(greedy, {{sip::with_port(greedy, 10002)},
								      {sip::with_port(greedy, 10000), "image", "udptl t38"}})));
	invite(100, 10004, 1);
	ASSERT_EQ(live_objects(SIPX_SLAB_CALL), 3u);
	ASSERT_EQ(live_objects(SIPX_SLAB_BINDING), 7u) << "six of pairs, and one of its own";
	expect_ports(10006);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 3u) << gate.show_calls();
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 1u);
}

// 300 numbers in a row are taken by others than bindings; 212 are free.
TEST_P(full_range, S7_a_row_of_taken_ports_is_not_in_the_way)
{
	limit_range(1024);
	for (u32 port = 10000; port < 10600; port++)
		gate.rules.taken_ports.insert(static_cast<u16>(port));
	for (u32 n = 0; n < 100; n++)
		invite(100 + n, 10000, 1);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 100u);
}

// Nine tenths are taken, as by 10,000 calls of the usual range; strides that divide the range meet few places.
TEST_P(full_range, S7_a_tenth_is_always_found)
{
	const u32 pairs = 1000;
	limit_range(2 * pairs);
	u32 seed = 1;
	for (u32 n = 0; n < pairs; n++)
		if ((seed = seed * 1664525 + 1013904223) >> 8 >= (1u << 24) / 10) {
			gate.rules.taken_ports.insert(static_cast<u16>(10000 + 2 * n));
			gate.rules.taken_ports.insert(static_cast<u16>(10001 + 2 * n));
		}
	for (u32 n = 0; n < 3000; n++) {
		invite(100, 10000, 1);
		gate.end_all();
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u) << "of 3000";
}

// First a call ends in vain, the port of which has a neighbour that the router listens at; then a connection that has a
// port to listen at: the pair that this one leaves is taken.
TEST_P(full_range, S7_what_a_connection_leaves_after_a_call_is_taken)
{
	register_phone(good, "bob");
	limit_range(60);
	const endpoint greedy = map.inside(100, 5060);
	std::vector<media_line> lines;
	for (u16 port = 10000; port < 10032; port += 2) {
		gate.rules.taken_ports.insert(static_cast<u16>(port + 1));
		lines.push_back({sip::with_port(greedy, port), "image", "udptl t38"});
	}
	dialog d = dialog_of("flood", greedy, "sip:x@example.com");
	gate.send(greedy, server, request(d, "INVITE", sdp_of(greedy, lines)));
	ASSERT_EQ(live_objects(SIPX_SLAB_BINDING), 16u);
	for (u16 n = 0; n < 14; n++) {
		const endpoint from = map.inside(101, static_cast<u16>(2000 + n));
		dialog x = dialog_of("x", from, "sip:x@example.com");
		x.contact = "<sip:x@" + text_of(sip::with_port(from, static_cast<u16>(20000 + 2 * n))) + ">";
		gate.send(from, server, request(x, "OPTIONS"));
	}
	ASSERT_EQ(live_objects(SIPX_SLAB_BINDING), 30u);
	expect_ports(10040);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 15u) << "13 that listen and a pair";
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 2u);
}

} // namespace core_test

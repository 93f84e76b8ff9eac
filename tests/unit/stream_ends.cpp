// SPDX-License-Identifier: GPL-2.0
// The stream engine segment by segment: beginnings and ends of connections, and peers that
// mean harm.
#include <algorithm>
#include <numeric>

#include "stream_desk.h"

namespace {

using namespace model;
using sip::stream_count;

const std::string text = make_message(2, 300, 17), changed = translate(text);
const u32 here = static_cast<u32>(text.size()), there = static_cast<u32>(changed.size());

sip::stream_segment syn_of(u8 direction, u32 seq, u32 ack = 0)
{
	sip::stream_segment syn{};
	syn.direction = direction;
	syn.syn = true;
	syn.has_ack = ack;
	syn.seq = seq;
	syn.ack = ack;
	syn.window = 60000;
	return syn;
}

TEST(stream_ends, T6_both_open_at_once)
{
	desk at;
	at.carry(syn_of(0, client_isn));
	at.carry(syn_of(1, server_isn));
	at.carry(syn_of(0, client_isn, server_isn + 1));
	at.carry(syn_of(1, server_isn, client_isn + 1));
	at.carry(at.segment(0, 0, 0));
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	at.carry(at.segment(1, 0, there, text));
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.ack, here);
}

// The client began anew before it was answered.
TEST(stream_ends, T6_a_syn_again_with_another_number)
{
	desk at;
	at.carry(syn_of(0, client_isn + 777777));
	at.carry(syn_of(0, client_isn));
	at.carry(syn_of(0, client_isn));
	at.carry(syn_of(1, server_isn, client_isn + 1));
	at.carry(at.segment(0, 0, 0));
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.seq, 0u);
}

// RFC 5961 3.2: only the number that is expected next ends the connection.
TEST(stream_ends, T6_S6_a_forged_rst_ends_nothing)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 100));
	for (const u32 off : {5u, 1000u, 70000u, 0u - 300}) {
		sip::stream_segment rst = at.segment(0, 100 + off, 0);
		rst.rst = true;
		at.carry(rst);
		EXPECT_FALSE(at.stream.reset) << off;
	}
	at.hear(1);
	EXPECT_EQ(at.ack, 100u);
	at.say(100, text.substr(100));
	EXPECT_EQ(at.out, changed.substr(1));
	sip::stream_segment rst = at.segment(0, here, 0);
	rst.rst = true;
	at.carry(rst);
	EXPECT_EQ(at.seq, there);
	EXPECT_TRUE(at.stream.reset);
}

// RFC 1122 4.2.3.6: a keep-alive may have one byte, and any.
TEST(stream_ends, T6_the_byte_of_a_keep_alive_is_never_read)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 100));
	at.hear(1);
	at.say(99, "\x01");
	EXPECT_EQ(at.out, "I");
	EXPECT_EQ(at.seq, 0u);
	at.say(100, text.substr(100));
	EXPECT_EQ(at.out, changed.substr(1));
	at.say(here - 1, "\x01");
	EXPECT_EQ(at.out, changed.substr(at.seq, at.out.size()));
	at.hear(there);
	at.say(here - 1, "\x01");
	EXPECT_EQ(at.seq, there - 1);
	at.say(here, text);
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.seq, there);
}

// RFC 9293 3.8.6.1: the byte that asks for the window is part of the stream.
TEST(stream_ends, T5_a_sender_asks_for_the_window_with_a_byte)
{
	desk at;
	at.shake_hands(client_isn, server_isn, 0);
	sip::stream_segment closed = at.segment(1, 0, 0);
	closed.window = 0;
	for (u32 i = 0; i < 5; i++) {
		at.say(0, text.substr(0, 1));
		EXPECT_EQ(at.out, "I");
		EXPECT_EQ(at.seq, 0u);
		at.carry(closed);
		EXPECT_EQ(at.ack, 0u);
	}
	closed.ack++;	// room for one byte
	at.carry(closed);
	EXPECT_EQ(at.ack, 1u);
	at.say(1, text.substr(1));
	EXPECT_EQ(at.out, "I");	// old: it asks again
	EXPECT_EQ(at.seq, 0u);
	at.hear(1);
	EXPECT_EQ(at.last.emission.seq - client_isn - 1, 1u);
	EXPECT_EQ(std::string(at.last.emission.payload.data(), at.last.emission.payload.size()), changed.substr(1));
}

TEST(stream_ends, T6_a_retransmission_that_has_the_fin)
{
	desk at;
	at.shake_hands();
	const auto finish = [&](u32 from) {
		sip::stream_segment fin = at.segment(0, from, 0, text.substr(from));
		fin.fin = true;
		at.carry(fin);
	};
	at.say(0, text.substr(0, 300));
	finish(300);
	EXPECT_TRUE(at.last.fin);
	EXPECT_EQ(at.seq + at.out.size(), there);
	for (const u32 from : {0u, 100u, 299u, 300u, here - 1, here}) {
		finish(from);
		EXPECT_TRUE(at.last.fin) << from;
		EXPECT_EQ(at.seq + at.out.size(), there) << from;
		EXPECT_EQ(at.out, changed.substr(at.seq)) << from;
	}
	// FIN takes a number
	at.hear(there + 1);
	EXPECT_EQ(at.ack, here + 1);
	EXPECT_EQ(at.live, 0u);
	// half-closed: the other way goes on
	at.carry(at.segment(1, 0, there + 1, text));
	EXPECT_EQ(at.out, changed);
	// data behind FIN are no data
	at.say(here + 1, text);
	EXPECT_EQ(at.seq, there + 1);
	sip::stream_segment fin = at.segment(1, here, there + 1);
	fin.fin = true;
	at.carry(fin);
	EXPECT_EQ(at.seq, there);
	EXPECT_TRUE(at.stream.flows[0].ended && at.stream.flows[1].ended);
}

TEST(stream_ends, T3_an_aggregate_of_64_KB_with_a_half_at_its_end)
{
	std::string all, expected;
	while (all.size() + text.size() < 65000) {
		all += text;
		expected += changed;
	}
	desk at;
	at.shake_hands(client_isn, server_isn, 250000);
	at.say(0, all + text.substr(0, 250));
	std::string read = at.out;
	EXPECT_EQ(at.seq, 0u);
	while (read.size() < expected.size()) {
		at.hear(static_cast<u32>(read.size()));
		const std::string more(at.last.emission.payload.data(), at.last.emission.payload.size());
		ASSERT_FALSE(more.empty());
		read += more;
	}
	EXPECT_EQ(read, expected);
	at.hear(static_cast<u32>(read.size()));
	EXPECT_EQ(at.ack, all.size() + 250);
	at.say(static_cast<u32>(all.size()) + 250, text.substr(250));
	EXPECT_EQ(at.out, changed);
}

// ---- who means harm --------------------------------------------------------------------

TEST(stream_ends, S7_acknowledgements_that_lie)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	for (const u32 lie : {there + 1, there + 100000, 0x7fffffffu, 0x80000001u, 0u - 1, 0u - 100000})
		at.hear(lie);
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	at.hear(there - 50);
	const u32 told = at.ack;
	at.hear(20);	// backwards
	EXPECT_LE(at.ack, told);
	at.hear(there - 50);
	EXPECT_EQ(at.ack, told);
	EXPECT_LT(told, here);
	at.hear(there);
	EXPECT_EQ(at.ack, here);
	EXPECT_EQ(at.live, 0u);
}

TEST(stream_ends, S7_blocks_that_lie_say_nothing)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	const sip::stream_range lies[] = {
		{there + 1, there + 100}, {50, 10}, {50, 50}, {0u - 100, 20}, {10, there + 1},
		{0x80000000u, 0x90000000u},
	};
	for (const sip::stream_range &lie : lies) {
		sip::stream_segment in = at.segment(1, 0, 5);
		in.sack_count = 1;
		in.sacks[0] = {client_isn + 1 + lie.left, client_isn + 1 + lie.right};
		at.carry(in);
		EXPECT_EQ(at.last.sack, sip::sack_fate::blank) << lie.left;
	}
	at.say(0, text);
	EXPECT_EQ(at.out, changed.substr(at.seq));
}

TEST(stream_ends, S7_a_window_that_lies_gets_one_burst)
{
	std::string large = make_message(4, 60000, 30), expected = translate(large);
	desk at;
	at.shake_hands(client_isn, server_isn, 1u << 30);
	for (u32 i = 0; i < large.size(); i += 1000)
		at.say(i, large.substr(i, 1000));
	EXPECT_LE(at.out.size(), 14600u);
	EXPECT_EQ(at.out, expected.substr(at.seq, at.out.size()));
}

// RFC 793 had it that the newest wins, stacks differ; what was taken is what is translated.
TEST(stream_ends, S1_of_two_that_differ_the_first_counts)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 200));
	at.hear(1);
	at.say(150, std::string(50, 'X') + text.substr(200));
	EXPECT_EQ(at.out, changed.substr(1));
	at.say(100, std::string(here - 100, 'Y'));
	EXPECT_EQ(at.out, changed.substr(at.seq, at.out.size()));
	at.hear(there);
	// beyond a hole it is the same
	const u32 next = here;
	at.say(next + 100, text.substr(100, 100));
	at.say(next + 50, std::string(100, 'Z').replace(0, 50, text.substr(50, 50)) + text.substr(150));
	at.say(next, text.substr(0, 50));
	EXPECT_EQ(at.out, changed);
}

// Each byte moves a few times at most, whatever the order: linear.
TEST(stream_ends, S7_S8_64_KB_byte_by_byte_in_any_order)
{
	std::string large = make_message(4, 64000, 30);
	const u32 size = static_cast<u32>(large.size());
	std::vector<u32> order(size);
	for (u32 kind = 0; kind < 4; kind++) {
		std::iota(order.begin(), order.end(), 0);
		if (kind == 1)
			std::reverse(order.begin() + 1, order.end());
		if (kind == 2)	// every other byte first
			std::stable_partition(order.begin(), order.end(), [](u32 i) { return i % 2; });
		if (kind == 3)
			std::shuffle(order.begin(), order.end(), std::mt19937(1));
		desk at;
		at.from = 20;	// behind what is let out
		at.shake_hands(client_isn, server_isn, 1u << 20);
		for (const u32 i : order)
			at.say(i, large.substr(i, 1));
		EXPECT_LE(at.pieces, 40u) << kind;
		EXPECT_LE(at.most, 3u * 131072) << kind;
		// what was not kept, its sender says again
		for (u32 i = 0; i < size; i += 1000)
			at.say(i, large.substr(i, 1000));
		EXPECT_EQ(at.counted(stream_count::translated), 1u) << kind;
	}
}

TEST(stream_ends, S7_segments_from_everywhere_hold_no_more_than_their_share)
{
	std::mt19937 random(3);
	desk at;
	at.shake_hands(client_isn, server_isn, 1u << 20);
	const std::string bytes(60000, 'x');
	for (u32 i = 0; i < 20000; i++) {
		at.say(1 + random() % (i % 3 ? 300000 : 0xffffffffu), bytes.substr(0, random() % (i % 5 ? 20 : 60000)));
		ASSERT_LE(at.live, 262144u);
	}
	at.say(0, text);
	EXPECT_EQ(at.out.substr(0, 200), changed.substr(0, 200));
}

} // namespace

// SPDX-License-Identifier: GPL-2.0
// Segments of who knows the addresses and ports of a connection, and not its numbers.
#include "stream_desk.h"

namespace {

using namespace model;

const std::string text = make_message(2, 300, 17), changed = translate(text);
const std::string evil = make_message(2, 300, 99), next = make_message(3, 300, 5);
const u32 here = static_cast<u32>(text.size()), there = static_cast<u32>(changed.size());

// RFC 5961 5.2: its acknowledgement is one that nobody can have sent.
sip::stream_segment forged(desk &at, u32 seq, const std::string &bytes)
{
	return at.segment(0, seq, 0x40000000, bytes);
}

TEST(stream_forged, S6_bytes_beyond_a_hole_with_an_impossible_acknowledgement_are_not_kept)
{
	desk at;
	at.shake_hands();
	at.carry(forged(at, here, evil));
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	at.say(here, next);
	EXPECT_EQ(at.out, translate(next));
}

TEST(stream_forged, S6_bytes_in_order_with_an_impossible_acknowledgement_are_not_taken)
{
	desk at;
	at.shake_hands();
	at.carry(forged(at, 0, evil));	// its receiver drops it: nothing new
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
}

// RFC 5961 4.2: any number will do for the stranger. Conntrack lets such a SYN pass where it goes
// the way of the first one.
TEST(stream_forged, S6_a_syn_for_an_end_that_has_said_nothing_yet)
{
	desk at;
	at.shake_hands();
	at.carry(at.segment(1, 0, 0, text));
	EXPECT_EQ(at.out, changed);	// and is lost
	sip::stream_segment syn{};
	syn.syn = true;
	syn.seq = client_isn + 12345678;
	syn.window = 60000;
	at.carry(syn);
	at.carry(at.segment(1, 0, 0, text));
	EXPECT_EQ(at.out, changed);
}

// Conntrack lets a SYN with ACK pass where it goes the other way.
TEST(stream_forged, S6_a_syn_that_answers_nothing)
{
	desk at;
	at.shake_hands();
	sip::stream_segment syn = at.segment(1, 12345678, 0x40000000);
	syn.syn = true;
	at.carry(syn);
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	at.carry(at.segment(1, 0, there, text));
	EXPECT_EQ(at.out, changed);
}

// What is passed through takes nothing of what was kept beyond a hole: nobody is told so.
TEST(stream_forged, T6_what_will_not_be_taken_is_not_acknowledged)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(there);
	at.say(here + 100, next.substr(100));
	sip::stream_segment urgent = at.segment(0, here, 0, next.substr(0, 50));
	urgent.urgent = true;
	at.carry(urgent);
	EXPECT_EQ(at.out, next.substr(0, 50));
	sip::stream_segment duplicate = at.segment(1, 0, there);
	duplicate.sack_count = 1;
	duplicate.sacks[0] = {client_isn + 1 + there - 1, client_isn + 1 + there};	// RFC 2883
	at.carry(duplicate);
	EXPECT_NE(at.last.sack, sip::sack_fate::replace);
}

// No window is so large (RFC 7323 2.3): what may be acknowledged is what can have arrived.
TEST(stream_forged, T4_a_fin_that_is_far_away_was_not_sent)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	sip::stream_segment fin = at.segment(0, here, 0, "x");
	fin.fin = true;
	at.carry(fin);
	fin = at.segment(0, here + 0x7fffff00, 0);
	fin.fin = true;
	at.carry(fin);
	EXPECT_EQ(at.stream.flows[0].out_sent - client_isn - 1, there + 2);
}

// RFC 7323 5.3: a stranger's timestamp would make its receiver deaf to the true end.
TEST(stream_forged, S6_numbers_of_a_stranger_are_not_plausible)
{
	desk at;
	at.shake_hands();
	const auto is_plausible = [&at](const sip::stream_segment &in) {
		at.carry(in);
		return at.last.plausible;
	};
	EXPECT_TRUE(is_plausible(at.segment(0, 0, 0, text)));
	EXPECT_TRUE(is_plausible(at.segment(0, here, 0, "")));
	EXPECT_FALSE(is_plausible(forged(at, here, "")));
	EXPECT_FALSE(is_plausible(at.segment(0, here + (1 << 20), 0, "")));
	at.say(here, "no SIP at all\r\n\r\n");
	EXPECT_TRUE(is_plausible(at.segment(0, here + 18, 0, "x")));
	EXPECT_FALSE(is_plausible(at.segment(0, here + (1 << 20), 0, "x")));
}

} // namespace

// SPDX-License-Identifier: GPL-2.0
// The stream engine segment by segment: which numbers leave.
#include "stream_desk.h"

namespace {

using namespace model;

const std::string text = make_message(2, 300, 17), changed = translate(text);

TEST(stream_numbers, T1_what_is_held_is_acknowledged_by_the_probes_answer)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 200));
	EXPECT_EQ(at.seq, 0u);
	EXPECT_EQ(at.out, "I");
	at.hear(1);
	EXPECT_EQ(at.ack, 200u);
	at.say(200, text.substr(200, 10));
	EXPECT_EQ(at.seq, 0u);
	EXPECT_EQ(at.out, "I");
	at.hear(1);
	EXPECT_EQ(at.ack, 210u);
	at.say(210, text.substr(210));
	EXPECT_EQ(at.seq, 1u);
	EXPECT_EQ(at.out, changed.substr(1));
	// not all of it has arrived: the end is not acknowledged
	at.hear(static_cast<u32>(changed.size()) - 1);
	EXPECT_LT(at.ack, text.size());
	at.hear(static_cast<u32>(changed.size()));
	EXPECT_EQ(at.ack, text.size());
	EXPECT_EQ(sip::bytes_of_stream(at.stream), 0u);
}

TEST(stream_numbers, T2_the_first_unacknowledged_byte_stands_for_all_of_ours)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 200));
	at.hear(1);
	at.say(200, text.substr(200));
	at.say(200, text.substr(200, 10));	// again, and cut differently
	EXPECT_EQ(at.seq, 1u);
	EXPECT_EQ(at.out, changed.substr(1, at.out.size()));
	at.hear(150);
	EXPECT_EQ(at.ack, 200u);
	at.say(200, text.substr(200));
	EXPECT_EQ(at.seq, 150u);
	EXPECT_EQ(at.out, changed.substr(150));
}

TEST(stream_numbers, T7_what_was_let_out_cannot_change_any_more)
{
	desk at;
	at.from = 3;
	at.shake_hands();
	at.say(0, text.substr(0, 4));
	EXPECT_EQ(at.out, "INVI");
	at.hear(2);
	EXPECT_EQ(at.ack, 2u);
	at.say(4, text.substr(4));
	EXPECT_EQ(at.out, text.substr(at.seq));
	at.hear(static_cast<u32>(text.size()));
	EXPECT_EQ(at.ack, text.size());
	EXPECT_EQ(sip::bytes_of_stream(at.stream), 0u);
}

TEST(stream_numbers, T2_beyond_a_hole)
{
	desk at;
	at.shake_hands();
	at.say(100, text.substr(100));
	EXPECT_EQ(at.out.size(), 1u);
	EXPECT_EQ(at.counted(sip::stream_count::hole), 1u);
	at.hear(0);
	EXPECT_EQ(at.ack, 0u);
	at.say(0, text.substr(0, 100));
	EXPECT_EQ(at.out, changed);
	at.say(300000, text);	// so far away nobody is: not kept
	EXPECT_EQ(at.stream.flows[0].waiting, nullptr);
}

TEST(stream_numbers, T3_two_aggregates_are_more_than_a_packet)
{
	std::string half, expected;
	while (half.size() < 60000)
		half += text;
	for (size_t i = 0; i < 2 * half.size() / text.size(); i++)
		expected += changed;
	desk at;
	at.shake_hands(client_isn, server_isn, 250000);
	const u32 size = static_cast<u32>(half.size());
	at.say(size, half);
	EXPECT_EQ(at.counted(sip::stream_count::hole), 1u);
	at.say(0, half);
	EXPECT_EQ(at.seq, 0u);
	EXPECT_LE(at.out.size(), 65415u);
	std::string read = at.out;
	while (read.size() < expected.size()) {
		at.hear(static_cast<u32>(read.size()));
		ASSERT_EQ(at.last.emission.seq - client_isn - 1, read.size());
		read.append(at.last.emission.payload.data(), at.last.emission.payload.size());
	}
	EXPECT_EQ(read, expected);
	at.hear(static_cast<u32>(read.size()));
	EXPECT_EQ(at.ack, 2 * size);
}

TEST(stream_numbers, T3_sack_blocks)
{
	desk at;
	at.shake_hands();
	const std::string plain = make_message(5, 100, 0);
	const u32 size = static_cast<u32>(plain.size()), grown = static_cast<u32>(changed.size() - text.size());
	const auto hear_block = [&](u32 ack, u32 left, u32 right) {
		sip::stream_segment in = at.segment(1, 0, ack);
		in.sack_count = 1;
		in.sacks[0] = {client_isn + 1 + left, client_isn + 1 + right};
		at.carry(in);
	};
	at.say(0, plain);
	at.say(size, plain);
	hear_block(0, size, 2 * size);
	EXPECT_EQ(at.last.sack, sip::sack_fate::keep);
	at.say(2 * size, text);
	hear_block(0, 2 * size, 2 * size + 50);
	EXPECT_EQ(at.last.sack, sip::sack_fate::keep);
	at.hear(2 * size + static_cast<u32>(changed.size()));
	const u32 base = 2 * size + static_cast<u32>(text.size());
	at.say(base, plain);
	EXPECT_EQ(at.seq, base + grown);
	EXPECT_TRUE(at.last.same_payload);
	at.say(base + size, plain);
	hear_block(base + grown, base + grown + size, base + grown + 2 * size);
	ASSERT_EQ(at.last.sack, sip::sack_fate::replace);
	EXPECT_EQ(at.last.sacks[0].left - client_isn - 1, base + size);
	EXPECT_EQ(at.last.sacks[0].right - client_isn - 1, base + 2 * size);
	// of what it has acknowledged (RFC 2883): an answer to a probe
	hear_block(base + grown, base + grown - 1, base + grown);
	EXPECT_EQ(at.last.sack, sip::sack_fate::blank);
}

TEST(stream_numbers, T6_keep_alives_of_tcp_are_old_for_the_receiver_too)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()));
	const u32 end = static_cast<u32>(text.size());
	at.say(end - 1, "");
	EXPECT_EQ(at.seq, changed.size() - 1);
	at.say(end - 1, text.substr(end - 1));
	EXPECT_EQ(at.seq, changed.size() - 1);
	EXPECT_EQ(at.out.size(), 1u);
	at.say(end, "");
	EXPECT_EQ(at.seq, changed.size());
}

TEST(stream_numbers, T6_a_new_connection_on_old_numbers)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()));
	for (u8 side = 0; side < 2; side++) {
		sip::stream_segment fin = at.segment(side, side ? 0 : static_cast<u32>(text.size()), 0);
		fin.ack = at.stream.flows[!side].out_acked;
		fin.fin = true;
		at.carry(fin);
		EXPECT_TRUE(at.last.fin);
	}
	at.shake_hands(client_isn + 70000, server_isn + 100000);
	EXPECT_EQ(at.stream.flows[0].in_end, client_isn + 70001);
	EXPECT_EQ(at.stream.flows[0].out_end, client_isn + 70001);
	at.carry(at.segment(0, 70000, 100000, text));
	EXPECT_EQ(at.seq, 70000u);
	EXPECT_EQ(at.out, changed);
}

sip::stream_segment syn_of(u8 direction, u32 seq, u32 ack = 0)
{
	sip::stream_segment syn{};
	syn.direction = direction;
	syn.syn = true;
	syn.seq = seq;
	syn.ack = ack;
	syn.has_ack = ack != 0;
	syn.window = 60000;
	return syn;
}

// Neither end knows of the connection any more that the router still has, and one of them begins another
// with its ports. What it says first was translated so before.
void begin_anew(const std::string &said, u32 ahead)
{
	const std::string before = translate(said);
	desk at;
	at.shake_hands();
	at.say(0, said);
	at.hear(static_cast<u32>(before.size()));
	const u32 client = client_isn + ahead, server = server_isn + 77777777;
	at.carry(syn_of(0, client));
	EXPECT_EQ(at.last.seq, client);
	at.carry(syn_of(1, server, client + 1));
	EXPECT_EQ(at.last.seq, server);
	EXPECT_EQ(at.last.ack, client + 1);
	for (int i = 0; i < 3; i++) {	// and again
		sip::stream_segment data = at.segment(0, 0, 0, said);
		data.seq = client + 1;
		data.ack = server + 1;
		at.carry(data);
		EXPECT_EQ(at.last.seq, client + 1);
		EXPECT_EQ(at.out, before);
	}
	EXPECT_EQ(at.stream.flows[1].out_end, server + 1);
}

TEST(stream_numbers, T6_both_ends_begin_anew_on_the_same_ports)
{
	begin_anew(text, 0x30000000);
	begin_anew(text, 0u - 0x30000000);
	begin_anew(make_message(1, 50, 0), 0x30000000);	// nothing was shifted
}

// A SYN of a stranger is forgotten as soon as the connection goes on.
TEST(stream_numbers, T6_a_connection_that_went_on_is_not_begun_anew)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()));
	at.carry(syn_of(0, client_isn + 1000000));
	for (u32 n = 1; n < 100; n++) {	// both ends are well
		at.say(n * static_cast<u32>(text.size()), text);
		at.hear((n + 1) * static_cast<u32>(changed.size()));
	}
	at.carry(syn_of(1, server_isn + 2000000, client_isn + 1000001));
	at.say(100 * static_cast<u32>(text.size()), text);
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.seq, 100 * changed.size());
}

// One end alone has lost it. `ahead` 0: it begins each boot with the same number.
void one_end_begins_anew(u32 ahead, bool phone_lost_it)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()));
	const u32 client = client_isn + ahead, server = server_isn + 77777777;
	if (phone_lost_it) {
		at.carry(syn_of(0, client));
		at.hear(static_cast<u32>(changed.size()));	// challenge
		EXPECT_EQ(at.ack, text.size());
		sip::stream_segment rst = at.segment(0, static_cast<u32>(text.size()), 0);
		rst.rst = true;
		rst.has_ack = false;
		at.carry(rst);
		EXPECT_EQ(at.last.seq - client_isn - 1, changed.size());
	} else {
		sip::stream_segment rst = at.segment(1, 0, static_cast<u32>(changed.size()));
		rst.rst = true;
		at.carry(rst);
	}
	EXPECT_TRUE(at.stream.reset);
	at.carry(syn_of(0, client));
	EXPECT_EQ(at.last.seq, client);
	at.carry(syn_of(1, server, client + 1));
	EXPECT_EQ(at.last.ack, client + 1);
	sip::stream_segment data = at.segment(0, 0, 0, text);
	data.seq = client + 1;
	data.ack = server + 1;
	at.carry(data);
	EXPECT_EQ(at.last.seq, client + 1);
	EXPECT_EQ(at.out, changed);
}
TEST(stream_numbers, T6_the_phone_alone_begins_anew) { one_end_begins_anew(0x30000000, true); }
TEST(stream_numbers, T6_the_server_alone_has_lost_it) { one_end_begins_anew(0x30000000, false); }
TEST(stream_numbers, T6_the_server_alone_has_lost_it_and_the_same_number_comes_again) { one_end_begins_anew(0, false); }

TEST(stream_numbers, T6_who_answers_another_syn_than_was_sent_begins_nothing_anew)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()));
	at.carry(syn_of(0, client_isn + 1000000));
	at.carry(syn_of(1, server_isn + 2000000, client_isn + 1000000));	// one less
	at.carry(syn_of(0, client_isn + 3000000, client_isn + 1000001));	// of the wrong end
	at.carry(at.segment(0, static_cast<u32>(text.size()), 0, text));
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.seq, changed.size());
}

TEST(stream_numbers, T2_an_acknowledgement_overtakes_the_syn_before_it)
{
	desk at;
	for (u8 side = 0; side < 2; side++) {
		sip::stream_segment syn = at.segment(side, 0, 0);
		syn.seq--;
		syn.syn = true;
		syn.has_ack = side;
		if (side)
			at.carry(at.segment(side, 0, 0));
		at.carry(syn);
		EXPECT_EQ(at.last.seq, syn.seq);
	}
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
	EXPECT_EQ(at.counted(sip::stream_count::mid_stream), 0u);
}

TEST(stream_numbers, T6_a_strangers_syn_changes_nothing)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	sip::stream_segment syn = at.segment(0, 12345, 0);
	syn.syn = true;
	syn.has_ack = false;
	at.carry(syn);
	EXPECT_EQ(at.last.seq, syn.seq);
	at.hear(static_cast<u32>(changed.size()));
	EXPECT_EQ(at.ack, text.size());
}

// What leaves besides says what its end last said, and not what was late, forged or empty.
TEST(stream_numbers, T2_T6_an_emission_acknowledges_what_was_acknowledged_last)
{
	desk at;
	at.shake_hands(client_isn, server_isn, 100);
	sip::stream_segment answer = at.segment(1, 0, 0, text);
	answer.window = 100;
	at.carry(answer);
	const u32 there = static_cast<u32>(changed.size()), here = static_cast<u32>(text.size());
	at.carry(at.segment(0, 0, there, text));
	EXPECT_EQ(at.ack, here);
	sip::stream_segment old = at.segment(0, 0, 0);
	old.syn = true;
	old.has_ack = false;
	old.ack = 77;
	old.seq = client_isn;
	at.carry(old);
	sip::stream_segment rst = at.segment(0, 50000, 0);
	rst.rst = true;
	rst.has_ack = false;
	rst.ack = 0;
	at.carry(rst);
	at.carry(at.segment(0, here, there - 5));	// was overtaken
	at.carry(at.segment(0, here, there + 500));	// of what was never sent
	sip::stream_segment more = at.segment(1, here, 100);
	more.window = 100;
	at.carry(more);
	EXPECT_FALSE(at.last.emission.payload.empty());
	EXPECT_EQ(at.last.emission.ack - server_isn - 1, here);
}

TEST(stream_numbers, T6_urgent_data_end_the_translation)
{
	desk at;
	at.shake_hands();
	at.say(0, text.substr(0, 100));
	sip::stream_segment in = at.segment(0, 100, 0, text.substr(100));
	in.urgent = true;
	at.carry(in);
	EXPECT_EQ(at.seq, 1u);	// the first byte is out already
	EXPECT_EQ(at.out, text.substr(1));
	EXPECT_EQ(at.counted(sip::stream_count::urgent), 1u);
}

TEST(stream_numbers, T6_an_acknowledgement_of_what_never_left_frees_nothing)
{
	desk at;
	at.shake_hands();
	at.say(0, text);
	at.hear(static_cast<u32>(changed.size()) + 1);
	EXPECT_GT(sip::bytes_of_stream(at.stream), 0u);
	at.say(0, text);
	EXPECT_EQ(at.out, changed);
}

TEST(stream_numbers, T5_a_closed_window_gets_probes_and_the_rest_follows_its_opening)
{
	desk at;
	at.shake_hands(client_isn, server_isn, static_cast<u32>(changed.size()));
	at.say(0, text);
	sip::stream_segment closed = at.segment(1, 0, static_cast<u32>(changed.size()));
	closed.window = 0;
	at.carry(closed);
	const u32 next = static_cast<u32>(text.size()), there = static_cast<u32>(changed.size());
	at.say(next, text);
	EXPECT_EQ(at.seq, there - 1);
	EXPECT_EQ(at.out.size(), 1u);
	at.hear(there);	// and 60000 bytes of room
	EXPECT_EQ(at.last.emission.seq - client_isn - 1, there);
	EXPECT_EQ(std::string(at.last.emission.payload.data(), at.last.emission.payload.size()), changed);
}

// Both ends have lost it; an old acknowledgement of the server's comes late, between SYN and its answer.
TEST(stream_numbers, T6_begins_anew_though_an_old_segment_comes_between)
{
	for (bool late : {false, true}) {
		desk at;
		at.shake_hands();
		at.say(0, text);
		at.hear(static_cast<u32>(changed.size()));
		const u32 client = client_isn + 0x30000000;
		at.carry(syn_of(0, client));
		if (late)
			at.hear(static_cast<u32>(changed.size()));
		at.carry(syn_of(1, server_isn + 77777777, client + 1));
		EXPECT_EQ(at.last.ack, client + 1) << "late " << late;
	}
}

} // namespace

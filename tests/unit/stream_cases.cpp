// SPDX-License-Identifier: GPL-2.0
// The stream engine case by case: every cut, every habit, every end.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "stream_world.h"

namespace {

using namespace model;
using sip::stream_count;

std::string register_message() { return make_message(1, 0, 30); }
std::string invite() { return make_message(2, 300, 17); }
std::string ok() { return make_message(3, 250, -12, true); }

// Client and server on a good network; says when all was read.
class line {
public:
	explicit line(const habits &client = {}, const habits &server = {}, const weather &sky = {}, u32 seed = 7)
		: at(seed, sky, client, server)
	{
	}

	void say(const std::string &text, u32 when = 50)
	{
		at.later(when, [this, text] { at.client().write(text, at.now()); });
	}
	void answer(const std::string &text, u32 when = 50)
	{
		at.later(when, [this, text] { at.server().write(text, at.now()); });
	}
	void hang_up(u32 when)
	{
		at.later(when, [this] { at.client().close(at.now()); });
	}
	// Milliseconds until the server has read that, and everything is acknowledged.
	u32 until_read(const std::string &expected, u32 limit_ms = 120000)
	{
		const u32 start = at.now();
		const bool done = at.run(limit_ms, [&] {
			const bool all = at.server().received().size() >= expected.size();
			return all && at.client().all_acked() && at.now() >= start + 60;
		});
		EXPECT_TRUE(done) << at.state() << " " << at.error();
		EXPECT_EQ(at.server().received(), expected);
		EXPECT_FALSE(at.client().was_reset() || at.server().was_reset());
		return at.now() - start;
	}
	void go(const std::string &early = "") { at.connect(early); }
	u64 count(stream_count what) const { return at.seen().of(what); }

	world at;
};

void in_parts(line &call, const std::string &text, const std::vector<size_t> &cuts)
{
	size_t from = 0;
	u32 when = 50;
	for (const size_t cut : cuts) {
		call.say(text.substr(from, cut - from), when);
		from = cut;
		when += 15;
	}
	call.say(text.substr(from), when);
}

habits eager()
{
	habits how;
	how.nagle = false;
	return how;
}

TEST(stream_cases, T1_every_cut_in_two)
{
	for (const std::string &text : {register_message(), invite(), ok()})
		for (size_t cut = 1; cut < text.size(); cut++) {
			line call(eager());
			call.go();
			in_parts(call, text, {cut});
			EXPECT_LT(call.until_read(translate(text)), 600u) << cut;
		}
}

TEST(stream_cases, T1_cuts_in_three)
{
	const std::string text = invite();
	for (size_t first = 1; first < text.size(); first += 5)
		for (size_t second = first + 1; second < text.size(); second += 23) {
			line call(eager());
			call.go();
			in_parts(call, text, {first, second});
			EXPECT_LT(call.until_read(translate(text)), 600u) << first << " " << second;
		}
}

TEST(stream_cases, T1_T5_one_byte_per_segment_each_acknowledged)
{
	habits slow;
	slow.mss = 1;
	slow.wait_each_ack = true;
	const std::string text = make_message(4, 2700, 40);
	line call(slow);
	call.go();
	call.say(text);
	// a round trip for each byte, and not one delayed acknowledgement but the first words'
	EXPECT_LT(call.until_read(translate(text)), text.size() * 20 + 3000);
	EXPECT_GT(call.count(stream_count::held), text.size() - 100);
}

TEST(stream_cases, T1_segments_of_100_bytes)
{
	habits small;
	small.mss = 100;
	line call(small, small);
	call.go();
	const std::string big = make_message(9, 4000, 2000);
	call.say(invite() + register_message() + big);
	EXPECT_LT(call.until_read(translate(invite()) + translate(register_message()) + translate(big)), 2000u);
}

TEST(stream_cases, T1_ten_messages_in_one_segment)
{
	std::string text, expected;
	for (u32 i = 0; i < 10; i++) {
		const std::string one = make_message(i, 20, i == 3 ? 0 : static_cast<int>(i * 9) - 20);
		text += one;
		expected += translate(one);
	}
	habits large;
	large.mss = 9000;
	line call(large);
	call.go();
	call.say(text);
	EXPECT_LT(call.until_read(expected), 600u);
	EXPECT_EQ(call.count(stream_count::translated) + call.count(stream_count::unchanged), 10u);
}

TEST(stream_cases, T3_a_full_segment_that_grows_and_an_aggregate)
{
	std::string full = make_message(6, 0, 200);
	full = make_message(6, static_cast<u32>(1460 - full.size() - 20), 200);
	std::string text, expected;
	for (u32 i = 0; i < 40; i++) {
		text += full;
		expected += translate(full);
	}
	habits large = eager();
	large.mss = 60000;
	line call(large);
	call.go();
	call.say(text);
	EXPECT_LT(call.until_read(expected), 3000u);
}

// Each byte is looked at once: else this would be two thousand million looks.
TEST(stream_cases, S8_T1_a_long_header_byte_by_byte)
{
	std::string text = "INVITE sip:a@b SIP/2.0\r\n";
	while (text.size() < 30000)
		text += "Via: SIP/2.0/TCP 10.0.0.1\r\n v\r\n";
	text += "Subject: " + std::string(34000, 'x') + "\r\nl : 10\r\n\r\n0123456789";
	sip::message_frame frame;
	const clock_t start = clock();
	for (u32 size = 1; size < text.size(); size++) {
		const sip::frame_state state = frame.scan({text.data(), size});
		ASSERT_TRUE(state == sip::frame_state::more || state == sip::frame_state::undecided) << size;
	}
	EXPECT_EQ(frame.scan({text.data(), static_cast<u32>(text.size())}), sip::frame_state::complete);
	EXPECT_EQ(frame.length(), text.size());
	EXPECT_LT(clock() - start, CLOCKS_PER_SEC / 2);
}

TEST(stream_cases, T4_a_message_and_a_half)
{
	const std::string one = invite(), two = make_message(8, 900, 55);
	for (size_t half = 1; half < two.size(); half += 7) {
		line call(eager());
		call.go();
		call.say(one + two.substr(0, half), 50);
		call.say(two.substr(half), 120);
		EXPECT_LT(call.until_read(translate(one) + translate(two)), 700u) << half;
	}
}

TEST(stream_cases, T5_nagle_waits_for_nothing)
{
	habits nagle;
	nagle.mss = 536;
	habits lazy;
	lazy.delayed_ack_ms = 500;
	const std::string text = make_message(4, 3000, 40);
	line call(nagle, lazy);
	call.go();
	for (u32 i = 0; i < text.size(); i += 200)
		call.say(text.substr(i, 200), 50 + i / 100);
	EXPECT_LT(call.until_read(translate(text)), 1500u);
}

TEST(stream_cases, T5_64_KB_into_every_window)
{
	for (const u32 window : {512u, 2000u, 8192u, 65535u, 250000u})
		for (const u32 emissions_lost : {0u, 50u}) {
			habits little;
			little.buffer = window;
			weather sky;
			sky.emission_loss = emissions_lost;
			const std::string text = make_message(4, 65000, 60);
			line call({}, little, sky);
			call.go();
			call.say(text);
			const u32 enough = emissions_lost ? 400000 : 12000;
			EXPECT_LT(call.until_read(translate(text), 600000), enough) << window;
		}
}

TEST(stream_cases, T5_S7_longer_than_the_bound)
{
	const std::string text = make_message(4, 120000, 60), next = invite();
	line call;
	call.go();
	call.say(text + next);
	EXPECT_LT(call.until_read(text + next), 5000u);
	EXPECT_EQ(call.count(stream_count::too_long), 1u);
}

TEST(stream_cases, T5_S7_longer_than_the_connections_share)
{
	const std::string one = invite(), text = make_message(4, 20000, 60), next = invite();
	line call;
	call.at.max_bytes = 10000;
	call.go();
	call.say(one + text + next);
	EXPECT_LT(call.until_read(translate(one) + text + next), 5000u);
	EXPECT_EQ(call.count(stream_count::too_long), 1u);
}

TEST(stream_cases, R3_S7_no_memory_at_any_time)
{
	for (u32 percent : {20u, 60u, 100u})
		for (u32 seed = 1; seed < 30; seed++) {
			std::vector<std::string> units;
			for (u32 i = 0; i < 12; i++)
				units.push_back(make_message(i, i * 150, static_cast<int>(i) * 10));
			std::string text;
			for (const std::string &one : units)
				text += one;
			weather sky;
			sky.memory_loss = percent;
			sky.loss = seed % 5;
			habits how = eager();
			how.mss = 400;
			line call(how, {}, sky, seed);
			call.go();
			call.say(text);
			const bool done = call.at.run(
				600000, [&] { return call.at.client().all_acked() && call.at.now() > 1200; });
			ASSERT_TRUE(done) << call.at.state();
			// each of them whole, translated or as it was
			size_t at = 0;
			const std::string &read = call.at.server().received();
			std::vector<bool> left;
			for (const std::string &one : units) {
				const std::string other = translate(one);
				const bool changed = read.compare(at, other.size(), other) == 0;
				ASSERT_TRUE(changed || read.compare(at, one.size(), one) == 0) << at << " seed " << seed;
				at += changed ? other.size() : one.size();
				if (other != one)
					left.push_back(changed);
			}
			EXPECT_EQ(at, read.size());
			// as the translator was told, for as long as the stream was followed (R3)
			const std::vector<bool> &told = call.at.answers(0);
			ASSERT_LE(told.size(), left.size());
			for (size_t i = 0; i < left.size(); i++)
				ASSERT_EQ(left[i], i < told.size() && told[i]) << i << " seed " << seed;
		}
}

TEST(stream_cases, S9_T5_lengths_that_are_none)
{
	const char *lengths[] = {"4294967296", "4294967328", "-1", "+5", "1e3", "", "12 13",
				 "1000000000000000000000000000000000000000", "5\r\nContent-Length: 6"};
	for (const char *length : lengths) {
		const std::string bad = "INVITE sip:x@y SIP/2.0\r\nContent-Length: " + std::string(length) + "\r\n\r\nhello[[+5]]";
		line call;
		call.go();
		call.say(invite() + bad + invite());
		call.until_read(translate(invite()) + bad + invite());
		const u64 given_up = call.count(stream_count::malformed_length) + call.count(stream_count::too_long);
		EXPECT_EQ(given_up, 1u) << length;
	}
}

TEST(stream_cases, T6_keep_alives_and_their_answers)
{
	line call;
	call.go();
	call.say("\r\n\r\n", 50);
	call.answer("\r\n", 90);
	call.say("\r", 150);
	call.say("\n\r\n" + invite(), 160);
	call.answer("\r\n" + ok(), 300);
	call.until_read("\r\n\r\n\r\n\r\n" + translate(invite()));
	call.at.run(3000, [&] { return call.at.client().received().size() >= 4 + translate(ok()).size(); });
	EXPECT_EQ(call.at.client().received(), "\r\n\r\n" + translate(ok()));
}

// What is meant for datagrams is sent over TCP, too; but no stream begins with it.
TEST(stream_cases, T6_keep_alives_of_other_kinds_between_messages)
{
	const std::string stun("\0\1\0\10\x21\x12\xa4\x42" "123456789012" "attribut", 28);
	const std::string answer("\1\1\0\0\x21\x12\xa4\x42" "123456789012", 20);
	const std::string kinds[] = {std::string(4, '\0'), " ", "\r\n \r\n" + std::string(2, '\0'), stun, answer, stun + answer,
				     std::string(1, '\0') + stun + "\r\n" + stun};
	for (const std::string &kind : kinds)
		for (size_t cut = 0; cut < kind.size(); cut++)
			for (const bool alone : {true, false}) {
				if (cut && kind[cut - 1] == '\0' && kind[cut] == '\1')
					continue;	// one NUL is a keep-alive
				line call(eager());
				call.go();
				call.say(invite() + (alone ? "" : kind.substr(0, cut)), 50);
				if (alone)
					call.say(kind.substr(0, cut), 100);
				call.say(kind.substr(cut) + (alone ? "" : invite()), 150);
				if (alone)
					call.say(invite(), 200);
				call.until_read(translate(invite()) + kind + translate(invite()));
				EXPECT_EQ(call.count(stream_count::translated), 2u) << cut;
			}
	for (const std::string &kind : {kinds[0], kinds[1], stun, answer}) {
		line call;
		call.go();
		call.say(kind + invite());
		call.until_read(kind + invite());
		EXPECT_EQ(call.count(stream_count::not_sip), 2u);
	}
}

// S1: behind what is no message, a line that looks like the beginning of one may be part of
// a body, and bodies are written by strangers. So nothing is looked for in it.
TEST(stream_cases, S1_T5_what_follows_no_message_is_never_a_message)
{
	const std::string broken[] = {
		"INVITE sip:x@y SIP/2.0\r\nContent-Length: 5x\r\n\r\n",
		"INVITE sip:x@y SIP/2.0\r\n\r\nthe body of a message without Content-Length\r\n",
		"what is this?\r\n\r\n",
		std::string("\0\1\0\10\x21\x12\xa4\x43", 8),
	};
	for (const std::string &text : broken)
		for (const u32 mss : {1u, 7u, 1460u}) {
			habits how;
			how.mss = mss;
			line call(how);
			call.go();
			call.say(invite() + text + invite() + register_message());
			call.until_read(translate(invite()) + text + invite() + register_message());
			EXPECT_EQ(call.count(stream_count::translated), 1u);
		}
}

TEST(stream_cases, T6_a_message_that_never_completes)
{
	for (const u32 loss : {0u, 30u})
		for (u32 seed = 1; seed < 20; seed++) {
			const std::string half = invite().substr(0, 250);
			weather sky;
			sky.loss = loss;
			sky.emission_loss = loss;
			line call({}, {}, sky, seed);
			call.at.max_held_ms = 32000;
			call.go();
			call.say(invite() + half);
			call.until_read(translate(invite()) + half, 600000);
			EXPECT_EQ(call.count(stream_count::too_slow), 1u);
			call.say(invite(), 10);
			call.until_read(translate(invite()) + half + invite());
		}
}

// It goes on, but would hold memory for hours.
TEST(stream_cases, T6_S7_a_message_that_drips)
{
	const std::string text = make_message(4, 2000, 40);
	line call(eager());
	call.at.max_held_ms = 32000;
	call.go();
	for (u32 i = 0; i < 40; i++)
		call.say(text.substr(i * 30, 30), 50 + i * 31000);
	call.at.run(4 * 32000 + 3000, [] { return false; });
	EXPECT_EQ(call.count(stream_count::too_slow), 1u);
	EXPECT_EQ(call.at.pieces(), 0u);
	call.until_read(text.substr(0, 1200), 2000000);
}

// A segment that waits for another that never comes, beside others that do.
TEST(stream_cases, T6_S7_what_waits_beyond_a_hole_is_forgotten)
{
	line call(eager());
	call.at.max_held_ms = 32000;
	call.go();
	call.say(invite());
	call.at.later(100, [&call] { call.at.forge(0, 5000, std::string(100, 'x')); });
	for (u32 i = 0; i < 10; i++)
		call.say(invite(), 200 + i * 10000);
	call.at.run(1000, [] { return false; });
	EXPECT_EQ(call.at.pieces(), 1u);
	call.at.run(40000, [] { return false; });
	EXPECT_EQ(call.at.pieces(), 0u);
}

TEST(stream_cases, T6_fin_in_the_middle)
{
	const std::string text = invite();
	for (size_t cut = 1; cut < text.size(); cut += 3)
		for (const u32 apart : {0u, 100u}) {
			line call(eager());
			call.go();
			call.say(text + text.substr(0, cut));
			call.hang_up(50 + apart);
			call.answer(ok(), 300);
			call.until_read(translate(text) + text.substr(0, cut));
			EXPECT_TRUE(call.at.server().saw_fin());
			// half-closed: the other way goes on
			EXPECT_TRUE(call.at.run(5000, [&] { return call.at.client().received() == translate(ok()); }));
		}
}

TEST(stream_cases, T6_rst_in_the_middle)
{
	const std::string text = invite();
	for (size_t cut = 0; cut < text.size(); cut += 5) {
		line call(eager());
		call.go();
		call.say(text + text.substr(0, cut));
		call.at.later(200, [&] { call.at.client().abort(call.at.now()); });
		EXPECT_TRUE(call.at.run(5000, [&] { return call.at.server().was_reset(); })) << cut << call.at.state();
		EXPECT_EQ(call.at.server().received(), translate(text));
	}
}

TEST(stream_cases, T6_data_in_the_syn)
{
	const std::string tls = std::string("\x16\x03\x01", 3) + std::string(200, 'x');
	line sip;
	sip.go(invite());
	sip.say(register_message());
	sip.until_read(translate(invite()) + translate(register_message()));
	EXPECT_EQ(sip.count(stream_count::stripped), 1u);
	line other;
	other.go(tls);
	other.until_read(tls);
	EXPECT_EQ(other.count(stream_count::stripped), 0u);
}

TEST(stream_cases, T6_picked_up_in_the_middle)
{
	line call;
	call.at.skip_syn = true;
	call.go();
	call.say(invite());
	call.until_read(invite());
	EXPECT_TRUE(sip::is_untouched(call.at.stream()));
}

TEST(stream_cases, T7_S1_not_sip_is_untouched)
{
	const std::string register_in_body = register_message();
	const std::string streams[] = {
		std::string("\x16\x03\x01\x02\x00\x01", 6) + std::string(500, '\xaa'),
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + invite(),
		"POST http://10.0.0.1:5060/ HTTP/1.1\r\nContent-Length: 900\r\n\r\n" + std::string(400, 'a') + register_in_body,
		"OPTIONS rtsp://x/ RTSP/1.0\r\n\r\n" + invite(),
		"CONNECT host:443 HTTP/1.1\r\n\r\n" + invite(),
		"SSH-2.0-OpenSSH_9\r\n" + invite(),
		"HELO example.com\r\n" + invite(),
		"SIP sip:x\r\n" + invite(),
	};
	for (const std::string &text : streams)
		for (const u32 mss : {1u, 3u, 536u, 1460u}) {
			habits how;
			how.mss = mss;
			line call(how);
			call.go();
			call.say(text);
			call.answer(ok());	// looks like SIP, but belongs to another protocol
			call.until_read(text);
			call.at.run(2000, [&] { return call.at.client().received().size() >= ok().size(); });
			EXPECT_EQ(call.at.client().received().size(), ok().size());
			EXPECT_EQ(call.count(stream_count::not_sip), 2u);
			EXPECT_EQ(call.at.pieces(), 0u);
		}
}

TEST(stream_cases, T7_first_words_are_never_held)
{
	for (const char *words : {"HELLO", "LOGIN ", "a", "INVITE sip:"}) {
		line call(eager());
		call.go();
		call.say(words);
		EXPECT_LT(call.until_read(words), 500u);
	}
}


TEST(stream_cases, T5_an_idle_connection_holds_no_memory)
{
	line call;
	call.go();
	for (u32 i = 0; i < 20; i++)
		call.say(make_message(i, 500, 40), 50 + i * 100);
	call.at.run(5000, [] { return false; });
	EXPECT_EQ(call.at.pieces(), 0u);
	EXPECT_EQ(sip::bytes_of_stream(call.at.stream()), 0u);
	EXPECT_EQ(call.count(stream_count::held), 0u);
	EXPECT_LE(sizeof(sip::tcp_stream), 256u);
}

} // namespace

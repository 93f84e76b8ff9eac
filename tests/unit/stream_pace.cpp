// SPDX-License-Identifier: GPL-2.0
// How long messages take through the stream engine, beside the same peers over the same
// network without it. Time is the model's: the figures are the same on any machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "stream_world.h"

namespace {

using namespace model;

constexpr u32 delay_ms = 10;			// of each of two links
constexpr u32 round_trip_ms = 4 * delay_ms;
constexpr u32 whole = 0;	// each message is written at once

struct scene {
	habits client, server;
	weather sky;
	std::vector<std::string> messages;
	u32 pause_ms = 0;	// between writes
	u32 piece = whole;	// of a write
	bool closes = false;
	u32 seed = 7;
};

// Until the server has read everything, and the client has the acknowledgement.
u32 time_of(const scene &what, bool plain)
{
	world at(what.seed, what.sky, what.client, what.server);
	std::string text, expected;
	u32 when = 500;

	at.plain = plain;
	for (const std::string &one : what.messages) {
		text += one;
		expected += plain ? one : translate(one);
	}
	size_t from = 0;
	for (u32 i = 0; from < text.size(); i++) {
		const size_t size = what.piece ? what.piece : what.messages[i].size();
		const std::string part = text.substr(from, size);
		at.later(when, [&at, part] { at.client().write(part, at.now()); });
		from += size;
		when += what.pause_ms;
	}
	if (what.closes)
		at.later(when, [&at] { at.client().close(at.now()); });
	at.connect();
	const u32 start = at.now() + 500;
	const bool done = at.run(3600 * 1000, [&] {
		const bool all = at.server().received().size() >= expected.size() && at.now() >= start;
		return all && at.client().all_acked() && (!what.closes || at.server().saw_fin());
	});
	EXPECT_TRUE(done) << at.error() << at.state();
	EXPECT_EQ(at.server().received(), expected);
	return at.now() - start;
}

// What both take, and how much longer we take at most.
struct record {
	int worst = 0;
	u64 ours = 0, plain = 0;
	void note(const scene &what, int allowed, const std::string &name)
	{
		const u32 with = time_of(what, false), without = time_of(what, true);
		const int more = static_cast<int>(with - without);
		ours += with;
		plain += without;
		worst = std::max(worst, more);
		EXPECT_LE(more, allowed) << name << ": " << without << " ms without us";
	}
};

// What the receiver's acknowledgement may take. One of them may be for us: for the byte of the
// first words that was let out. And where a window is smaller than a message, the message
// crosses two paths one after the other, window by window: to us, and from us.
int allowed_for(const scene &what)
{
	const u32 one = round_trip_ms + what.server.delayed_ack_ms + what.server.read_every_ms;
	u32 windows = 0;
	for (const std::string &message : what.messages)
		if (message.size() > what.server.buffer)
			windows += static_cast<u32>(message.size()) / what.server.buffer + 1;
	return static_cast<int>(one * (1 + windows));
}

void try_habits(u32 delayed, u32 window, record &all)
{
	for (u32 habit = 0; habit < 8; habit++)
		for (const u32 size : {100u, 1200u, 3000u, 20000u})
			for (const u32 piece : {100u, 700u, whole}) {
				scene what;
				what.sky.delay_ms = delay_ms;
				what.client.nagle = habit & 1;
				what.client.wait_each_ack = habit & 2;
				what.server.delayed_ack_ms = delayed;
				what.server.buffer = window;
				what.server.read_every_ms = habit & 4 ? 100 : 0;
				what.messages = {make_message(4, size, 40), make_message(5, size, -10)};
				what.piece = piece;
				what.pause_ms = 1;
				all.note(what, allowed_for(what), "habit " + std::to_string(habit) + " size " + std::to_string(size) +
									  " piece " + std::to_string(piece));
			}
}

// Every habit of a sender and a receiver, with messages of all sizes: no stall.
TEST(stream_pace, T5_no_habit_waits_for_long)
{
	for (const u32 delayed : {0u, 40u, 200u, 500u})
		for (const u32 window : {1000u, 4000u, 65535u}) {
			record all;
			try_habits(delayed, window, all);
			printf("# acknowledgements delayed by %u ms, window %u: at most %d ms more; all %llu s, without us %llu s\n",
			       delayed, window, all.worst, all.ours / 1000, all.plain / 1000);
		}
}

// 200 calls over one connection pipeline a lot. A round trip takes 400 ms.
TEST(stream_pace, T5_a_trunk_with_many_messages_under_way)
{
	for (const u32 loss : {0u, 1u, 5u, 10u})
		for (const bool sack : {true, false}) {
			record all;
			for (u32 seed = 1; seed <= 12; seed++) {
				scene what;
				what.seed = seed;
				what.sky.delay_ms = 100;
				what.sky.loss = loss;
				what.client.nagle = false;
				what.client.flight = 200000;
				what.client.sack = what.server.sack = sack;
				what.server.buffer = 250000;
				for (u32 i = 0; i < 400; i++) {
					const int growth = static_cast<int>(i % 7) * 9 - 10;
					what.messages.push_back(make_message(i, i % 5 * 60, growth));
				}
				what.pause_ms = 2;
				// a loss more or less makes a difference
				all.note(what, loss ? 60000 : 0, "seed " + std::to_string(seed));
			}
			const u64 trips = 12 * 400 * 400;
			printf("# loss %u %%%s: %llu messages per round trip, without us %llu\n", loss, sack ? ", SACK" : "",
			       trips / all.ours, trips / all.plain);
			EXPECT_LT(all.ours, all.plain + all.plain / 3);
		}
}

// FIN leaves with what its sender sends again, where output waits for the receiver's window:
// one timeout more than the output takes.
TEST(stream_pace, T6_a_half_close_behind_a_grown_message)
{
	for (const u32 window : {600u, 2000u, 8000u, 65535u}) {
		record all;
		for (const u32 size : {100u, 3000u, 20000u, 64000u})
			for (const int growth : {-20, 40, 2000})
				for (const u32 pause : {0u, 5u, 300u}) {
					scene what;
					what.sky.delay_ms = delay_ms;
					what.server.buffer = window;
					what.messages = {make_message(4, size, growth)};
					what.pause_ms = pause;
					what.closes = true;
					all.note(what, allowed_for(what) + 400, std::to_string(size) + " " + std::to_string(growth));
				}
		printf("# window %u: at most %d ms more; all %llu s, without us %llu s\n", window, all.worst, all.ours / 1000,
		       all.plain / 1000);
	}
}

} // namespace

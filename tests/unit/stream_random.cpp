// SPDX-License-Identifier: GPL-2.0
// The invariant of the stream engine by chance: what is read is exactly what was written,
// translated message by message. STREAM_SEED=n runs one seed, STREAM_RUNS=n more of them;
// make stream-random runs as many as fit into a time.
#include <gtest/gtest.h>

#include <cstdlib>

#include "stream_play.h"

namespace {

using namespace model;

u32 environment(const char *name, u32 otherwise)
{
	const char *text = getenv(name);
	return text ? static_cast<u32>(strtoul(text, nullptr, 0)) : otherwise;
}

void run_seeds(play_kind kind, u32 first, u32 runs)
{
	const u32 seed = environment("STREAM_SEED", 0);
	u64 segments = 0, emissions = 0, resent = 0, held = 0;
	runs = seed ? 1 : runs * environment("STREAM_RUNS", 1);
	for (u32 i = 0; i < runs; i++) {
		const u32 at = seed ? seed : first + i;
		const outcome one = run_play(kind, at);
		ASSERT_EQ(one.wrong, "") << "STREAM_SEED=" << at;
		segments += one.segments;
		emissions += one.emissions;
		resent += one.resent;
		held += one.held;
	}
	printf("# seeds %u to %u: %llu segments, %llu held, %llu sent again, %llu emissions\n", first, first + runs - 1, segments,
	       held, resent, emissions);
}

TEST(stream_random, T1_T4_any_cut_over_a_good_network) { run_seeds(play_kind::calm, 1, 150); }
TEST(stream_random, T2_T5_any_habits_in_any_weather) { run_seeds(play_kind::weather, 100001, 150); }
TEST(stream_random, T2_the_promised_weather) { run_seeds(play_kind::promised, 200001, 60); }
TEST(stream_random, T5_T6_S7_limits_faults_and_ends) { run_seeds(play_kind::ends, 400001, 150); }
TEST(stream_random, T1_T2_T5_a_message_each_way) { run_seeds(play_kind::small, 500001, 500); }
TEST(stream_random, T2_T5_many_small_messages_under_way) { run_seeds(play_kind::trunk, 600001, 20); }

// How long it takes beside the same play without the engine. Single plays have their luck.
TEST(stream_random, T5_about_as_fast_as_without_us)
{
	u64 ours = 0, plain = 0;
	for (u32 seed = 300001; seed < 300061; seed++) {
		const outcome with = run_play(play_kind::weather, seed);
		const outcome without = run_play(play_kind::weather, seed, true);
		EXPECT_EQ(with.wrong, "") << seed;
		EXPECT_EQ(without.wrong, "") << seed;
		ours += with.took_ms;
		plain += without.took_ms;
		EXPECT_LT(with.took_ms, 60000 + 20 * without.took_ms) << seed;
	}
	printf("# %llu s, without us %llu s\n", ours / 1000, plain / 1000);
	EXPECT_LT(ours, 2 * plain);
}

} // namespace

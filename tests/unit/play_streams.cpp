// SPDX-License-Identifier: GPL-2.0
// Plays by chance for as long as there is time: play_streams SECONDS FIRST_SEED [KIND]. Each kind in
// turn; the seed of a play that goes wrong is printed, or that is much slower than without the
// engine, and the rest go on. The exit status says whether all were right.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "stream_play.h"

namespace {

using namespace model;

struct tally {
	u64 plays = 0, segments = 0, wrong = 0;
	u32 slowest_ms = 0, slowest_seed = 0;
};

void play_one(play_kind kind, u32 seed, tally &sum)
{
	const char *name = play_names[static_cast<u32>(kind)];
	const outcome one = run_play(kind, seed);

	sum.plays++;
	sum.segments += one.segments;
	if (one.took_ms > sum.slowest_ms) {
		sum.slowest_ms = one.took_ms;
		sum.slowest_seed = seed;
	}
	if (one.took_ms > 20000) {
		const outcome plain = run_play(kind, seed, true);
		if (one.took_ms > 10000 + 5 * plain.took_ms)
			printf("# %s %u: slow: %u ms, without us %u ms\n", name, seed, one.took_ms, plain.took_ms);
	}
	if (one.wrong.empty())
		return;
	sum.wrong++;
	printf("# %s %u: %s\n", name, seed, one.wrong.c_str());
	fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: play_streams SECONDS FIRST_SEED [KIND]\n");
		return 2;
	}
	constexpr u32 kinds = static_cast<u32>(play_kind::kinds);
	const double seconds = atof(argv[1]);
	const u32 first = static_cast<u32>(strtoul(argv[2], nullptr, 0));
	const auto start = std::chrono::steady_clock::now();
	tally sums[kinds];
	u32 seed = first;
	u64 wrong = 0;

	do {
		for (u32 kind = 0; kind < kinds; kind++)
			if (argc < 4 || !strcmp(argv[3], play_names[kind]))
				play_one(static_cast<play_kind>(kind), seed, sums[kind]);
		seed++;
	} while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds);
	for (u32 kind = 0; kind < kinds; kind++) {
		const tally &sum = sums[kind];
		printf("# %-9s seeds %u to %u: %llu connections, %llu segments, %llu wrong, the slowest %u s (seed %u)\n",
		       play_names[kind], first, seed - 1, sum.plays, sum.segments, sum.wrong,
		       sum.slowest_ms / 1000, sum.slowest_seed);
		wrong += sum.wrong;
	}
	printf("%s 1 - T1_T2_T5 plays by chance\n1..1\n", wrong ? "not ok" : "ok");
	return wrong != 0;
}

// SPDX-License-Identifier: GPL-2.0
// S10: plays by chance, through the fuzz target; the same ones in every run.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

TEST(core_random, S10_R4_plays_by_chance)
{
	uint32_t state = 12345;
	for (int round = 0; round < 1000; round++) {
		std::vector<uint8_t> input;
		for (int i = 0; i < 480; i++) {
			state = state * 1664525u + 1013904223u;
			input.push_back(static_cast<uint8_t>(state >> 24));
		}
		LLVMFuzzerTestOneInput(input.data(), input.size());
	}
}

} // namespace

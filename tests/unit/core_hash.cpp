// SPDX-License-Identifier: GPL-2.0
// The keyed hash: every bit of a text and its length count, and nothing else does.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "../../keyed_hash.h"

namespace sip {

namespace {

constexpr u32 longest = 70;	// all ways through it, and each more than once

u64 hash_of(const std::string &text)
{
	// its own memory, so that a byte behind it would be told
	const std::vector<char> bytes(text.begin(), text.end());
	return keyed_hash(bytes.data(), static_cast<u32>(bytes.size()));
}

TEST(keyed_hash, every_bit_counts)
{
	std::set<u64> seen;
	u32 texts = 0;
	for (u32 length = 0; length <= longest; length++) {
		const std::string text(length, 'a');
		seen.insert(hash_of(text));
		texts++;
		for (u32 bit = 0; bit < 8 * length; bit++, texts++) {
			std::string other = text;
			other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
			seen.insert(hash_of(other));
		}
	}
	EXPECT_EQ(seen.size(), texts);
}

TEST(keyed_hash, length_counts)
{
	std::set<u64> seen;
	for (u32 length = 0; length <= longest; length++)
		for (const char filling : {'\0', 'x'})
			seen.insert(hash_of(std::string(length, filling)));
	EXPECT_EQ(seen.size(), 2 * longest + 1u);
}

// Half of the bits change with any one of the text, on the average over many.
TEST(keyed_hash, spreads_a_bit_over_all)
{
	u64 changed = 0, pairs = 0;
	for (u32 length = 1; length <= longest; length++)
		for (u32 bit = 0; bit < 8 * length; bit++, pairs++) {
			std::string text(length, 'a'), other = text;
			other[bit / 8] = static_cast<char>(other[bit / 8] ^ 1 << bit % 8);
			changed += static_cast<u32>(__builtin_popcountll(hash_of(text) ^ hash_of(other)));
		}
	EXPECT_NEAR(static_cast<double>(changed) / static_cast<double>(pairs), 32, 0.5);
}

TEST(keyed_hash, words_of_32_bits_come_to_the_same)
{
	std::mt19937_64 random(1);
	for (u32 i = 0; i < 10000; i++) {
		const u64 a = random() >> random() % 64, b = random() >> random() % 64;
		ASSERT_EQ(detail::fold_by_halves(a, b), detail::fold(a, b)) << a << " * " << b;
	}
	EXPECT_EQ(detail::fold_by_halves(~0ull, ~0ull), detail::fold(~0ull, ~0ull));
}

} // namespace

} // namespace sip

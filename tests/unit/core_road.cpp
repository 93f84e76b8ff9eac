// SPDX-License-Identifier: GPL-2.0
// The table of road cases (tests/cases), which a kernel runs too.
#include <gtest/gtest.h>

#include <string>

#include "../cases/road_case.h"

namespace {

std::string text(sip::text_view view) { return std::string(view.data(), view.size()); }

class road : public testing::TestWithParam<u32> {};

std::string name_of(const testing::TestParamInfo<u32> &info)
{
	std::string name = text(sip_cases::road_case_at(info.param).name);
	for (char &c : name)
		if (!std::isalnum(static_cast<unsigned char>(c)))
			c = '_';
	return std::to_string(info.param) + "_" + name;
}

TEST_P(road, R4_R8_case)
{
	char failure[8192];
	const bool good = sip_cases::run_road_case(GetParam(), failure, sizeof(failure));
	EXPECT_TRUE(good) << text(sip_cases::road_case_at(GetParam()).why) << "\n" << failure;
}

TEST_P(road, R4_R8_case_over_tcp)
{
	char failure[8192];
	const bool good = sip_cases::run_road_case_over_tcp(GetParam(), false, failure, sizeof(failure));
	EXPECT_TRUE(good) << text(sip_cases::road_case_at(GetParam()).why) << "\n" << failure;
}

TEST_P(road, T8_R4_the_way_back_over_tcp)
{
	char failure[8192];
	const bool good = sip_cases::run_road_case_over_tcp(GetParam(), true, failure, sizeof(failure));
	EXPECT_TRUE(good) << text(sip_cases::road_case_at(GetParam()).why) << "\n" << failure;
}

INSTANTIATE_TEST_SUITE_P(core, road, testing::Range(0u, sip_cases::road_case_count()), name_of);

} // namespace

// SPDX-License-Identifier: GPL-2.0
// The tables of tests/cases, one test per case (R20; S9 for the numbers), and what must
// hold for each of their messages cut at any byte (S10).
#include "tests/cases/parse_cases.h"

#include <string>

#include <gtest/gtest.h>

#include "guard_page.h"

namespace {

using sip_cases::parse_case;

class case_test : public testing::Test {
public:
	explicit case_test(u32 index) : index_(index) {}

	void TestBody() override
	{
		static char failure[20000];

		EXPECT_TRUE(sip_cases::run_parse_case(index_, failure, sizeof(failure))) << failure;
	}

private:
	u32 index_;
};

// GoogleTest names must be words.
std::string test_name(const parse_case &test)
{
	std::string name(test.name.data(), test.name.size());

	for (char &c : name)
		if (c == '-')
			c = '_';
	return name;
}

const bool registered = [] {
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const std::string name = test_name(sip_cases::parse_case_at(i));
		const bool number = name.compare(0, 7, "number_") == 0;
		testing::RegisterTest(number ? "S9_parse_case" : "R20_parse_case", name.c_str(), nullptr, nullptr, __FILE__,
				      __LINE__, [i] { return new case_test(i); });
	}
	return true;
}();

TEST(parse_case_table, has_enough_cases_with_names_of_their_own)
{
	EXPECT_GE(sip_cases::parse_case_count, 160u);
	for (u32 i = 0; i < sip_cases::parse_case_count; i++)
		for (u32 j = 0; j < i; j++)
			EXPECT_FALSE(sip_cases::parse_case_at(i).name == sip_cases::parse_case_at(j).name)
				<< test_name(sip_cases::parse_case_at(i));
	EXPECT_TRUE(registered);
}

TEST(S10_parse_case, cut_at_every_byte_before_a_guard_page)
{
	static sip::message_view view;
	guard_page memory(65536);

	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const parse_case &test = sip_cases::parse_case_at(i);

		for (u32 length = 0; length <= test.message.size(); length++) {
			const sip::text_view cut{memory.place(test.message.data(), length), length};

			if (sip::parse(cut, view) != sip::parse_error::none)
				continue;
			const char *broken = sip_cases::check_view(cut, view);
			ASSERT_EQ(broken, nullptr) << test_name(test) << " cut at " << length;
		}
	}
}

std::string dump(sip::text_view message, sip::message_view &view)
{
	static char buffer[70000];
	sip_cases::dump_text out(buffer, sizeof(buffer));

	sip_cases::dump_result(out, message, sip::parse(message, view), view);
	return std::string(out.text().data(), out.text().size());
}

// The view is not zero-filled between messages: nothing of an earlier one may show.
TEST(R21_parse_case, same_view_whatever_was_parsed_before)
{
	static sip::message_view used;

	memset(static_cast<void *>(&used), 0xa5, sizeof(used));
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const sip::text_view message = sip_cases::parse_case_at(i).message;
		sip::message_view fresh;

		EXPECT_EQ(dump(message, used), dump(message, fresh)) << test_name(sip_cases::parse_case_at(i));
	}
}

} // namespace

// SPDX-License-Identifier: GPL-2.0
// main() of every GoogleTest binary here: results as TAP lines, so that all runs of the
// project are counted in one way. GoogleTest's own options work as usual; a filter that fits no
// test is a failure.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

namespace {

class tap_printer : public testing::EmptyTestEventListener {
	void OnTestProgramStart(const testing::UnitTest &) override
	{
		number_ = 0;
	}
	void OnTestPartResult(const testing::TestPartResult &part) override
	{
		if (!part.failed())
			return;
		printf("# %s:%d\n", part.file_name() ? part.file_name() : "?", part.line_number());
		std::string line;
		for (const char *c = part.message(); *c; c++) {
			if (*c != '\n') {
				line += *c;
				continue;
			}
			printf("# %s\n", line.c_str());
			line.clear();
		}
		if (!line.empty())
			printf("# %s\n", line.c_str());
	}
	void OnTestEnd(const testing::TestInfo &test) override
	{
		const testing::TestResult &result = *test.result();

		printf("%sok %d - %s.%s%s\n", result.Failed() ? "not " : "", ++number_,
		       test.test_suite_name(), test.name(), result.Skipped() ? " # SKIP" : "");
		fflush(stdout);
	}
	void OnTestProgramEnd(const testing::UnitTest &) override
	{
		if (number_)
			printf("1..%d\n", number_);
	}

	int number_ = 0;
};

} // namespace

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	testing::TestEventListeners &listeners = testing::UnitTest::GetInstance()->listeners();
	delete listeners.Release(listeners.default_result_printer());
	listeners.Append(new tap_printer);
	const int status = RUN_ALL_TESTS();
	if (testing::UnitTest::GetInstance()->test_to_run_count())
		return status;
	printf("Bail out! no test is called %s\n", testing::GTEST_FLAG(filter).c_str());
	return 2;
}

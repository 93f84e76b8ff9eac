// SPDX-License-Identifier: GPL-2.0
// parse_seeds DIR: writes the messages of the case tables into DIR, one file each.
#include "tests/cases/parse_cases.h"

#include <fstream>
#include <string>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const sip_cases::parse_case &test = sip_cases::parse_case_at(i);
		const std::string name(test.name.data(), test.name.size());
		std::ofstream out(std::string(argv[1]) + "/" + name, std::ios::binary);

		out.write(test.message.data(), test.message.size());
		if (!out)
			return 1;
	}
	return 0;
}

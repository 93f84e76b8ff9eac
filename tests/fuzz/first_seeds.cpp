// SPDX-License-Identifier: GPL-2.0
// first_seeds DIR: what the kept seeds began with. Writes the messages of the tables of cases into
// DIR/parse, and those with an address that changes, on lines of every kind, into DIR/road.
#include "tests/cases/parse_cases.h"
#include "tests/cases/road_case.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace {

std::string text_of(sip::text_view view) { return {view.data(), view.size()}; }

bool write(const std::filesystem::path &folder, u32 number, const std::string &bytes)
{
	std::filesystem::create_directories(folder);
	std::ofstream out(folder / std::to_string(number), std::ios::binary);
	out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
	return static_cast<bool>(out);
}

// The flags of road_fuzz.cpp, as characters: family and protocol, ports, directions.
std::string flags_of(const sip_cases::road_case &test, bool tcp)
{
	const bool ipv6 = test.line == sip_cases::road_line::near6;
	char directions = '0';
	for (u32 i = 0; i < 4; i++)
		directions = static_cast<char>(directions ^ (test.steps[i].way == sip_cases::road_way::in) << i);
	const char ports = test.line == sip_cases::road_line::same4 ? '4' :
			   test.line == sip_cases::road_line::high4 ? ':' :
								      '0';
	return {static_cast<char>('0' ^ (ipv6 | tcp << 1 | tcp << 2)), ports, directions};
}

std::string play_of(const sip_cases::road_case &test, bool tcp)
{
	std::string all = flags_of(test, tcp);
	for (u32 i = 0; i < 4 && test.steps[i].way != sip_cases::road_way::end; i++)
		all += (i ? "\x1e" : "") + text_of(test.steps[i].message);
	return all;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	const std::filesystem::path top = argv[1];
	bool good = true;
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const std::string message = text_of(sip_cases::parse_case_at(i).message);
		good &= write(top / "parse", i, message) && write(top / "road", i, "000" + message);
	}
	for (u32 i = 0; i < sip_cases::road_case_count(); i++) {
		const sip_cases::road_case &test = sip_cases::road_case_at(i);
		good &= write(top / "road", 10000 + 2 * i, play_of(test, false)) &&
			write(top / "road", 10001 + 2 * i, play_of(test, true));
	}
	return good ? 0 : 1;
}

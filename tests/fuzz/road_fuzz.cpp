// SPDX-License-Identifier: GPL-2.0
// libFuzzer over plan and apply (S10, R2, R4): three bytes that say what the line is like, and
// messages on it, one after the other, with a line of 0x1e between them.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "road_checks.h"
#include "sip_mutator.h"

namespace {

using fuzz::passed;
using fuzz::road_line;

constexpr size_t flags = 3;
constexpr u32 most_messages = 4;

[[noreturn]] void die(const std::string &why, const std::string &in, const std::string &out)
{
	fprintf(stderr, "broken promise: %s\n---- in\n%s\n---- out\n%s\n----\n", why.c_str(), in.c_str(), out.c_str());
	abort();
}

// As text, '0' stands for no bit, so that a seed can be read.
road_line::shape shape_of(const uint8_t *data)
{
	static const u16 inner_ports[] = {5060, 5060, 49152, 5070}, outer_ports[] = {40000, 5060, 49152, 1024};
	const u8 first = data[0] ^ '0', second = data[1] ^ '0';
	road_line::shape how;
	how.ipv6 = first & 1;
	how.tcp = first & 2;
	how.one_port = how.tcp && (first & 4);
	how.leave_identity = first & 8;
	how.was_called = first & 16;
	how.inner_port = inner_ports[second & 3];
	how.outer_port = outer_ports[second >> 2 & 3];
	return how;
}

class drive {
public:
	explicit drive(const road_line::shape &how) : line_(how) {}

	void carry(bool outward, const std::string &message)
	{
		const passed one = line_.carry(outward, message);
		const std::string fault = fuzz::check_passage(line_, outward, message, one);
		if (!fault.empty())
			die(fault, message, one.out);
		if (!one.translated)
			return;
		if (!outward || !fuzz::repeats_inside(line_, one.out))
			again(outward, one.out);
		if (outward)
			back(message, one.out);
	}

private:
	// A second application changes nothing.
	void again(bool outward, const std::string &message)
	{
		road_line copy = line_;
		const passed twice = copy.carry(outward, message);
		if (twice.out != message)
			die("a second translation changes the message again", message, twice.out);
	}
	// R4: what the inside endpoint wrote comes back to it as it wrote it.
	void back(const std::string &message, const std::string &out)
	{
		if (!fuzz::comes_back_exactly(line_, message))
			return;
		road_line copy = line_;
		const passed home = copy.carry(false, out);
		if (home.out != message && !fuzz::same_header(home.out, message))
			die("the way back is not exact", out, home.out);
	}

	road_line line_;
};

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return fuzz::mutate_input(data, size, max_size, seed, flags);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
					    uint8_t *out, size_t max_size, unsigned seed)
{
	return fuzz::cross_inputs({reinterpret_cast<const char *>(one), one_size},
				  {reinterpret_cast<const char *>(other), other_size}, out, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= flags || size > 60000)
		return 0;
	drive way(shape_of(data));
	const u8 directions = data[2] ^ '0';
	const std::string all(reinterpret_cast<const char *>(data) + flags, size - flags);
	size_t at = 0;
	for (u32 i = 0; i < most_messages && at <= all.size(); i++) {
		const size_t stop = all.find('\x1e', at), end = stop == all.npos ? all.size() : stop;
		way.carry(!(directions >> i & 1), all.substr(at, end - at));
		at = end + 1;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
// What the parsers are measured with.
#ifndef SIP_EXT_BENCH_SAMPLES_H
#define SIP_EXT_BENCH_SAMPLES_H

#include <string>
#include <vector>

namespace bench {

// `hostile`: one of a set, of which each parser may say what it likes.
enum class sort { sip, junk, hostile };

struct sample {
	std::string name;	// of the message, or of the set that it belongs to
	std::string bytes;
	sort kind;
	bool from_inside = true;
	std::string translated{};	// what the other end must read
};

// `top`: the project's folder. `corpora`: of more messages, or "".
std::vector<sample> ordinary_samples(const std::string &top);
std::vector<sample> hostile_samples(const std::string &top, const std::string &corpora);

} // namespace bench

#endif

// SPDX-License-Identifier: GPL-2.0
// A parser, as parser_cost.cpp measures it: each is a program of its own, since their libraries
// have functions of the same names.
#ifndef SIP_EXT_BENCH_PARSER_H
#define SIP_EXT_BENCH_PARSER_H

#include <vector>

#include "samples.h"

namespace bench {

struct task {
	const char *name;
	// Makes ready what `run` needs of that message, uncounted. False: there is nothing to do.
	bool (*prepare)(const sample &message);
	// What is measured, as often as one likes. True: understood.
	bool (*run)(const sample &message);
	// What it made of the message; null: it makes nothing.
	std::string (*result)(const sample &message);
};

// Of the parser that is linked in.
std::vector<task> tasks();

} // namespace bench

#endif

// SPDX-License-Identifier: GPL-2.0
// A region that callgrind counts (bench/counted.py reads what it writes).
#ifndef SIP_EXT_BENCH_COUNTED_H
#define SIP_EXT_BENCH_COUNTED_H

#include <list>
#include <string>

#include <valgrind/callgrind.h>

namespace bench {

// What was counted since CALLGRIND_ZERO_STATS: `count` messages of `size` bytes. It is told apart
// by the name of the dump; valgrind reads that a little later.
inline void dump(const std::string &name, const char *kind, unsigned long long count, size_t size)
{
	static std::list<std::string> names;
	names.push_back(name + ":" + kind + ":" + std::to_string(count) + ":" + std::to_string(size));
	CALLGRIND_DUMP_STATS_AT(names.back().c_str());
}

} // namespace bench

#endif

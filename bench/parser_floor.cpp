// SPDX-License-Identifier: GPL-2.0
// The least that one can do with a text: find where its lines end, by the C library's memchr().
#include <cstring>

#include "parser.h"

namespace bench {

namespace {

bool split(const sample &message)
{
	const char *at = message.bytes.data(), *end = at + message.bytes.size();
	size_t lines = 0;
	while (const void *found = std::memchr(at, '\n', static_cast<size_t>(end - at))) {
		at = static_cast<const char *>(found) + 1;
		lines++;
	}
	return lines;
}

} // namespace

std::vector<task> tasks()
{
	return {{"parse", [](const sample &) { return true; }, split, nullptr}};
}

} // namespace bench

// SPDX-License-Identifier: GPL-2.0
// Two parsers and their opinions: ours, and libosip2's (Debian: libosip2-dev).
#ifndef SIP_EXT_FUZZ_DIFFER_H
#define SIP_EXT_FUZZ_DIFFER_H

#include <string>

namespace differ {

struct opinion {
	bool accepted = false;
	std::string why; // where it was refused, or "none"
};

opinion ours(const std::string &message);
opinion theirs(const std::string &message);

struct anatomy;

// Why two opinions may differ. The first rule that fits counts.
struct rule {
	const char *name;
	bool we_accept;			 // and they do not; false: the other way round
	const char *our_error;		 // where ours refuses it
	bool (*fits)(const anatomy &of); // seen in the text, without either parser
	const char *why;		 // ours is right, or it does not matter
};

// nullptr: nobody has said why.
const rule *rule_for(const std::string &message, const opinion &ours);

} // namespace differ

#endif

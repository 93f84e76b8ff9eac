// SPDX-License-Identifier: GPL-2.0
// What can be said of a message without a parser, for the rules of a comparison: whether it is
// written to the letter of the RFCs. Neither of the two parsers is asked.
#ifndef SIP_EXT_FUZZ_DIFFER_TEXT_H
#define SIP_EXT_FUZZ_DIFFER_TEXT_H

#include <string>
#include <vector>

namespace differ {

struct field {
	std::string name;	// lower case, the long form
	std::string value;	// unfolded, without blanks around it
	bool has_colon = true;
};

struct anatomy {
	explicit anatomy(const std::string &message);

	std::string start;
	std::vector<field> fields;
	std::string body;	// as far as Content-Length says
	size_t whole = 0;	// of it, and of what follows
	bool has_nul;
	bool odd_line_ends;	// a CR that belongs to none
	bool folded = false;
	bool ends = false;	// the empty line is there

	unsigned count(const std::string &name) const;
	std::string value_of(const std::string &name) const;
};

bool start_is_strict(const anatomy &a);		// RFC 3261 7.1 and 7.2: one blank, this version
bool addresses_are_strict(const anatomy &a);	// 20.10, 20.20 ...: name-addr or addr-spec, parameters
bool vias_are_strict(const anatomy &a);		// 20.42
bool numbers_are_plain(const anatomy &a);	// 1*DIGIT that fits, in each field and after each host
bool fields_are_there(const anatomy &a);	// 8.1.1: each once, with a value
bool lengths_agree(const anatomy &a);		// 18.3
bool sdp_is_strict(const anatomy &a);		// RFC 8866 5: all lines, in their order; plain numbers
bool has_session(const anatomy &a);
bool is_multipart(const anatomy &a);

} // namespace differ

#endif

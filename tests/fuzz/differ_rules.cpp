// SPDX-License-Identifier: GPL-2.0
#include "differ.h"
#include "differ_text.h"

namespace differ {

namespace {

// What ours refuses is passed on untouched, so that refusing costs a call at most; what ours
// accepts and translates must be unmistakable, and need not be to the letter.
const rule rules[] = {
	{"a number that is none or does not fit", false, "number",
	 [](const anatomy &a) {
		 return !numbers_are_plain(a) || !addresses_are_strict(a) || !vias_are_strict(a) ||
			!start_is_strict(a);
	 },
	 "S9, RFC 4475 3.1.2.3 to 3.1.2.5: libosip2 takes what atoi() makes of it"},
	{"a field that is not by the grammar, or twice", false, "header",
	 [](const anatomy &a) {
		 return !addresses_are_strict(a) || !vias_are_strict(a) || !fields_are_there(a) ||
			!numbers_are_plain(a);
	 },
	 "which address counts cannot be told; libosip2 keeps the one or the other"},
	{"a start line that is not by the grammar", false, "start_line",
	 [](const anatomy &a) { return !start_is_strict(a); },
	 "another version, a status that is none, a host that cannot be told from its port"},
	{"a length that does not fit", false, "length", [](const anatomy &a) { return !lengths_agree(a); },
	 "RFC 3261 18.3: where the message ends is not known; libosip2 takes the first of two"},
	{"a session that is not by the grammar", false, "body",
	 [](const anatomy &a) { return is_multipart(a) || !sdp_is_strict(a); },
	 "a port or an address of media cannot be told; libosip2 does not read the line"},
	{"a session that is complete to us", true, "",
	 [](const anatomy &a) { return has_session(a) && !sdp_is_strict(a); },
	 "R8: libosip2 wants all lines of RFC 4566 in their order; the addresses are found without"},
	{"a start line with blanks, brackets or another scheme", true, "",
	 [](const anatomy &a) { return !start_is_strict(a); },
	 "R20, RFC 4475 3.1.2.7 to 3.1.2.10: it is unmistakable, and answered by those that it is for"},
	{"folded lines", true, "", [](const anatomy &a) { return a.folded; },
	 "R20, RFC 3261 7.3.1: libosip2 wants them unfolded by its caller"},
	{"an address that is not by the grammar, and yet found", true, "",
	 [](const anatomy &a) { return !addresses_are_strict(a) || !vias_are_strict(a); },
	 "R20, RFC 4475 3.1.2.14 and 3.1.2.15: blanks, display names, empty parameters"},
	{"fields that are none, or empty", true, "", [](const anatomy &a) { return !fields_are_there(a); },
	 "R20: an unknown or empty field is nobody's business on the way"},
	{"no length, or no empty line", true, "", [](const anatomy &a) { return !lengths_agree(a); },
	 "RFC 3261 18.3: over UDP the datagram's end counts"},
	{"a NUL", true, "", [](const anatomy &a) { return a.has_nul; },
	 "R20, RFC 4475 3.1.1.2: libosip2's texts end there"},
	{"a CR too many", true, "", [](const anatomy &a) { return a.odd_line_ends; },
	 "R20: blank to us, the end of a line to libosip2"},
	{"a body in parts", true, "", is_multipart, "R20: the parts are read one by one, and the others left alone"},
};

} // namespace

const rule *rule_for(const std::string &message, const opinion &ours)
{
	const anatomy a(message);
	for (const rule &one : rules)
		if (one.we_accept == ours.accepted && (ours.accepted || ours.why == one.our_error) && one.fits(a))
			return &one;
	return nullptr;
}

} // namespace differ

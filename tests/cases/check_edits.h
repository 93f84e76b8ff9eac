// SPDX-License-Identifier: GPL-2.0
// What must hold of the edits of every plan, whatever the message.
#ifndef SIP_EXT_CASES_CHECK_EDITS_H
#define SIP_EXT_CASES_CHECK_EDITS_H

#include "../../plan.h"

namespace sip_cases {

// Null, or what is wrong with the edits of a message of that length.
inline const char *check_edits(const sip::plan &p, u32 length)
{
	u32 behind = 0;

	for (u32 i = 0; i < p.edit_count; i++) {
		if (p.edits[i].offset < behind)
			return "edits overlap or are out of order";
		behind = u32{p.edits[i].offset} + p.edits[i].length;
	}
	return behind <= length ? nullptr : "an edit ends outside of the message";
}

} // namespace sip_cases

#endif

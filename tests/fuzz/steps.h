// SPDX-License-Identifier: GPL-2.0
// An exact count of what the code under test does: the basic blocks that it enters (compiled
// with -fsanitize-coverage=trace-pc), and nothing of the test around it.
#ifndef SIP_EXT_FUZZ_STEPS_H
#define SIP_EXT_FUZZ_STEPS_H

#include "sip_types.h"

namespace fuzz {

u64 steps();

// What parse() may take: so many for any message, and so many for each of its bytes.
inline constexpr u32 parse_steps_once = 4000;
inline constexpr u32 parse_steps_per_byte = 40;

} // namespace fuzz

#endif

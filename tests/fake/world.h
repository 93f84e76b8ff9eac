// SPDX-License-Identifier: GPL-2.0
// What all routers of a test share: the clock, chance, memory, and the faults that are to
// happen.
#ifndef SIP_EXT_FAKE_WORLD_H
#define SIP_EXT_FAKE_WORLD_H

#include <string>

#include "../../kernel/boundary.h"

namespace fake {

// A step of the core that can fail in the kernel.
enum fault_kind : u32 {
	fault_alloc = 1,
	fault_pinhole = 2,
	fault_replace = 4,
	fault_port = 8,		// no port is free any more
	fault_piece = 16,	// no memory for a stream
	fault_any = 31,
};

// The n-th step of those kinds fails, and no other; n = 0: none does.
struct fault_plan {
	u32 kinds = fault_any;
	u32 strike_at = 0;
	bool all_after = false;	// that one and all that follow
	bool piece_limit = false;	// a stream may not have more memory, where there is some
	sipx_pinhole_error pinhole_error = SIPX_PINHOLE_NO_MEMORY;
};

void set_faults(const fault_plan &faults);
bool fault_strikes(fault_kind kind);
// How many steps there were since set_faults().
u32 fault_steps();
bool fault_struck();

u64 now_ms();
void set_now_ms(u64 now);
void seed_random(u32 seed);

// Objects of all slabs that were allocated and not freed.
u32 live_objects();
u32 live_objects(sipx_slab slab);
// Bytes that streams hold, in all.
u32 live_piece_bytes();

// A contract of the boundary was broken: says so and ends the program, so that the fuzzer
// keeps the input.
[[noreturn]] void broken(const std::string &what);

} // namespace fake

#endif

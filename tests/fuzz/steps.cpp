// SPDX-License-Identifier: GPL-2.0
// Called for each basic block (see fuzz.mk), and not compiled with the flag that it answers.
#include "steps.h"

namespace {

u64 entered;

} // namespace

u64 fuzz::steps() { return entered; }

extern "C" void count_step();
extern "C" void count_step() { entered++; }

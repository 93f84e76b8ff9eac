# SPDX-License-Identifier: GPL-2.0
# The core as the kernel compiles it, over the fake boundary, for callgrind.
# Used by bench/core-cost: make -f bench/bench.mk ROOT=... OUT=...

core := $(notdir $(basename $(wildcard $(ROOT)/*.cpp)))
objects := $(core:%=$(OUT)/%.o) $(OUT)/bench/parse_alone.o
hosted := $(patsubst $(ROOT)/%.cpp,$(OUT)/%.o,$(wildcard $(ROOT)/tests/fake/*.cpp)) $(OUT)/bench/core_cost.o

common := -std=gnu++20 -funsigned-char -g1 -O2 -I$(ROOT) -MMD -MP -w
$(objects): flags := -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics	\
		     $(if $(filter x86_64 aarch64,$(shell uname -m)),-mgeneral-regs-only)

$(OUT)/core_cost: $(objects) $(hosted)
	g++ -o $@ $^
engine := tcp_stream stream_input stream_map stream_waiting message_frame
$(OUT)/stream_cost: $(engine:%=$(OUT)/%.o) $(OUT)/bench/stream_cost.o
	g++ -o $@ $^
$(OUT)/%.o: $(ROOT)/%.cpp
	@mkdir -p $(@D)
	g++ $(common) $(flags) -c -o $@ $<

-include $(wildcard $(OUT)/*.d $(OUT)/*/*.d $(OUT)/*/*/*.d)

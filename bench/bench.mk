# SPDX-License-Identifier: GPL-2.0
# The core as the kernel compiles it, and what measures it and other parsers.
# Used by the programs beside it: make -f bench/bench.mk ROOT=... OUT=... PROGRAM...

core := $(notdir $(basename $(wildcard $(ROOT)/*.cpp)))
objects := $(core:%=$(OUT)/%.o)
fake := $(patsubst $(ROOT)/%.cpp,$(OUT)/%.o,$(wildcard $(ROOT)/tests/fake/*.cpp))

common := -std=gnu++20 -funsigned-char -g1 -I$(ROOT) -MMD -MP -w
flags := -O2
$(objects) $(OUT)/bench/parse_alone.o: flags := -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics	\
		     $(if $(filter x86_64 aarch64,$(shell uname -m)),-mgeneral-regs-only)

$(OUT)/core_cost: $(objects) $(fake) $(OUT)/bench/message.o $(OUT)/bench/core_cost.o
	g++ -o $@ $^
engine := tcp_stream stream_input stream_map stream_waiting message_frame
$(OUT)/stream_cost: $(engine:%=$(OUT)/%.o) $(OUT)/bench/stream_cost.o
	g++ -o $@ $^

$(OUT)/%.o: $(ROOT)/%.cpp
	@mkdir -p $(@D)
	g++ $(common) $(flags) -c -o $@ $<

.SECONDARY:
-include $(wildcard $(OUT)/*.d $(OUT)/*/*.d $(OUT)/*/*/*.d)

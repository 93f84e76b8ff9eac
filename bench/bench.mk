# SPDX-License-Identifier: GPL-2.0
# The core as the kernel compiles it, and what measures it and other parsers.
# Used by the programs beside it: make -f bench/bench.mk ROOT=... OUT=... PROGRAM...

core := $(notdir $(basename $(wildcard $(ROOT)/*.cpp)))
objects := $(core:%=$(OUT)/%.o)
fake := $(patsubst $(ROOT)/%.cpp,$(OUT)/%.o,$(wildcard $(ROOT)/tests/fake/*.cpp))

common := -std=gnu++20 -funsigned-char -g1 -I$(ROOT) -MMD -MP -w
flags := -O2
$(objects) $(OUT)/bench/parse_alone.o: flags := -O3 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics	\
		     $(if $(filter x86_64 aarch64,$(shell uname -m)),-mgeneral-regs-only)

$(OUT)/core_cost: $(objects) $(fake) $(OUT)/bench/message.o $(OUT)/bench/core_cost.o
	g++ -o $@ $^
engine := tcp_stream stream_input stream_map stream_waiting message_frame
$(OUT)/stream_cost: $(engine:%=$(OUT)/%.o) $(OUT)/bench/stream_cost.o
	g++ -o $@ $^

# Plays phones and a server: nothing of it is measured
$(OUT)/scale: flags := -O2 -Wall -Wextra -Werror
$(OUT)/scale: $(OUT)/bench/scale.o
	g++ -o $@ $^

# Each parser in a program of its own
samples := bench/parser_cost bench/samples bench/hostile bench/message tests/fuzz/sip_mutator \
	   tests/corpora/message_source tests/corpora/pcap tests/fake/text tests/fake/peers
common_objects := $(samples:%=$(OUT)/%.o)
# not measured: quick to compile
$(common_objects): flags := -O0
$(OUT)/bench/parser_cost.o: flags := -O1
libs_osip := -losipparser2
libs_sofia := -lsofia-sip-ua
libs_libre := -lre
$(OUT)/bench/parser_sofia.o: flags := -O1 -I/usr/include/sofia-sip-1.12
measured := understand plan nf_nat_sip_ext rewrite bench/parse_alone
$(OUT)/cost-ours: $(measured:%=$(OUT)/%.o) $(OUT)/bench/boundary.o
$(OUT)/cost-%: $(OUT)/bench/parser_%.o $(common_objects)
	g++ -o $@ $(sort $^) $(libs_$*)

$(OUT)/%.o: $(ROOT)/%.cpp
	@mkdir -p $(@D)
	g++ $(common) $(flags) -c -o $@ $<

.SECONDARY:
-include $(wildcard $(OUT)/*.d $(OUT)/*/*.d $(OUT)/*/*/*.d)

# SPDX-License-Identifier: GPL-2.0
# The stream engine between two model endpoints, in userspace. Used alone (make -f
# tests/unit/stream.mk stream-check) or included.
#
#: make stream-check            property tests of the TCP stream engine; STREAM_RUNS=N more of them
#: make stream-random STREAM_SECONDS=N STREAM_FIRST=SEED  plays by chance for as long

stream.root := $(patsubst %/tests/unit/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(stream.root)/build
STREAM_SECONDS ?= 60
STREAM_FIRST ?= 1
stream.out := $(BUILD)/stream

stream.cxx ?= g++
stream.core := tcp_stream stream_input stream_waiting stream_map message_frame
stream.tests := $(notdir $(basename $(wildcard $(stream.root)/tests/unit/stream_*.cpp))) tap_main
stream.play := stream_peer stream_world stream_play play_streams
stream.base := -std=gnu++20 -funsigned-char -g1 -O2 -I$(stream.root) -MMD -MP -Wall -Wextra -Werror \
	       -Wno-missing-field-initializers
stream.kernel := -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wframe-larger-than=1000
stream.sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all

$(stream.out)/%.o: $(stream.root)/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) $(stream.kernel) $(stream.sanitize) -c -o $@ $<
$(stream.out)/%.o: $(stream.root)/tests/unit/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) $(stream.sanitize) -c -o $@ $<
$(stream.out)/stream-check: $(stream.core:%=$(stream.out)/%.o) $(stream.tests:%=$(stream.out)/%.o)
	$(stream.cxx) $(stream.sanitize) -o $@ $^ -lgtest -pthread

# without sanitizers: ten times as many plays
$(stream.out)/fast/%.o: $(stream.root)/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) $(stream.kernel) -c -o $@ $<
$(stream.out)/fast/%.o: $(stream.root)/tests/unit/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) -c -o $@ $<
$(stream.out)/stream-random: $(stream.core:%=$(stream.out)/fast/%.o) $(stream.play:%=$(stream.out)/fast/%.o)
	$(stream.cxx) -o $@ $^

.PHONY: stream-check stream-random
stream-check: $(stream.out)/stream-check
	@$< $(if $(FILTER),--gtest_filter=$(FILTER))

stream-random: $(stream.out)/stream-random
	@nice $< $(STREAM_SECONDS) $(STREAM_FIRST) $(STREAM_KIND)

-include $(wildcard $(stream.out)/*.d $(stream.out)/fast/*.d)

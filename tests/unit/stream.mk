# SPDX-License-Identifier: GPL-2.0
# The stream engine between two model endpoints, in userspace. Used alone (make -f
# tests/unit/stream.mk stream-check) or included.
#
#: make stream-check            property tests of the TCP stream engine; STREAM_RUNS=N more of them
#: make stream-random STREAM_SECONDS=N STREAM_FIRST=SEED  plays by chance for as long
#: make stream-fuzz FUZZ_SECONDS=N  libFuzzer over the stream engine

stream.root := $(patsubst %/tests/unit/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(stream.root)/build
FUZZ_SECONDS ?= 60
STREAM_SECONDS ?= 60
STREAM_FIRST ?= 1
stream.out := $(BUILD)/stream
# what fuzzing has found interesting so far: worth keeping between builds
stream.found := $(if $(SIP_EXT_CACHE),$(SIP_EXT_CACHE)/fuzz-stream,$(stream.out)/found)

stream.cxx ?= g++
stream.clang ?= clang++
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

$(stream.out)/stream-fuzz: $(stream.core:%=$(stream.root)/%.cpp) $(stream.root)/tests/fuzz/stream_fuzz.cpp \
			   $(wildcard $(stream.root)/*.h)
	@mkdir -p $(@D)
	$(stream.clang) $(filter-out -MMD -MP,$(stream.base)) $(stream.sanitize) -fsanitize=fuzzer -o $@ $(filter %.cpp,$^)

# without sanitizers: ten times as many plays
$(stream.out)/fast/%.o: $(stream.root)/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) $(stream.kernel) -c -o $@ $<
$(stream.out)/fast/%.o: $(stream.root)/tests/unit/%.cpp
	@mkdir -p $(@D)
	$(stream.cxx) $(stream.base) -c -o $@ $<
$(stream.out)/stream-random: $(stream.core:%=$(stream.out)/fast/%.o) $(stream.play:%=$(stream.out)/fast/%.o)
	$(stream.cxx) -o $@ $^

.PHONY: stream-check stream-fuzz stream-random
stream-check: $(stream.out)/stream-check
	@$< $(if $(FILTER),--gtest_filter=$(FILTER))

stream-random: $(stream.out)/stream-random
	@nice $< $(STREAM_SECONDS) $(STREAM_FIRST) $(STREAM_KIND)

stream-fuzz: $(stream.out)/stream-fuzz
	@mkdir -p $(stream.found)
	@cd $(stream.out) && if nice ./stream-fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -len_control=0 -timeout=5 \
		-rss_limit_mb=1024 -print_final_stats=1 $(abspath $(stream.found)) >fuzz.log 2>&1; \
	then sed -n 's/^stat::/# /p' fuzz.log; echo "ok 1 - S10 stream_fuzz $(FUZZ_SECONDS) seconds"; echo 1..1; \
	else tail -60 fuzz.log | sed 's/^/# /'; echo "not ok 1 - S10 stream_fuzz $(FUZZ_SECONDS) seconds"; echo 1..1; exit 1; fi

-include $(wildcard $(stream.out)/*.d $(stream.out)/fast/*.d)

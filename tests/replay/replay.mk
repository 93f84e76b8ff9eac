# SPDX-License-Identifier: GPL-2.0
# Recorded flows, and single messages, across the router in the lab.
#
#: make replay, make oneway     flows, and messages one way, through the router; ONEWAY_FOUND=N of what fuzzing found
#: make replay-corpora, make oneway-corpora CORPORA=DIR  every flow, and message, below DIR

replay.root := $(patsubst %/tests/replay/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(replay.root)/build
ONEWAY_FOUND ?= 0
replay.out := $(BUILD)/replay
replay.flags := -std=gnu++20 -funsigned-char -g1 -O1 -I$(replay.root) -MMD -MP -Wall -Wextra -Werror
replay.shared := tests/replay/one_message.cpp tests/corpora/message_source.cpp tests/corpora/pcap.cpp
replay.sources := tests/replay/oneway.cpp tests/replay/onestream.cpp $(replay.shared)
replay.objects := $(replay.sources:%.cpp=$(replay.out)/%.o)
replay.lab := $(replay.root)/scripts/lab run --kernel uml-6.1 --timeout 580

$(replay.out)/%.o: $(replay.root)/%.cpp
	@mkdir -p $(@D)
	@$(CXX) $(replay.flags) -c -o $@ $<
$(replay.out)/oneway $(replay.out)/onestream: $(replay.out)/%: $(replay.out)/tests/replay/%.o $(replay.shared:%.cpp=$(replay.out)/%.o)
	@$(CXX) -o $@ $^

.PHONY: replay replay-corpora oneway oneway-corpora
replay:
	@$(replay.lab) $(replay.root)/tests/replay/run.py $(replay.root)/tests/replay/flows
replay-corpora:
	@$(replay.lab) $(replay.root)/tests/replay/run.py $(abspath $(CORPORA))
# tests/fuzz/fuzz.mk makes core-fuzz
oneway: $(replay.out)/oneway $(replay.out)/onestream $(BUILD)/fuzz/core-fuzz
	@$(replay.root)/tests/fuzz/messages.py --build $(BUILD)/fuzz --found $(ONEWAY_FOUND) $(replay.out)/fuzzed
	@$(replay.lab) $(replay.root)/tests/replay/oneway.py $(wordlist 1,2,$^) own $(replay.out)/fuzzed
oneway-corpora: $(replay.out)/oneway $(replay.out)/onestream
	@$(replay.lab) $(replay.root)/tests/replay/oneway.py $^ $(abspath $(CORPORA))

corpora: replay-corpora oneway-corpora

-include $(replay.objects:.o=.d)

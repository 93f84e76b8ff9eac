# SPDX-License-Identifier: GPL-2.0
# Recorded flows, and single messages, across the router in the lab.
#
#: make replay [CORPORA=DIR]   the project's flows, or every flow below DIR, both ways round
#: make oneway [CORPORA=DIR]   the project's messages, or every message below DIR, one way

replay.root := $(patsubst %/tests/replay/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(replay.root)/build
replay.out := $(BUILD)/replay
replay.flags := -std=gnu++20 -funsigned-char -g1 -O1 -I$(replay.root) -MMD -MP -Wall -Wextra -Werror
replay.sources := tests/replay/oneway.cpp tests/corpora/message_source.cpp tests/corpora/pcap.cpp
replay.objects := $(replay.sources:%.cpp=$(replay.out)/%.o)
replay.lab := $(replay.root)/scripts/lab run --kernel uml-6.1 --timeout 280

$(replay.out)/%.o: $(replay.root)/%.cpp
	@mkdir -p $(@D)
	@$(CXX) $(replay.flags) -c -o $@ $<
$(replay.out)/oneway: $(replay.objects)
	@$(CXX) -o $@ $^

.PHONY: replay oneway
replay:
	@$(replay.lab) $(replay.root)/tests/replay/run.py $(abspath $(or $(CORPORA),$(replay.root)/tests/replay/flows))
oneway: $(replay.out)/oneway
	@$(replay.lab) $(replay.root)/tests/replay/oneway.py $< $(abspath $(CORPORA))

corpora: replay oneway

-include $(replay.objects:.o=.d)

# SPDX-License-Identifier: GPL-2.0
# What the whole helper costs, counted exactly. Used alone (make -f tests/unit/linear.mk
# linear-check) or included.
#
#: make linear-check            the cost of 64 KB of anything is at most that of 32 KB twice

linear.root := $(patsubst %/tests/unit/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(linear.root)/build
linear.out := $(BUILD)/linear
linear.cxx ?= g++
linear.core := $(notdir $(basename $(wildcard $(linear.root)/*.cpp)))
linear.fake := $(notdir $(basename $(wildcard $(linear.root)/tests/fake/*.cpp)))
linear.base := -std=gnu++20 -funsigned-char -fno-rtti -g1 -I$(linear.root) -MMD -MP -Wall -Wextra -Werror \
	       -Wno-unused-parameter -Wno-missing-field-initializers
# Each basic block that the core enters is counted, and each byte that it copies or compares by
# the routines that the kernel has for that.
# (the compiler sees less of the code around each count, and warns of what cannot be)
linear.counted := -O2 -Wno-array-bounds -ffreestanding -fno-exceptions -fno-threadsafe-statics -fsanitize-coverage=trace-pc
linear.renamed := $(foreach name,memcpy memmove memset memcmp,--redefine-sym $(name)=counted_$(name))

$(linear.out)/%.o: $(linear.root)/%.cpp
	@mkdir -p $(@D)
	$(linear.cxx) $(linear.base) $(linear.counted) -c -o $@ $<
	@objcopy $(linear.renamed) $@
$(linear.out)/fake/%.o: $(linear.root)/tests/fake/%.cpp
	@mkdir -p $(@D)
	$(linear.cxx) $(linear.base) -O1 -c -o $@ $<
$(linear.out)/%.o: $(linear.root)/tests/unit/%.cpp
	@mkdir -p $(@D)
	$(linear.cxx) $(linear.base) -O0 -c -o $@ $<
# The core comes first: of a function that several have, its is taken.
$(linear.out)/linear-check: $(linear.core:%=$(linear.out)/%.o) $(linear.fake:%=$(linear.out)/fake/%.o) $(linear.out)/linear_cost.o $(linear.out)/tap_main.o
	$(linear.cxx) -o $@ $^ -lgtest -pthread

.PHONY: linear-check
linear-check: $(linear.out)/linear-check
	@$< $(if $(FILTER),--gtest_filter=$(FILTER))

-include $(wildcard $(linear.out)/*.d $(linear.out)/fake/*.d)

# SPDX-License-Identifier: GPL-2.0
# The whole helper over the fake of the boundary (tests/fake), in userspace. Used alone
# (make -f tests/unit/core.mk core-check) or included.

core.root := $(patsubst %/tests/unit/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(core.root)/build
core.out := $(BUILD)/core-check

core.core := $(notdir $(basename $(wildcard $(core.root)/*.cpp)))
core.fake := $(notdir $(basename $(wildcard $(core.root)/tests/fake/*.cpp)))
core.tests := $(notdir $(basename $(wildcard $(core.root)/tests/unit/core_*.cpp $(core.root)/tests/unit/helper_*.cpp)))
core.cases := $(notdir $(basename $(wildcard $(core.root)/tests/cases/road_cases*.cpp)))

core.warnings := -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers
core.base := -std=gnu++20 -funsigned-char -fno-rtti -g1 -I$(core.root) -MMD -MP $(core.warnings)
# The core is built as for the kernel: nothing of the hosted library, no exceptions.
core.freestanding := -ffreestanding -fno-exceptions -fno-threadsafe-statics
core.sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all
# Tests and fakes have no arithmetic worth watching, and compile in half the time so.
core.sanitize_tests := -fsanitize=address
core.cxx ?= g++
# plays of the fuzz target, the same ones in every run
core.play := helper_fuzz helper_checks helper_watch sip_mutator

core.objects = $(core.core:%=$(1)/%.o) $(core.fake:%=$(1)/fake_%.o) $(core.cases:%=$(1)/%.o)
core.tap := $(wildcard $(core.root)/tests/unit/tap_main.cpp)
core.main := $(if $(core.tap),$(core.out)/tap_main.o)

$(core.out)/%.o: $(core.root)/%.cpp
	@mkdir -p $(@D)
	$(core.cxx) $(core.base) $(core.freestanding) $(core.sanitize) -O1 -c -o $@ $<
$(core.out)/fake_%.o: $(core.root)/tests/fake/%.cpp
	@mkdir -p $(@D)
	$(core.cxx) $(core.base) $(core.sanitize_tests) -O1 -c -o $@ $<
# What all tests include, compiled once.
$(core.out)/core_scene.h.gch: $(core.root)/tests/unit/core_scene.h
	@mkdir -p $(@D)
	$(core.cxx) $(core.base) $(core.sanitize_tests) -O0 -x c++-header -o $@ $<
$(core.out)/%.o: $(core.root)/tests/unit/%.cpp $(core.out)/core_scene.h.gch
	$(core.cxx) $(core.base) $(core.sanitize_tests) -O0 -include $(core.out)/core_scene.h -c -o $@ $<
$(core.out)/%.o: $(core.root)/tests/cases/%.cpp
	@mkdir -p $(@D)
	$(core.cxx) $(core.base) $(core.freestanding) $(core.sanitize) -O1 -c -o $@ $<

$(core.out)/core-check: $(call core.objects,$(core.out)) $(core.play:%=$(core.out)/%.o) $(core.tests:%=$(core.out)/%.o) $(core.main)
	$(core.cxx) $(core.sanitize) -o $@ $^ -lgtest $(if $(core.tap),,-lgtest_main) -pthread

$(core.out)/%.o: $(core.root)/tests/fuzz/%.cpp
	@mkdir -p $(@D)
	$(core.cxx) $(core.base) $(core.sanitize) -O1 -c -o $@ $<

#: make core-check the whole helper over a fake kernel, with ASan and UBSan
.PHONY: core-check
core-check: $(core.out)/core-check
	@ASAN_OPTIONS=malloc_context_size=5:$$ASAN_OPTIONS $< $(if $(FILTER),--gtest_filter=$(FILTER))

-include $(wildcard $(core.out)/*.d)

# SPDX-License-Identifier: GPL-2.0
# The fuzz targets (docs/fuzzing.md). Used alone (make -f tests/fuzz/fuzz.mk fuzz) or included.
#
#: make fuzz FUZZ_SECONDS=N     each libFuzzer target for N seconds; what they find is kept in $SIP_EXT_CACHE
#: make fuzz FUZZ_SEED=N        the same with that seed of random numbers instead of a new one
#: make fuzz-ci                 from the kept seeds alone, a minute each, two at a time: the same code, the same inputs
#: make parse-fuzz, road-fuzz, core-fuzz, stream-fuzz  one of them
#: make fuzz-coverage           how much of the sources each of them reaches
#: make fuzz-seeds              the kept seeds anew, from all that was found
#: make differ CORPORA=DIR      what another SIP parser says of the same messages

fuzz.root := $(patsubst %/tests/fuzz/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(fuzz.root)/build
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
FUZZ_SEED ?=
# What was green stays green until the code changes.
fuzz.ci_seed := 20261122
fuzz.out := $(BUILD)/fuzz
fuzz.cxx ?= clang++
fuzz.run = $(fuzz.root)/tests/fuzz/run.py --build $(fuzz.out) $(if $(CORPORA),--extra $(abspath $(CORPORA)))
fuzz.random = --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED)) --keep
fuzz.targets := parse road core stream

fuzz.core := $(notdir $(basename $(wildcard $(fuzz.root)/*.cpp)))
fuzz.fake := $(notdir $(basename $(wildcard $(fuzz.root)/tests/fake/*.cpp)))
fuzz.base := -std=gnu++20 -funsigned-char -fno-rtti -g1 -O1 -I$(fuzz.root) -MMD -MP -Wall -Wextra -Werror \
	     -Wno-unused-parameter -Wno-missing-field-initializers
fuzz.freestanding := -ffreestanding -fno-exceptions -fno-threadsafe-statics
# The code under test leads the fuzzer; the tests and the fakes around it do not.
fuzz.led := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
fuzz.plain := -fsanitize=address
fuzz.cover := -fprofile-instr-generate -fcoverage-mapping

fuzz.parse := parse_fuzz sip_mutator steps
fuzz.road := road_fuzz road_line road_checks sip_mutator
fuzz.helper := helper_fuzz helper_checks helper_watch helper_mutator sip_mutator
fuzz.stream := stream_fuzz
fuzz.model := stream_peer stream_world stream_play

# $(1): folder of the objects. The core comes first: of a function that several have, its is taken.
fuzz.all_core = $(fuzz.core:%=$(1)/core/%.o) $(fuzz.fake:%=$(fuzz.out)/fake/%.o)
fuzz.objects_parse = $(1)/led/parse_fuzz.o $(1)/core/message_frame.o $(fuzz.out)/sip_mutator.o $(fuzz.out)/steps.o
fuzz.objects_road = $(call fuzz.all_core,$(1)) $(fuzz.road:%=$(fuzz.out)/%.o)
fuzz.objects_core = $(call fuzz.all_core,$(1)) $(fuzz.helper:%=$(fuzz.out)/%.o)
fuzz.objects_stream = $(call fuzz.all_core,$(1)) $(fuzz.stream:%=$(fuzz.out)/%.o) $(fuzz.model:%=$(fuzz.out)/unit/%.o)

$(fuzz.out)/core/%.o: $(fuzz.root)/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.freestanding) $(fuzz.led) -c -o $@ $<
$(fuzz.out)/fake/%.o: $(fuzz.root)/tests/fake/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.plain) -c -o $@ $<
$(fuzz.out)/unit/%.o: $(fuzz.root)/tests/unit/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.plain) -c -o $@ $<
$(fuzz.out)/%.o: $(fuzz.root)/tests/fuzz/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.plain) -c -o $@ $<
# The parser is all in headers, and its steps are counted (libFuzzer has a routine of the first
# name that counts nothing).
$(fuzz.out)/led/%.o: $(fuzz.root)/tests/fuzz/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.led) -fsanitize-coverage=trace-pc -c -o $@ $<
	@objcopy --redefine-sym __sanitizer_cov_trace_pc=count_step $@
$(foreach t,$(fuzz.targets),$(eval $(fuzz.out)/$(t)-fuzz: $(call fuzz.objects_$(t),$(fuzz.out))))
$(fuzz.targets:%=$(fuzz.out)/%-fuzz):
	$(fuzz.cxx) -fsanitize=fuzzer,address,undefined -o $@ $^

# What the seeds began with.
$(fuzz.out)/first-seeds: $(fuzz.out)/first_seeds.o $(patsubst $(fuzz.root)/tests/cases/%.cpp,$(fuzz.out)/cases/%.o,$(wildcard $(fuzz.root)/tests/cases/*.cpp)) $(call fuzz.all_core,$(fuzz.out))
	$(fuzz.cxx) -fsanitize=address,undefined -o $@ $^
$(fuzz.out)/cases/%.o: $(fuzz.root)/tests/cases/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.plain) -c -o $@ $<

# The same, to be told which lines ran.
$(fuzz.out)/cover/core/%.o: $(fuzz.root)/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.freestanding) $(fuzz.plain) $(fuzz.cover) -c -o $@ $<
$(fuzz.out)/cover/led/%.o: $(fuzz.root)/tests/fuzz/%.cpp
	@mkdir -p $(@D)
	$(fuzz.cxx) $(fuzz.base) $(fuzz.plain) $(fuzz.cover) -c -o $@ $<
$(foreach t,$(fuzz.targets),$(eval $(fuzz.out)/cover/$(t)-fuzz: $(call fuzz.objects_$(t),$(fuzz.out)/cover)))
$(fuzz.targets:%=$(fuzz.out)/cover/%-fuzz):
	$(fuzz.cxx) $(fuzz.cover) -fsanitize=fuzzer,address -o $@ $^

# What another parser says.
fuzz.differ := tests/fuzz/differ tests/fuzz/differ_rules tests/fuzz/differ_ours tests/fuzz/differ_theirs tests/fuzz/differ_text tests/corpora/message_source tests/corpora/pcap
$(fuzz.out)/differ/%.o: $(fuzz.root)/%.cpp
	@mkdir -p $(@D)
	$(CXX) -std=gnu++20 -funsigned-char -g1 -O1 -I$(fuzz.root) -MMD -MP -Wall -Wextra -Werror -c -o $@ $<
$(fuzz.out)/differ/differ: $(fuzz.differ:%=$(fuzz.out)/differ/%.o)
	$(CXX) -o $@ $^ -losipparser2

.PHONY: fuzz fuzz-ci fuzz-build fuzz-coverage fuzz-seeds differ differ-seeds $(fuzz.targets:%=%-fuzz)
fuzz-build: $(fuzz.targets:%=$(fuzz.out)/%-fuzz)
fuzz: fuzz-build
	@$(fuzz.run) $(fuzz.random) --jobs $(FUZZ_JOBS) $(fuzz.targets)
fuzz-ci: fuzz-build
	@$(fuzz.root)/tests/fuzz/run.py --build $(fuzz.out) --seconds $(FUZZ_SECONDS) --jobs 2 --repeat \
		--seed $(or $(FUZZ_SEED),$(fuzz.ci_seed)) $(fuzz.targets)
$(fuzz.targets:%=%-fuzz): %-fuzz: $(fuzz.out)/%-fuzz
	@$(fuzz.run) $(fuzz.random) $*
fuzz-coverage: $(fuzz.targets:%=$(fuzz.out)/cover/%-fuzz)
	@$(fuzz.run) --coverage --keep $(fuzz.targets)
fuzz-seeds: fuzz-build $(fuzz.out)/first-seeds
	@$(fuzz.out)/first-seeds $(fuzz.out)/first
	@$(fuzz.run) --minimize --keep $(fuzz.targets)

# `corpora` runs what each room does with the collections; without one, the kept messages alone.
corpora: differ
differ: $(fuzz.out)/differ/differ
	@$(fuzz.run) --unpack $(fuzz.targets)
	@$< $(fuzz.root)/tests/data $(fuzz.out)/parse/seeds $(if $(CORPORA),$(abspath $(CORPORA)))

-include $(wildcard $(fuzz.out)/*.d $(fuzz.out)/*/*.d $(fuzz.out)/*/*/*.d $(fuzz.out)/*/*/*/*.d)

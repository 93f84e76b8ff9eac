# SPDX-License-Identifier: GPL-2.0
# The parser in userspace. Used alone (make -f tests/unit/unit.mk parse-check) or included.
#
#: make parse-check            unit tests of the parser, with ASan and UBSan
#: make parse-corpora CORPORA=DIR  every message below DIR, whole and cut at every byte

parse.root := $(patsubst %/tests/unit/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
BUILD ?= $(parse.root)/build
parse.out := $(BUILD)/parse

parse.cxx ?= g++
parse.base := -std=gnu++20 -funsigned-char -g1 -I$(parse.root) -MMD -MP -Wall -Wextra -Werror
parse.sanitize := -fsanitize=address,undefined -fno-sanitize-recover=all

parse.tests := $(patsubst $(parse.root)/%.cpp,$(parse.out)/%.o,$(parse.root)/tests/unit/tap_main.cpp \
		 $(wildcard $(parse.root)/tests/unit/parse_*_test.cpp))
parse.corpora := $(patsubst $(parse.root)/%.cpp,$(parse.out)/%.o,$(wildcard $(parse.root)/tests/corpora/*.cpp))

$(parse.out)/tests/%.o: $(parse.root)/tests/%.cpp
	@mkdir -p $(@D)
	$(parse.cxx) $(parse.base) $(parse.sanitize) -O1 -c -o $@ $<

$(parse.out)/parse-check: $(parse.tests)
	$(parse.cxx) $(parse.sanitize) -o $@ $^ -lgtest -pthread
$(parse.out)/parse-corpora: $(parse.corpora)
	$(parse.cxx) $(parse.sanitize) -o $@ $^

.PHONY: parse-check parse-corpora corpora
parse-check: $(parse.out)/parse-check
	@$< $(if $(FILTER),--gtest_filter=$(FILTER))

# `corpora` runs what each room does with the collections.
corpora: parse-corpora
parse-corpora: $(parse.out)/parse-corpora
	@test -d "$(CORPORA)" || { echo "CORPORA=DIR names the folder of messages" >&2; exit 2; }
	@$< $(CORPORA) $(parse.root)/tests/corpora/exceptions.txt

-include $(wildcard $(parse.out)/*.d $(parse.out)/tests/*/*.d)

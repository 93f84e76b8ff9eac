# SPDX-License-Identifier: GPL-2.0
# `make` alone says what there is to make.

# make modules: which kernel, and where the build goes
KDIR ?= /lib/modules/$(shell uname -r)/build
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

include $(ROOT)/kernel/modules.mk $(ROOT)/scripts/sip-ext.d/install.mk
# the targets of other rooms, each in its own file
-include $(ROOT)/tests/unit/unit.mk $(ROOT)/tests/unit/core.mk \
	$(ROOT)/tests/unit/stream.mk $(ROOT)/tests/unit/linear.mk $(ROOT)/tests/fuzz/fuzz.mk \
	$(ROOT)/tests/replay/replay.mk $(ROOT)/tests/stress/stress.mk

.PHONY: help check test compare demo lint bench perf perf-native promises
help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make check      everything that needs no root and no kernel
#: make test       all tests: userspace, KUnit, virtual router
#: make demo       a phone behind NAT registers and calls through the virtual router
#: make lint       formatting and static analysis
#: make compare    every scenario and every stream with the in-tree helper, too: a quarter of an hour
#: make bench      what parsing costs, beside other parsers; TSV=1, CORPORA=DIR, DOC=1 (into docs/performance.md)
#: make perf       what we cost, beside the in-tree helper: instructions
#: make perf-native   the same in nanoseconds, and on two processors at once; DOC=1 (into docs/performance.md)
#: make promises   which test proves which promise of REQUIREMENTS
demo lint perf promises:
	@$(ROOT)/scripts/$@
perf-native:
	@$(ROOT)/scripts/perf native $(if $(DOC),--doc)
bench:
	@$(ROOT)/scripts/bench $(if $(TSV),--tsv) $(if $(DOC),--doc) $(if $(CORPORA),--corpora $(abspath $(CORPORA)))
test:
	@$(ROOT)/scripts/deps && $(ROOT)/scripts/test
check:
	@$(ROOT)/scripts/test check
compare:
	@$(ROOT)/scripts/deps && $(ROOT)/tests/e2e/compare.py && $(ROOT)/tests/tcp/compare.py

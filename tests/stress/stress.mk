# SPDX-License-Identifier: GPL-2.0
# The modules under everything at once, in a kernel with its sanitizers on.
#
#: make stress [STRESS_SECONDS=N]    calls while everything is done to the router, and what is left then
#: make faults [FAULTS_SECONDS=N]    calls while memory is refused
#: make junk                          what is not SIP, and the switch flipped under traffic
#: make sanitized [STRESS_SECONDS=N]  all scenarios, streams and stresses with every sanitizer: an hour or two, 1 GB

stress.root := $(patsubst %/tests/stress/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
STRESS_SECONDS ?= 180
FAULTS_SECONDS ?= 60
export STRESS_SECONDS FAULTS_SECONDS

.PHONY: stress faults junk sanitized
stress:
	@$(stress.root)/tests/stress/in-lab run.py
faults:
	@$(stress.root)/tests/stress/in-lab faults.py
junk:
	@$(stress.root)/tests/stress/in-lab junk.py uml-7.3
sanitized:
	@$(stress.root)/tests/stress/sanitized.py

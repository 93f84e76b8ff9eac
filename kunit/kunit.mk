# SPDX-License-Identifier: GPL-2.0
# sip_ext_kunit.ko: the tests, and both halves with their core built once more for them.

kunit-own  := main.o glue.o packets.o pinholes.o mappings.o segments.o tcp.o tcp_limits.o log.o cases.cpp.o
kunit-core := $(filter-out nat-%,$(core-ct) $(core-nat)) tests/cases/road_cases.cpp.o
kunit-glue := $(addprefix kunit/of-kernel/,$(glue-ct) $(glue-nat))

obj-m += sip_ext_kunit.o
sip_ext_kunit-y := $(addprefix kunit/,$(kunit-own) $(addprefix of-core/,$(kunit-core))) $(kunit-glue)

CFLAGS_KUNIT := -DSIPX_KUNIT -I$(src)/kernel
$(addprefix $(obj)/,$(kunit-glue) $(addprefix kunit/,$(filter-out %.cpp.o,$(kunit-own)))): ccflags-y += $(CFLAGS_KUNIT)
$(addprefix $(obj)/kunit/,$(filter-out %.cpp.o,$(kunit-own))): $(obj)/kernel/probed.h

$(obj)/kunit/of-kernel/%.o: $(src)/kernel/%.c FORCE
	$(call if_changed_rule,cc_o_c)
$(obj)/kunit/of-core/%.cpp.o: $(src)/%.cpp $(src)/scripts/check-objects FORCE
	$(call if_changed_rule,cxx_o_cpp)

# Faults on purpose, for tests/stress/sanitizers: with SIPX_KUNIT=caught they alone are built
sip_ext_caught-y := kunit/caught.o kunit/caught_faults.cpp.o
ifeq ($(SIPX_KUNIT),caught)
obj-m := sip_ext_caught.o
endif

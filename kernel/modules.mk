# SPDX-License-Identifier: GPL-2.0
#: make modules [KDIR=build folder of a kernel] [O=output folder]
#: make modules_install [KDIR=...] [O=...] [INSTALL_MOD_PATH=...]
#: make kunit KDIR=... [O=...]   the KUnit module, for a UML kernel; CAUGHT=1: one of faults on purpose
#: make clean      removes build/

# The kernel's build writes beside the sources it is given, so it is given a folder of
# links: several kernels can be built side by side, and the checkout stays clean.

kdir := $(abspath $(KDIR))
# what a build folder of a kernel says about itself
kconfig = $(shell sed -n 's/^CONFIG_$(1)="\{0,1\}\([^"]*\)"\{0,1\}$$/\1/p'	\
	    $(firstword $(wildcard $(kdir)/.config $(kdir)/include/config/auto.conf)) 2>/dev/null)
krelease = $(firstword $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p'			\
	     $(kdir)/include/generated/utsrelease.h 2>/dev/null) unknown)
out = $(abspath $(if $(O),$(O),$(ROOT)/build/$(krelease)))

# The compiler that the kernel was built with, where this machine has it.
kcompiler = $(firstword $(call kconfig,CC_VERSION_TEXT))
kcc = $(if $(filter command environment,$(firstword $(origin CC))),$(CC),$(firstword	\
	$(shell command -v $(kcompiler) 2>/dev/null | xargs -r basename)		\
	$(if $(findstring clang,$(kcompiler)),clang,gcc)))

# Named here, because our own O= must not reach the kernel's build.
kmake-passed := ARCH CROSS_COMPILE LLVM LLVM_IAS W C CF V KCFLAGS KBUILD_MODPOST_WARN	\
		INSTALL_MOD_PATH INSTALL_MOD_DIR INSTALL_MOD_STRIP
kmake = +@MAKEFLAGS= $(MAKE) -j$(shell nproc) -C $(kdir) M=$(out)	\
	$(if $(filter y,$(call kconfig,UML)),ARCH=um)					\
	$(foreach v,$(kmake-passed),$(if $($(v)),$(v)='$($(v))')) CC='$(kcc)'

shadow-files = $(patsubst $(ROOT)/%,%,$(wildcard $(addprefix $(ROOT)/,			\
	Kbuild dkms.conf *.h *.cpp kernel/*.c kernel/*.h kernel/*.mk kernel/probe.sh		\
	kernel/probes/* scripts/check-objects kunit/*.c kunit/*.cpp kunit/*.h kunit/*.mk	\
	tests/cases/*.h tests/cases/*.cpp tests/cases/*.inc)))

.PHONY: modules modules_install kunit clean shadow
shadow:
	@test -e $(kdir)/Makefile || { echo "no kernel to build for in $(kdir): give KDIR=" >&2; exit 1; }
	@mkdir -p $(sort $(dir $(addprefix $(out)/,$(shadow-files))))
	@find $(out) -xtype l -delete
	@cd $(ROOT) && for f in $(shadow-files); do ln -sfn $(ROOT)/$$f $(out)/$$f; done

modules: shadow
	$(kmake) modules

kunit: shadow
	$(kmake) SIPX_KUNIT=$(if $(CAUGHT),caught,1) modules

modules_install:
	$(kmake) modules_install

clean:
	rm -rf $(ROOT)/build

#: make kunit-test [KERNEL=uml-6.1]   the KUnit tests in the virtual router
KERNEL ?= uml-6.1
kunit_cpus = $(if $(filter uml-6.1,$(KERNEL)),1,2)
.PHONY: kunit-test
kunit-test:
	@$(ROOT)/scripts/lab prepare $(KERNEL)
	@$(MAKE) --no-print-directory kunit KDIR=$$($(ROOT)/scripts/lab kdir $(KERNEL)) O=$(ROOT)/build/kunit/$(KERNEL)
	@$(ROOT)/scripts/lab run --kernel $(KERNEL) --cpus $(kunit_cpus) --helper none --env \
		KUNIT_MODULE=$(ROOT)/build/kunit/$(KERNEL)/sip_ext_kunit.ko $(ROOT)/tests/lab/kunit.sh

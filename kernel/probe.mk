# SPDX-License-Identifier: GPL-2.0
# kernel/probed.h says what this kernel's headers and exports offer. Each probe is a
# small file compiled with the kernel's own flags; nothing compares version numbers.

probe-flags = $(NOSTDINC_FLAGS) $(LINUXINCLUDE) $(KBUILD_CPPFLAGS)	\
	      $(filter-out -Werror%,$(KBUILD_CFLAGS)) $(KBUILD_CFLAGS_MODULE)

quiet_cmd_sipx_probe = PROBE   $@
      cmd_sipx_probe = CC="$(CC)" $(CONFIG_SHELL) $(src)/kernel/probe.sh	\
			$(src)/kernel/probes $(objtree)/Module.symvers $@ $(probe-flags)

$(obj)/kernel/probed.h: $(src)/kernel/probe.sh $(wildcard $(src)/kernel/probes/*.c)	\
			$(wildcard $(objtree)/Module.symvers) FORCE
	$(call if_changed,sipx_probe)

targets += kernel/probed.h
sipx-glue := $(addprefix kernel/,$(glue-ct) $(glue-nat)) $(kunit-glue)
$(addprefix $(obj)/,$(sipx-glue)): $(obj)/kernel/probed.h

# SPDX-License-Identifier: GPL-2.0
# C++ for Kbuild: foo.cpp.o is built from foo.cpp by kbuild's own C rule.
# The compiler is $(CC): its driver picks C++ by the suffix, so C and C++ always
# come from one compiler (gcc-N, clang under LLVM=1, a cross gcc).

# Kernel flags that C++ rejects (clang: error, gcc: warning)
cxx-drop := -std=gnu% -Wstrict-prototypes -Werror=strict-prototypes	\
	    -Wmissing-prototypes -Wold-style-definition			\
	    -Werror=implicit-function-declaration			\
	    -Werror-implicit-function-declaration -Werror=implicit-int	\
	    -Werror=incompatible-pointer-types -Werror=designated-init	\
	    -Wdeclaration-after-statement -Wno-pointer-sign		\
	    -Wno-override-init -Wno-initializer-overrides		\
	    -Wno-unterminated-string-initialization -fms-extensions

cxx-add := -std=gnu++20 -ffreestanding -fno-exceptions -fno-rtti	\
	   -fno-threadsafe-statics -fno-use-cxa-atexit -funsigned-char	\
	   -Wextra -Wno-unused-parameter -I$(src)

# UML lets its own C use SSE; ours is the same everywhere.
cxx-add += $(call cc-option,-mgeneral-regs-only)

# Inline variables are weak symbols like inline functions: see cmd_ungroup_cxx.
cxx-add += $(if $(CONFIG_CC_IS_GCC),-fno-gnu-unique)

# gcc stops to inline once a file has grown by 40 %, wherever that is: any function more then makes each
# message dearer (measured: 2 to 5 % between the two).
cxx-add += $(if $(CONFIG_CC_IS_GCC),--param=inline-unit-growth=100)

# pahole turns DWARF into BTF and fails on C++: no DWARF of C++ in such kernels.
cxx-add += $(if $(CONFIG_DEBUG_INFO_BTF_MODULES),-g0)

# c_flags of scripts/Makefile.lib, without the kernel's include path and without
# compiler_types.h (it redefines `inline` and `auto`): a kernel header in C++ is
# a compile error by construction. Each message runs through nearly all of the core once: -O3
# takes a twentieth less for it than -O2. A kernel that is built for its size stays so.
cxx-flags = -Wp,-MMD,$(depfile) -nostdinc				\
	    $(patsubst -O2,-O3,$(filter-out $(cxx-drop),$(_c_flags) $(modkern_cflags))) $(cxx-add)

# Everything that the build itself would not notice (static constructors, libstdc++,
# FPU): see the script.
cmd_check_cxx = $(CONFIG_SHELL) $(src)/scripts/check-objects $@

# An inline function that two objects have is in a group of sections, and the linker drops the
# second one; gcc's list of functions for ftrace (-mrecord-mcount) still names it, and the link
# fails. Without groups both stay. clang's lists belong to the groups.
cmd_ungroup_cxx = $(if $(CONFIG_CC_IS_GCC),$(OBJCOPY) --remove-section=.group $@)

# What kbuild compares to see that flags have changed
cmd_cxx_o_cpp = $(cmd_cc_o_c)

define rule_cxx_o_cpp
	$(call rule_cc_o_c)
	$(call cmd,ungroup_cxx)
	$(call cmd,check_cxx)
endef

$(obj)/%.cpp.o: c_flags = $(cxx-flags)
$(obj)/%.cpp.o: quiet_cmd_cc_o_c = CXX $(quiet_modtag) $@
# sparse and kernel-doc read C only
$(obj)/%.cpp.o: cmd_checksrc =
$(obj)/%.cpp.o: quiet_cmd_checksrc =
$(obj)/%.cpp.o: cmd_checkdoc =
$(obj)/nat-%.cpp.o: $(src)/%.cpp $(src)/scripts/check-objects FORCE
	$(call if_changed_rule,cxx_o_cpp)
$(obj)/%.cpp.o: $(src)/%.cpp $(src)/scripts/check-objects FORCE
	$(call if_changed_rule,cxx_o_cpp)

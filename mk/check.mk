# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Rules that a machine can check. Each scripts/check-* is one of them and can be run by itself.

define newline


endef

CHECKS := $(sort $(wildcard scripts/check-*))

# What both compilers must accept. gcc writes the objects that are linked anyway (its flow warnings
# need code generation); clang only reads, and leaves a mark so that it reads a folder once.
USER_C   := $(wildcard userspace/*/*.c)
TEST_C   := $(filter-out %.bpf.c,$(wildcard tests/*.c tests/*/*.c tests/*/*/*.c))
GCC_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(USER_C))
PURE_LIB := $(patsubst %,$(B)/lib%.a,$(filter base bgp bfd api lb kube plan,$(DIRS)))

# To start takes clang as long as to read a file, so it reads a folder at a time: what stands behind -Xclang is
# one file more for the same process. Alone it reads those of FUZZ_BPF, which have flags of their own (mk/fuzz.mk), and
# those that have #pragma diagnostic, which it would take to hold in other files, too (scripts/check-compilers; so has
# what <stdlib.h> adds with -O).
FUZZ_BPF    := $(addprefix tests/fuzz/,fuzz_xdp_lb fuzz_tc_reply)
CLANG_ALONE := $(FUZZ_BPF) userspace/sys/bpf_load userspace/sys/bpf_load_capture $(patsubst %.c,%,$(filter-out %.bpf.c,$(wildcard tests/bpf/*.c tests/bench/*.c tests/vm/*.c)))
CLANG_C     := $(filter-out $(addsuffix .c,$(CLANG_ALONE)),$(USER_C) $(TEST_C))
CLANG_DIRS  := $(patsubst %/,%,$(sort $(dir $(CLANG_C))))
CLANG_OK    := $(patsubst %,$(B)/clang/%.ok,$(CLANG_DIRS) $(CLANG_ALONE))

# Most of what it reads are headers, the same again and again, so it reads those of a layer and of what lies below it once for
# the layer and its unit tests. That hides a file that does not include what it uses, which gcc tells: it reads each with its
# own headers. Left out are layers that are small, or of which files have names of their own for what a header names, and headers like that.
CLANG_FIRST_OF := agent sys plan kube api bgp
CLANG_FIRST_NOT := userspace/sys/% $(addprefix userspace/plan/,plan_peers.h plan_objects.h plan_service_build.h plan_changes_inside.h ipam_wish.h)
clang_headers = $(filter-out $(CLANG_FIRST_NOT),$(foreach d,$(below_$(1)),$(wildcard userspace/$(d)/*.h)))
CLANG_READ    = $(CLANG) $(CPPFLAGS) -Itests $(CFLAGS_ALL) -O0

$(B)/clang/%.pch: mk/check.mk
	$(folder)
	$(file >$(@:.pch=.h),$(foreach h,$(call clang_headers,$*),#include "$(h:userspace/%=%)"$(newline)))
	$(Q)$(CLANG_READ) -MMD -MP -MT $@ -MF $(@:.pch=.d) -x c-header -o $@ $(@:.pch=.h)

# clang_rule NAME,FILES[,PCH]
define clang_rule
$(B)/clang/$(1).ok: $(2) $(3)
	$$(folder)
	$$(Q)$$(CLANG_READ) -fsyntax-only -MMD -MP -MT $$@ -MF $$(@:.ok=.d) $(addprefix -include-pch ,$(3)) \
		$(firstword $(2)) $(addprefix -Xclang ,$(wordlist 2,999,$(2)))
	@touch $$@
endef
clang_first = $(patsubst %,$(B)/clang/%.pch,$(filter $(CLANG_FIRST_OF),$(patsubst userspace/%,%,$(1:tests/unit/%=userspace/%))))
$(foreach d,$(CLANG_DIRS),$(eval $(call clang_rule,$(d),$(filter $(addprefix $(d)/,$(notdir $(CLANG_C))),$(CLANG_C)),$(call clang_first,$(d)))))
$(foreach n,$(CLANG_ALONE),$(eval $(call clang_rule,$(n),$(n).c)))

# Skeletons are generated headers.
$(CLANG_OK): | $(BPF_SKEL) $(BENCH_SKEL)

compilers: $(GCC_OBJ) $(PURE_LIB) $(CLANG_OK)

check: ## layers, purity, format, calls, sizes, both compilers, shell, licences, words
	+$(Q)MAKE="$(MAKE)" scripts/run-checks $(CHECKS)

check-rules: all ## each rule of layers, purity and calls, broken once in a copy
	$(Q)tests/checks/run

format: ## write every C file as clang-format would
	$(Q)scripts/sources c h | xargs -rd '\n' clang-format -i

.PHONY: check check-rules format compilers

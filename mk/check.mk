# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Rules that a machine can check. Each scripts/check-* is one of them and can be run by itself.

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

# clang_rule NAME,FILES
define clang_rule
$(B)/clang/$(1).ok: $(2)
	$$(folder)
	$$(Q)$$(CLANG) $$(CPPFLAGS) -Itests $$(CFLAGS_ALL) -O0 -fsyntax-only -MMD -MP -MT $$@ -MF $$(@:.ok=.d) \
		$(firstword $(2)) $(addprefix -Xclang ,$(wordlist 2,999,$(2)))
	@touch $$@
endef
$(foreach d,$(CLANG_DIRS),$(eval $(call clang_rule,$(d),$(filter $(addprefix $(d)/,$(notdir $(CLANG_C))),$(CLANG_C)))))
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

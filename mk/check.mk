# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Rules that a machine can check. Each scripts/check-* is one of them and can be run by itself.

CHECKS := $(sort $(wildcard scripts/check-*))

# What both compilers must accept. gcc writes the objects that are linked anyway (its flow warnings
# need code generation); clang only reads, and leaves a mark so that it reads a file once.
USER_C   := $(wildcard userspace/*/*.c)
TEST_C   := $(filter-out %.bpf.c,$(wildcard tests/*.c tests/*/*.c tests/*/*/*.c))
GCC_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(USER_C))
CLANG_OK := $(patsubst %.c,$(B)/clang/%.ok,$(USER_C) $(TEST_C))
PURE_LIB := $(patsubst %,$(B)/lib%.a,$(filter base bgp bfd api lb kube plan,$(DIRS)))

$(B)/clang/%.ok: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -Itests $(CFLAGS_ALL) -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

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

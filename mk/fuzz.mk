# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Fuzzing with libFuzzer. Every tests/fuzz/fuzz_X.c becomes a program that is linked with the layers that it
# names here; objects are shared between fuzzers. Corpora are in the tree: `fuzz-replay` runs each file once and
# belongs to `make test`, `fuzz` looks for new inputs and keeps them in build/fuzz/corpus. What searches for hours
# (build/fuzz/fuzz_X) is clang's, and optimised. What replays (build/replay/fuzz_X) has no need of libFuzzer: it is linked
# with the layers as unit programs have them, and only programs of the kernel's are clang's there, too.
#
#   fuzz_layers_NAME   layers to link, lowest last (default: base)
#   fuzz_files_NAME    files beside these, of a layer that is not linked as a whole
#   fuzz_libs_NAME     and what they link
#   fuzz_corpus_NAME   folders of inputs, with a colon between (default: tests/fuzz/corpus/X)

fuzz_layers_fuzz_bgp_msg    := bgp base
fuzz_layers_fuzz_bgp_update := bgp base
fuzz_layers_fuzz_bgp_peer   := bgp base
fuzz_layers_fuzz_bgp_rib_in := bgp base
fuzz_layers_fuzz_nd_message := bgp base
fuzz_layers_fuzz_yaml       := api base
fuzz_layers_fuzz_object     := api base
fuzz_layers_fuzz_scalar     := api base
fuzz_layers_fuzz_bfd_packet := bfd base
fuzz_layers_fuzz_bfd_set    := bfd base
fuzz_files_fuzz_rtnl_message := $(addprefix userspace/sys/,rtnl_message.c rtnl_prefix.c rtnl_fib_message.c netlink_attrs.c) \
	$(addprefix userspace/plan/,fib.c plan_kernel.c plan_kernel_want.c plan_sort.c)
fuzz_libs_fuzz_rtnl_message := -lmnl -lnl-route-3 -lnl-3
fuzz_files_fuzz_netlink_read := userspace/sys/netlink_read.c userspace/sys/netlink_attrs.c
fuzz_libs_fuzz_netlink_read := -lmnl
fuzz_layers_fuzz_kube_watch := kube base
fuzz_layers_fuzz_kube_frame := kube base
fuzz_layers_fuzz_xdp_lb     := base
fuzz_files_fuzz_xdp_lb      := tests/fuzz/bpf_host/bpf_host.c
fuzz_files_fuzz_tc_reply    := tests/fuzz/bpf_host/bpf_host.c tests/fuzz/bpf_host/bpf_host_skb.c
fuzz_corpus_fuzz_yaml       := tests/samples:tests/fuzz/corpus/yaml

FUZZ_SECONDS ?= 30
FUZZ_SRC     := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES   := $(patsubst tests/fuzz/%.c,%,$(FUZZ_SRC))
FUZZ_BIN     := $(addprefix $(B)/fuzz/,$(FUZZ_NAMES))
REPLAY_BIN   := $(addprefix $(B)/replay/,$(FUZZ_NAMES))
FUZZ_SAN     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

fuzz_layers = $(or $(fuzz_layers_$(1)),base)
fuzz_corpus = $(or $(fuzz_corpus_$(1)),tests/fuzz/corpus/$(patsubst fuzz_%,%,$(1)))
fuzz_src    = tests/fuzz/$(1).c $(fuzz_files_$(1)) $(foreach l,$(call fuzz_layers,$(1)),$(call src,$(l)))

$(B)/fuzz/obj/%.o: %.c
	$(call begin,FUZZ ,$<)
	$(Q)$(CLANG) $(CPPFLAGS) -Itests -std=gnu17 $(WARN) $(WERROR) -O1 -g -fsanitize=fuzzer-no-link $(FUZZ_SAN) -MMD -MP -c -o $@ $<

$(B)/replay/obj/%.o: %.c
	$(call begin,FUZZ ,$<)
	$(Q)$(CLANG) $(CPPFLAGS) -Itests -std=gnu17 $(WARN) $(WERROR) -O0 -g1 $(FUZZ_SAN) -MMD -MP -c -o $@ $<

# Programs of the kernel's (mk/check.mk has their names), compiled for the host with a header of ours in place of libbpf's.
$(foreach n,$(FUZZ_BPF),$(B)/fuzz/obj/$(n).o $(B)/replay/obj/$(n).o $(B)/clang/$(n).ok): CPPFLAGS := -Itests/fuzz/bpf_host -Ibpf $(CPPFLAGS)

fuzz_libs = $(foreach l,$(call fuzz_layers,$(1)),$(LIBS_$(l))) $(fuzz_libs_$(1))

# fuzz_program NAME
define fuzz_program
$(B)/fuzz/$(1): $(patsubst %.c,$(B)/fuzz/obj/%.o,$(call fuzz_src,$(1)))
	$$(call say,LD   ,$$@)
	$$(Q)$$(CLANG) -fsanitize=fuzzer $$(FUZZ_SAN) -o $$@ $$(filter %.o,$$^) $(call fuzz_libs,$(1))
endef
$(foreach n,$(FUZZ_NAMES),$(eval $(call fuzz_program,$(n))))

# replay_program NAME
define replay_program
$(B)/replay/$(1): $(patsubst %.c,$(B)/san/%.o,tests/fuzz/$(1).c tests/fuzz/replay.c $(fuzz_files_$(1))) $(patsubst %,$(B)/san/lib%.so,$(call fuzz_layers,$(1)))
	$$(folder)
	$$(Q)$$(CC) $$(SAN) $$(SAN_LD) -Wl,-rpath,'$$$$ORIGIN/../san' -o $$@ $$(filter %.o %.so,$$^) $(call fuzz_libs,$(1))
endef
$(foreach n,$(filter-out $(notdir $(FUZZ_BPF)),$(FUZZ_NAMES)),$(eval $(call replay_program,$(n))))

# replay_kernel_program NAME
define replay_kernel_program
$(B)/replay/$(1): $(patsubst %.c,$(B)/replay/obj/%.o,tests/fuzz/$(1).c tests/fuzz/replay.c $(fuzz_files_$(1)))
	$$(call say,LD   ,$$@)
	$$(Q)$$(CLANG) $$(FUZZ_SAN) -o $$@ $$^
endef
$(foreach n,$(notdir $(FUZZ_BPF)),$(eval $(call replay_kernel_program,$(n))))

# What scripts/run-fuzz takes: PROGRAM=CORPUS[:CORPUS...].
fuzz_runs = $(foreach n,$(FUZZ_NAMES),$(B)/$(1)/$(n)=$(call fuzz_corpus,$(n)))

fuzz: $(FUZZ_BIN) ## fuzz each decoder for FUZZ_SECONDS (30), findings in build/fuzz
	$(Q)scripts/run-fuzz search $(FUZZ_SECONDS) $(call fuzz_runs,fuzz)

test-programs: $(REPLAY_BIN)
fuzz-replay: $(REPLAY_BIN) ## run each fuzzer once over the inputs in the tree
	$(Q)scripts/run-fuzz replay 0 $(call fuzz_runs,replay)

.PHONY: fuzz fuzz-replay

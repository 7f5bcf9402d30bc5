# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Fuzzing with libFuzzer. Every tests/fuzz/fuzz_X.c becomes build/fuzz/fuzz_X, linked with the layers
# that it names here; objects are shared between fuzzers. Corpora are in the tree: `fuzz-replay` runs each
# file once and belongs to `make test`, `fuzz` looks for new inputs and keeps them in build/fuzz/corpus.
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
fuzz_layers_fuzz_rtnl_message := plan lb api bfd bgp base
fuzz_files_fuzz_rtnl_message := userspace/sys/rtnl_message.c userspace/sys/rtnl_prefix.c userspace/sys/rtnl_fib_message.c userspace/sys/netlink_attrs.c
fuzz_libs_fuzz_rtnl_message := -lmnl -lnl-route-3 -lnl-3
fuzz_layers_fuzz_netlink_read := plan lb api bfd bgp base
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
FUZZ_SAN     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

$(B)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"
	$(Q)$(CLANG) $(CPPFLAGS) -Itests -std=gnu17 $(WARN) $(WERROR) -O1 -g -fsanitize=fuzzer-no-link \
		$(FUZZ_SAN) -MMD -MP -c -o $@ $<

# Programs of the kernel's, compiled for the host with a header of ours in place of libbpf's.
$(foreach n,fuzz_xdp_lb fuzz_tc_reply,$(B)/fuzz/obj/tests/fuzz/$(n).o $(B)/clang/tests/fuzz/$(n).ok): CPPFLAGS := -Itests/fuzz/bpf_host -Ibpf $(CPPFLAGS)

fuzz_layers = $(or $(fuzz_layers_$(1)),base)
fuzz_corpus = $(or $(fuzz_corpus_$(1)),tests/fuzz/corpus/$(patsubst fuzz_%,%,$(1)))
fuzz_objs   = $(patsubst %.c,$(B)/fuzz/obj/%.o,tests/fuzz/$(1).c $(fuzz_files_$(1)) $(foreach l,$(call fuzz_layers,$(1)),$(call src,$(l))))

define fuzz_rules
$(B)/fuzz/$(1): $(call fuzz_objs,$(1))
	@echo "  LD    $$@"
	$$(Q)$$(CLANG) -fsanitize=fuzzer $$(FUZZ_SAN) -o $$@ $$(filter %.o,$$^) $(foreach l,$(call fuzz_layers,$(1)),$(LIBS_$(l))) $(fuzz_libs_$(1))
endef
$(foreach n,$(FUZZ_NAMES),$(eval $(call fuzz_rules,$(n))))

# What scripts/run-fuzz takes: PROGRAM=CORPUS[:CORPUS...].
FUZZ_RUNS := $(foreach n,$(FUZZ_NAMES),$(B)/fuzz/$(n)=$(call fuzz_corpus,$(n)))

fuzz: $(FUZZ_BIN) ## fuzz each decoder for FUZZ_SECONDS (30), findings in build/fuzz
	$(Q)scripts/run-fuzz search $(FUZZ_SECONDS) $(FUZZ_RUNS)

test-programs: $(FUZZ_BIN)
fuzz-replay: $(FUZZ_BIN) ## run each fuzzer once over the inputs in the tree
	$(Q)scripts/run-fuzz replay 0 $(FUZZ_RUNS)

.PHONY: fuzz fuzz-replay

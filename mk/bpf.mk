# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Packet tests of the BPF programs. Need root; where BPF is refused the tests say so and count as
# skipped.

BPF_TEST_BIN := $(patsubst tests/bpf/%.c,$(B)/tests/bpf/%,$(wildcard tests/bpf/test_*.c))
BPF_TEST_RIG := $(patsubst %.c,$(B)/san/%.o,$(filter-out tests/bpf/test_%,$(wildcard tests/bpf/*.c)) userspace/sys/bpf_beside.c)

$(BPF_TEST_RIG) $(patsubst $(B)/%,$(B)/san/%.o,$(BPF_TEST_BIN)): | $(BPF_SKEL)

$(BPF_TEST_BIN): $(B)/tests/bpf/%: $(B)/san/tests/bpf/%.o $(BPF_TEST_RIG)
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(SAN) $(SAN_LD) -o $@ $^ -lcmocka -lbpf

# What the programs' headers compute is the same on the host, where it is held against vectors.
BPF_HOST_TEST := $(B)/unit/lb/test_wire $(B)/unit/lb/test_abi

test-programs: $(BPF_TEST_BIN)
bpf-test: $(BPF_TEST_BIN) $(BPF_HOST_TEST) ## packets through the BPF programs (root)
	$(Q)scripts/run-tests bpf-test $(BPF_HOST_TEST) $(BPF_TEST_BIN)
	$(Q)$(B)/tests/bpf/test_load 2>&1 | grep "instructions verified" || true

.PHONY: bpf-test

# --- bench -------------------------------------------------------------------------------------------
# Plain objects: a sanitizer would only slow down what is not measured. Programs that are measured are
# built like the product's.

BENCH_BPF  := $(wildcard tests/bench/*.bpf.c)
BENCH_SKEL := $(patsubst tests/bench/%.bpf.c,$(B)/gen/%.skel.h,$(BENCH_BPF))

$(B)/bench/%.bpf.o: tests/bench/%.bpf.c $(wildcard tests/bench/bench*.h) $(wildcard bpf/*) vmlinux.h
	$(call begin,BPF  ,$<)
	$(Q)$(CLANG) $(BPF_FLAGS) -c -o $@ $<

$(BENCH_SKEL): $(B)/gen/%.skel.h: $(B)/bench/%.bpf.o
	$(call begin,SKEL ,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

BENCH_SRC := $(patsubst %,tests/bench/%.c,bench bench_bed bench_measure bench_flows bench_kinds bench_keeping_out bench_flood bench_families bench_tunnel bench_nat bench_outer bench_katran bench_beside_katran bench_kernel_net \
	bench_beside_kernel)
BENCH_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(BENCH_SRC) $(filter-out tests/bpf/test_%,$(wildcard tests/bpf/*.c)) userspace/sys/bpf_beside.c)

$(BENCH_OBJ): CPPFLAGS += -Itests
$(BENCH_OBJ): | $(BPF_SKEL) $(BENCH_SKEL)

$(B)/bench/bench: $(BENCH_OBJ)
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lbpf

bench: $(B)/bench/bench $(B)/bench/bench_load $(B)/bench/bench_ipam $(B)/bench/bench_edit $(B)/bench/bench_plan $(B)/bench/bench_walk $(B)/bench/bench_candidates $(B)/bench/bench_rib $(B)/bench/bench_routes $(B)/bench/bench_turns $(B)/bench/bench_bfd $(B)/bench/bench_notify $(AGENT_BIN) ## ns per packet, time to load, allocate, edit and walk, longest turn against the bars; BENCH_STRICT=1 makes them fatal (root)
	$(Q)$(B)/bench/bench
	$(Q)$(B)/bench/bench_load
	$(Q)$(B)/bench/bench_bfd
	$(Q)$(B)/bench/bench_ipam
	$(Q)$(B)/bench/bench_edit
	$(Q)$(B)/bench/bench_plan
	$(Q)$(B)/bench/bench_walk
	$(Q)$(B)/bench/bench_candidates
	$(Q)$(B)/bench/bench_rib
	$(Q)$(B)/bench/bench_routes
	$(Q)$(B)/bench/bench_turns $(AGENT_BIN)
	$(Q)$(B)/bench/bench_notify $(AGENT_BIN)

.PHONY: bench

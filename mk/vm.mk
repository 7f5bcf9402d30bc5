# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Tests on Debian 12's own kernel, in qemu: those that look at the kernel, its routes and rules, and the way of a packet.
# As `make unit` compiles them, but without the sanitizers: these have looked at the same tests on the
# host, and emulated they would take as long again. (Without them the compiler does not know that what
# cmocka has found to be no null pointer is none.)

VM_BPF  := $(patsubst tests/bpf/%.c,$(B)/vm/tests/bpf/%,$(wildcard tests/bpf/test_*.c))
VM_SYS  := $(patsubst tests/unit/sys/%.c,$(B)/vm/tests/sys/%,$(wildcard tests/unit/sys/test_bpf_*.c tests/unit/sys/test_rtnl.c tests/unit/sys/test_rtnl_vrf.c tests/unit/sys/test_netlink_filter.c))
VM_TEST := $(B)/vm/tests/verify/test_verify $(VM_BPF) $(VM_SYS)
VM_TOOL := $(B)/vm/tests/tools/peer
VM_RIG  := $(patsubst %.c,$(B)/vm/obj/%.o,$(filter-out tests/bpf/test_%,$(wildcard tests/bpf/*.c)) userspace/sys/bpf_beside.c)
VM_FAKE := $(patsubst %.c,$(B)/vm/obj/%.o,$(wildcard tests/fake/*.c))
VM_LIBS := $(patsubst %,$(B)/lib%.a,$(filter $(DIRS),$(below_sys)))

$(B)/vm/obj/%.o: %.c
	$(call begin,VM   ,$<)
	$(Q)$(CC) $(CPPFLAGS) -Itests -std=gnu17 $(WARN) $(WERROR) -Wno-null-dereference -O1 -g -MMD -MP -c -o $@ $<

$(patsubst %.c,$(B)/vm/obj/%.o,$(wildcard tests/vm/*.c tests/bpf/*.c tests/unit/sys/*.c)): | $(BPF_SKEL)

$(VM_BPF): $(B)/vm/tests/bpf/%: $(B)/vm/obj/tests/bpf/%.o $(VM_RIG)
$(VM_SYS): $(B)/vm/tests/sys/%: $(B)/vm/obj/tests/unit/sys/%.o $(VM_FAKE) $(VM_LIBS)
$(B)/vm/tests/verify/test_verify: $(B)/vm/obj/tests/vm/test_verify.o

$(VM_TOOL): $(B)/vm/tests/tools/%: $(B)/vm/obj/tests/vm/%.o
$(VM_TEST) $(VM_TOOL):
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcmocka $(LIBS_sys)

vm: $(AGENT_BIN) $(CLI_BIN) $(VM_TEST) $(VM_TOOL) ## programs and attaching on Debian 12's kernel, in qemu
	$(Q)scripts/deps vm
	$(Q)scripts/vm $(VM_TEST) $(VM_TOOL)

vm-short: export VM_ONLY := verify,bpf,path
vm-short: vm ## the groups of vm that end within two minutes, for CI; the others are for make soak

.PHONY: vm vm-short

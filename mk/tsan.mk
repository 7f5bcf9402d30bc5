# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What runs on more than one thread, under the thread sanitizer: sys/worker and what it stands on; the
# decoding of large texts, beside a world that is read; and the thread of BFD.

TSAN_SYS := $(addprefix userspace/sys/,worker.c log.c loop.c clock.c files.c)
TSAN_test_worker := tests/unit/sys/test_worker.c $(TSAN_SYS) $(addprefix userspace/base/,mem.c hash.c strbuf.c)
TSAN_test_source_changes := tests/unit/agent/test_source_changes.c $(TSAN_SYS) \
	$(addprefix userspace/agent/,source_changes.c source_failure.c) \
	$(wildcard userspace/base/*.c userspace/api/*.c)
TSAN_test_bfd_engine := tests/unit/sys/test_bfd_engine.c $(TSAN_SYS) \
	$(addprefix userspace/sys/,bfd_engine.c bfd_thread.c bfd_ports.c bfd_socket.c bfd_echo_socket.c bfd_priority.c bpf_bfd.c bpf_pins.c) \
	$(wildcard userspace/base/*.c userspace/bfd/*.c)
TSAN_PROGRAMS := $(addprefix $(B)/tsan/,test_worker test_source_changes test_bfd_engine)

# What decodes takes little time here, and twice as long to optimise.
TSAN_OPT := -O1 -g1
$(B)/tsan/userspace/api/%.o: TSAN_OPT := -O0 -g1

$(B)/tsan/%.o: %.c
	$(call begin,TSAN ,$<)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu17 $(WARN) $(WERROR) $(TSAN_OPT) -fsanitize=thread -Itests -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
$(TSAN_PROGRAMS): $$(patsubst %.c,$(B)/tsan/%.o,$$(TSAN_$$(@F)))
	$(Q)$(CC) -fsanitize=thread -o $@ $^ -lcmocka -levent_core -lyaml -lcjson -lnettle -lbpf

test-programs: $(TSAN_PROGRAMS)
tsan: $(TSAN_PROGRAMS) ## the helper threads, under the thread sanitizer
	$(Q)scripts/run-tests tsan $^

.PHONY: tsan

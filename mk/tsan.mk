# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What runs on more than one thread, under the thread sanitizer: sys/worker and what it stands on.

TSAN_SRC := tests/unit/sys/test_worker.c $(addprefix userspace/,sys/worker.c sys/log.c sys/loop.c sys/clock.c sys/files.c base/mem.c base/hash.c)

$(B)/tsan/%.o: %.c
	@mkdir -p $(@D)
	@echo "  TSAN  $<"
	$(Q)$(CC) $(CPPFLAGS) -std=gnu17 $(WARN) $(WERROR) -O1 -g -fsanitize=thread -Itests -MMD -MP -c -o $@ $<

$(B)/tsan/test_worker: $(patsubst %.c,$(B)/tsan/%.o,$(TSAN_SRC))
	$(Q)$(CC) -fsanitize=thread -o $@ $^ -lcmocka -levent_core

tsan: $(B)/tsan/test_worker ## the helper thread, under the thread sanitizer
	$(Q)scripts/run-tests tsan $<

.PHONY: tsan

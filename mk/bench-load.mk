# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The bar on loading many services from nothing. A program of its own, because it measures the agent's
# libraries and not a BPF program.

BENCH_LOAD_LIBS := $(patsubst %,$(B)/lib%.a,$(filter $(DIRS),$(below_sys)))

$(B)/bench/bench_load: $(B)/obj/tests/bench/bench_load.o $(BENCH_LOAD_LIBS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< -Wl,--start-group $(BENCH_LOAD_LIBS) -Wl,--end-group $(LIBS_agent)

bench-load: $(B)/bench/bench_load ## time to load 5,000 services against the bar; BENCH_STRICT=1 (root)
	$(Q)$<

.PHONY: bench-load

# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The bars on loading many services from nothing, on giving many addresses, on an edit among many
# services, on the walk through the flow table, on saying many routes, on placing many blackholes, on the longest turn of the agent's loop, and on the
# memory of a Service. Programs of their own, because they measure the agent's libraries, or the agent itself, and not a BPF program.

BENCH_LOAD_LIBS := $(patsubst %,$(B)/lib%.a,$(filter $(DIRS),$(below_sys)))

$(B)/bench/bench_load $(B)/bench/bench_ipam $(B)/bench/bench_edit $(B)/bench/bench_plan $(B)/bench/bench_walk $(B)/bench/bench_candidates $(B)/bench/bench_rib $(B)/bench/bench_routes $(B)/bench/bench_bfd: $(B)/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_LOAD_LIBS)
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< -Wl,--start-group $(BENCH_LOAD_LIBS) -Wl,--end-group $(LIBS_agent)

bench-load: $(B)/bench/bench_load ## time to load 5,000 services against the bar; BENCH_STRICT=1 (root)
	$(Q)$<

bench-ipam: $(B)/bench/bench_ipam ## time to give 10,000 addresses against the bar; BENCH_STRICT=1
	$(Q)$<

bench-edit: $(B)/bench/bench_edit ## time of an edit with 10 to 5,000 services against the bar; BENCH_STRICT=1
	$(Q)$<

bench-plan: $(B)/bench/bench_plan ## time of the largest plan and of an edit in it against the bars; BENCH_STRICT=1
	$(Q)$<

bench-candidates: $(B)/bench/bench_candidates ## time to make a Service's row table for 16 and 1,000 backends
	$(Q)$<

bench-walk: $(B)/bench/bench_walk ## time of the walk through the flow table against the bars; BENCH_STRICT=1
	$(Q)$<

$(B)/bench/bench_turns $(B)/bench/bench_scrape: $(B)/obj/tests/bench/turns_objects.o
$(B)/bench/bench_turns $(B)/bench/bench_scrape $(B)/bench/bench_wire $(B)/bench/bench_notify: $(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/obj/tests/bench/turns_net.o $(B)/obj/tests/bench/turns_router.o $(B)/obj/tests/bench/bench_agent.o $(B)/libsys.a $(B)/libbase.a
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lmnl

$(B)/bench/bench_kube: $(patsubst %,$(B)/obj/tests/bench/%.o,bench_kube bench_who bench_api turns_net turns_router bench_agent) $(B)/libsys.a $(B)/libbase.a
	$(call begin,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lmnl -lcurl

bench-kube: $(B)/bench/bench_kube $(AGENT_BIN) $(FEEDER_BIN) ## time from a write at a real API server to the UPDATE, memory, load; BENCH_STRICT=1; BENCH_METALLB=1: MetalLB's own programs behind it (root; tests/kube/build and build-metallb once)
	$(Q)tests/bench/bench-kube $(B)

bench-kube-nodes: $(FEEDER_BIN) ## what one node of 1,000 asks of the API server (root; tests/kube/build once)
	$(Q)tests/bench/bench-kube-nodes $(B)

bench-turns: $(B)/bench/bench_turns $(AGENT_BIN) ## longest turn of the agent's loop against the bar; BENCH_STRICT=1 (root)
	$(Q)$< $(AGENT_BIN)

bench-scrape: $(B)/bench/bench_scrape $(AGENT_BIN) ## time of a scrape with 5,000 Services, and the longest turn that it makes, against the bars; BENCH_STRICT=1 (root)
	$(Q)$< $(AGENT_BIN)

bench-wire: $(B)/bench/bench_wire $(AGENT_BIN) ## time from an edit to its UPDATE at the router against the bar; BENCH_STRICT=1 (root)
	$(Q)$< $(AGENT_BIN)

bench-notify: $(B)/bench/bench_notify $(AGENT_BIN) ## time from a change in the kernel to the plan against the bar; BENCH_STRICT=1 (root)
	$(Q)$< $(AGENT_BIN)

bench-memory: $(AGENT_BIN) ## memory of the agent for each Service against the bar; BENCH_STRICT=1 (root)
	$(Q)tests/bench/bench-memory $(B)

bench-session: $(AGENT_BIN) ## time from the agent's start to its session against the bar, beside BIRD and FRR; BENCH_STRICT=1 (root)
	$(Q)tests/bench/bench-session $(B)

bench-bfd: $(B)/bench/bench_bfd $(AGENT_BIN) $(CLI_BIN) ## what BFD costs and how fast it is, beside BIRD and FRR; BENCH_STRICT=1 (root)
	$(Q)tests/bench/bench-bfd $(B)

bench-rib: $(B)/bench/bench_rib ## time to say 100,000 routes to a router against the bars; BENCH_STRICT=1
	$(Q)$<

bench-table: $(AGENT_BIN) ## the same of the whole agent, beside BIRD and FRR (root)
	$(Q)tests/bench/bench-table $(B)

bench-receive: $(AGENT_BIN) ## time from an UPDATE to the kernel's route against the bar, beside BIRD and FRR; BENCH_STRICT=1 (root)
	$(Q)tests/bench/bench-receive $(B)

bench-routes: $(B)/bench/bench_routes ## time to place 10,000 blackholes against the bar; BENCH_STRICT=1 (root)
	$(Q)$<

.PHONY: bench-load bench-ipam bench-edit bench-plan bench-candidates bench-walk bench-rib bench-table bench-receive bench-routes bench-turns bench-scrape bench-wire bench-notify bench-memory bench-session bench-bfd bench-kube bench-kube-nodes

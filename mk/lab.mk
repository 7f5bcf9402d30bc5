# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
# The demo, the lab, and `make test`, which is everything that CI runs.

demo: ## the main job end to end, in namespaces on this machine (root)
	$(Q)scripts/deps build && scripts/deps lab
	$(Q)$(MAKE) --no-print-directory all $(B)/tests/pass.bpf.o
	$(Q)scripts/demo

$(B)/tests/pass.bpf.o: tests/lab/pass.bpf.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) -O2 -g -target bpf -c -o $@ $<

lab: all $(B)/tests/pass.bpf.o ## the demo's steps and bad input as assertions (root)
	$(Q)scripts/run-lab

TEST_PARTS := check unit fuzz-replay sim bpf-test lab

test: ## everything that CI runs
	$(Q)scripts/deps build && scripts/deps lab
	$(Q)scripts/run-all $(TEST_PARTS)

install: all ## install the programs (DESTDIR, PREFIX)
	install -D -m 755 $(AGENT_BIN) $(DESTDIR)$(PREFIX)/sbin/lodestoned
	install -D -m 755 $(CLI_BIN) $(DESTDIR)$(PREFIX)/bin/lodectl
PREFIX ?= /usr/local

.PHONY: demo lab test install

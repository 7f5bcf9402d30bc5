# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# docs/reference.md and deploy/crds, from the tables that the decoder is driven by; docs/metrics.md, from the one
# that metrics are told by; deploy/grafana, from a table of queries.

REFERENCE_LIBS := $(patsubst %,$(B)/lib%.a,$(below_api))

$(B)/reference $(B)/crds: $(B)/%: $(B)/obj/scripts/%.o $(REFERENCE_LIBS)
	$(call say,LD   ,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(REFERENCE_LIBS) $(LIBS_api)

$(B)/metrics: $(B)/obj/scripts/metrics.o $(B)/obj/userspace/agent/metrics_table.o
	@echo "  LD    $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^

reference: $(B)/reference $(B)/metrics ## write docs/reference.md and docs/metrics.md from the tables
	$(Q)$(B)/reference >docs/reference.md
	$(Q)$(B)/metrics >docs/metrics.md

crds: $(B)/crds ## write deploy/crds from the decoder's tables
	$(Q)$< deploy/crds

dashboards: ## write Grafana's dashboards, deploy/grafana, from the table of scripts/dashboards
	$(Q)scripts/dashboards

grafana-test: ## these dashboards against Grafana's published types (go; minutes once)
	$(Q)tests/grafana/run

.PHONY: reference crds dashboards grafana-test

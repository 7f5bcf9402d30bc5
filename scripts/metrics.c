// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Writes docs/metrics.md to stdout from the table that the agent tells its metrics by
 * (userspace/agent/metrics_table.h). `make reference` puts it in place, scripts/check-reference
 * sees that it is.
 */
#include "agent/metrics_table.h"

#include <stdio.h>

static const char *const types[] = {
	[METRIC_GAUGE] = "gauge",
	[METRIC_COUNTER] = "counter",
	[METRIC_NAMED_COUNTER] = "counter",
	[METRIC_HISTOGRAM] = "histogram",
	[METRIC_INFO] = "info",
};

static const char intro[] =
	"# Metrics\n"
	"\n"
	"Written by `make reference` from the table that the agent tells them by.\n"
	"\n"
	"`http://NODE:7472/metrics`, in Prometheus' text format 0.0.4 or, for who asks for it, in "
	"OpenMetrics 1.0. The address is `spec.metrics.address` of LodestoneConfig (`:PORT`, "
	"`ADDRESS`, `ADDRESS:PORT`, `[IPv6]:PORT` or `off`) and is changed without a restart. The "
	"transport is plain HTTP: where nodes are reached by strangers, name an address of the inner "
	"network. A port that somebody else has is a problem (`MetricsPortTaken`), and is tried "
	"again.\n"
	"\n"
	"Health is `http://127.0.0.1:17472/healthz` (the loop turns) and `/readyz` (a plan was "
	"applied since the start). Neither says anything of routers.\n"
	"\n"
	"Counters go on over a restart, also after `kill -9`: those of packets lie in the pinned "
	"maps, and no text goes out before the others are in `counts.yaml` under `--state`. After a "
	"boot, `--cleanup`, or a backend's last packets within microseconds of a kill, they may be "
	"less.\n"
	"\n"
	"A text is made in slices of 0.4 ms, at most once a second for all who ask; 32 connections "
	"at a time, 15 s for an answer. Series of Services end at 10,240 ports.\n"
	"\n"
	"`deploy/kustomize/monitoring` has a Service, a ServiceMonitor and alerts, "
	"`deploy/kustomize/monitoring-pods` a PodMonitor in place of the first two. Whoever writes his "
	"own sets `honorLabels: true`, or the labels `namespace` and `service` of Services come out as "
	"`exported_namespace` and `exported_service`.\n"
	"\n"
	"`deploy/grafana` has three dashboards to import: `lodestone-fleet.json` (all nodes: agents, "
	"sessions, problems, traffic, drops, announcements, pools, versions), `lodestone-node.json` "
	"(one node: sessions, BFD, routes, messages, data plane, tables, gates, the agent's own times) "
	"and `lodestone-services.json` (Services: packets, bits, flows, backends, who announces). Each "
	"of their queries is asked of a Prometheus that scrapes two nodes (`scripts/run-lab "
	"refusing`).\n";

static const char metallb[] =
	"\n"
	"## By MetalLB's names\n"
	"\n"
	"So that its dashboards and alerts go on working. `peer` and `vrf` are as in FRR mode; "
	"counters have the very names in both formats, which OpenMetrics calls unknown for that "
	"reason. `metallb_allocator_*` comes from the one node that allocates, as from the "
	"controller. Not told: `metallb_k8s_client_update_errors_total`, "
	"`metallb_bfd_zebra_notifications` and `metallb_layer2_*`.\n";

static const char head[] = "\n| name | type | labels | |\n|---|---|---|---|\n";

static const char *suffix_of(const struct metric_family *f)
{
	return f->type == METRIC_COUNTER ? "_total" : f->type == METRIC_INFO ? "_info" : "";
}

int main(void)
{
	printf("%s\n## By our names\n%s", intro, head);
	for (enum metric i = 0; i < N_METRICS; i++) {
		const struct metric_family *f = &metrics_table[i];

		if (i == METRIC_M_SESSION_UP)
			printf("%s%s", metallb, head);
		printf("| `%s%s` | %s |", f->name, suffix_of(f), types[f->type]);
		for (size_t l = 0; f->labels[l]; l++)
			printf("%s `%s`", l ? "," : "", f->labels[l]);
		printf(" | %s |\n", f->help);
	}
	return 0;
}

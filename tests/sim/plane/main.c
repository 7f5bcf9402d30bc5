// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Runs the simulation of the whole control plane for many seeds: `plane FIRST COUNT`. Each seed is
 * one world and counts as one test; a violation prints the seed, with which the run repeats
 * exactly.
 */
#include "sim/plane/plane.h"
#include "sim/sim_seed.h"

#include <inttypes.h>

static void tally(uint64_t passed, uint64_t failed)
{
	const char *path = getenv("TEST_TALLY");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	(void)fprintf(f, "sim-plane %" PRIu64 " %" PRIu64 " 0\n", passed, failed);
	(void)fclose(f);
}

static void add_stats(struct plane_stats *sum, const struct plane_stats *s)
{
	sum->packets += s->packets;
	sum->flows[0] += s->flows[0];
	sum->flows[1] += s->flows[1];
	sum->plans += s->plans;
	sum->sessions += s->sessions;
	sum->crashes += s->crashes;
	sum->updates += s->updates;
	sum->deletions += s->deletions;
	sum->stale_kept += s->stale_kept;
	sum->left += s->left;
	sum->drained += s->drained;
	sum->told += s->told;
	sum->lost += s->lost;
	sum->ipv6 += s->ipv6;
	sum->ipv6_routes += s->ipv6_routes;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct plane_stats sum = {0};

	for (uint64_t seed = first; seed < first + count; seed++) {
		struct plane *p;
		const char *violation;

		sim_seed(seed);
		p = plane_new(seed);
		violation = plane_run(p);

		add_stats(&sum, &p->stats);
		if (violation) {
			printf("SEED=%" PRIu64 " at %.3f s: %s\n", seed, (double)p->now / 1e9,
			       violation);
			failed++;
		}
		plane_free(p);
	}
	printf("%" PRIu64 " plans, %" PRIu64 " crashes, %" PRIu64 " sessions, %" PRIu64
	       " UPDATEs, %" PRIu64 " VIPs left, %" PRIu64
	       " routes kept as stale, mode off %" PRIu64 " and a drain %" PRIu64
	       " times to its end, BFD Down %" PRIu64 " times, %" PRIu64
	       " times an IPv6 address, %" PRIu64 " IPv6 routes heard, %" PRIu64
	       " blackholes told, %" PRIu64 " flows of the kernel's and %" PRIu64
	       " of ours with %" PRIu64 " packets\n",
	       sum.plans, sum.crashes, sum.sessions, sum.updates, sum.deletions, sum.stale_kept,
	       sum.left, sum.drained, sum.lost, sum.ipv6, sum.ipv6_routes, sum.told, sum.flows[0],
	       sum.flows[1], sum.packets);
	/* Worlds in which nothing happens would agree on everything. */
	if (count >= 50 &&
	    (sum.updates < 20 * count || sum.deletions < count || sum.crashes < count ||
	     sum.ipv6 < 20 * count || sum.ipv6_routes < count || sum.flows[0] < 20 * count ||
	     sum.flows[1] < 50 * count || sum.told < count || sum.lost < count)) {
		printf("too little happened\n");
		failed++;
	}
	printf("sim-plane: %" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", count - failed,
	       failed);
	tally(count - failed, failed);
	return failed ? 1 : 0;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Runs watches against a model of the API server, candidates for a Lease, writes, and what nodes
 * tell in objects, for many seeds: `kube FIRST COUNT`. Each seed counts as one test; a violation
 * prints the seed, with which the run repeats exactly.
 */
#include "sim/kube/kube_world.h"
#include "sim/kube/lease_world.h"
#include "sim/kube/reports_world.h"
#include "sim/kube/writes_world.h"
#include "sim/sim_seed.h"

#include <inttypes.h>

/* For the closing line of `make test`, as scripts/run-tests does. */
static void tally(uint64_t passed, uint64_t failed)
{
	const char *path = getenv("TEST_TALLY");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	(void)fprintf(f, "sim-kube %" PRIu64 " %" PRIu64 " 0\n", passed, failed);
	(void)fclose(f);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct kube_sim_stats sum = {0};
	struct lease_sim_stats leases = {0};
	struct writes_sim_stats writes = {0};
	struct reports_sim_stats reports = {0};

	for (uint64_t seed = first; seed < first + count; seed++) {
		const char *wrong;

		sim_seed(seed);
		wrong = kube_sim_run(seed, &sum);

		if (!wrong)
			wrong = lease_sim_run(seed, &leases);
		if (!wrong)
			wrong = writes_sim_run(seed, &writes);
		if (!wrong)
			wrong = reports_sim_run(seed, &reports);
		if (wrong) {
			printf("SEED=%" PRIu64 ": %s\n", seed, wrong);
			failed++;
		}
	}
	printf("%u changes at the server, %u requests, %u complete pictures, %u cuts, %u restarts, "
	       "%u frames\n",
	       sum.changes, sum.requests, sum.pictures, sum.cuts, sum.restarts, sum.frames);
	printf("leases: %u requests, %u turns held, %u holders, %u given back, %u granted late, "
	       "%u heard of by watches\n",
	       leases.requests, leases.turns_held, leases.changes, leases.left, leases.late,
	       leases.events);
	printf("writes: %u requests, %u done, %u conflicts, %u out of date, %u events\n",
	       writes.requests, writes.commits, writes.conflicts, writes.out_of_date,
	       writes.events);
	printf("reports: %u requests, %u done, %u deleted, %u refused, %u restarts\n",
	       reports.requests, reports.commits, reports.deleted, reports.refused,
	       reports.restarts);
	printf("sim-kube: %" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", count - failed,
	       failed);
	tally(count - failed, failed);
	return failed ? 1 : 0;
}

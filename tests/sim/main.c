// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Runs the simulation for many seeds: `sim FIRST COUNT`. Each seed is one world and counts as one
 * test; a violation prints the seed, with which the run repeats exactly.
 */
#include "sim/sim_pair.h"
#include "sim/sim_seed.h"

#include <inttypes.h>

/* For the closing line of `make test`, as scripts/run-tests does. */
static void tally(uint64_t passed, uint64_t failed)
{
	const char *path = getenv("TEST_TALLY");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	(void)fprintf(f, "sim %" PRIu64 " %" PRIu64 " 0\n", passed, failed);
	(void)fclose(f);
}

static void add_stats(struct sim_stats *sum, const struct sim_stats *s)
{
	sum->sessions += s->sessions;
	sum->hold_expiries += s->hold_expiries;
	sum->collisions += s->collisions;
	sum->crashes += s->crashes;
	sum->updates += s->updates;
	sum->stale_kept += s->stale_kept;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct sim_stats sum = {0};
	double seconds = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		struct sim_world *w;
		const char *violation;

		sim_seed(seed);
		w = sim_world_new(seed);
		violation = sim_world_run(w);

		seconds += (double)w->now / 1e9;
		add_stats(&sum, &w->check.stats);
		if (violation) {
			printf("SEED=%" PRIu64 " at %.3f s: %s\n", seed, (double)w->now / 1e9,
			       violation);
			failed++;
		}
		sim_world_free(w);
	}
	printf("simulated %.0f s: %" PRIu64 " sessions, %" PRIu64 " UPDATEs, %" PRIu64
	       " hold timers expired, %" PRIu64 " collisions, %" PRIu64 " crashes, %" PRIu64
	       " routes kept as stale\n",
	       seconds, sum.sessions, sum.updates, sum.hold_expiries, sum.collisions, sum.crashes,
	       sum.stale_kept);
	/* Worlds in which nothing happens would agree on everything. */
	if (count >= 50 && (sum.sessions < 2 * count || sum.updates < 50 * count ||
			    sum.hold_expiries < count / 10 || sum.collisions < count / 10 ||
			    sum.crashes < count || sum.stale_kept < 5 * count)) {
		printf("too little happened\n");
		failed++;
	}
	printf("sim: %" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", count - failed, failed);
	tally(count - failed, failed);
	return failed ? 1 : 0;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Runs worlds of two BFD sessions for many seeds: `bfd FIRST COUNT`. Each seed counts as one test;
 * a violation prints the seed, with which the run repeats exactly.
 */
#include "sim/bfd/bfd_world.h"
#include "sim/sim_seed.h"

#include <inttypes.h>

/* For the closing line of `make test`, as scripts/run-tests does. */
static void tally(uint64_t passed, uint64_t failed)
{
	const char *path = getenv("TEST_TALLY");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	(void)fprintf(f, "sim-bfd %" PRIu64 " %" PRIu64 " 0\n", passed, failed);
	(void)fclose(f);
}

static void add_stats(struct world_stats *sum, const struct world_stats *s)
{
	sum->packets += s->packets;
	sum->ups += s->ups;
	sum->downs += s->downs;
	sum->polls += s->polls;
	sum->sleeps += s->sleeps;
	sum->late_reads += s->late_reads;
	sum->answers += s->answers;
	sum->woken += s->woken;
	sum->resumed += s->resumed;
	sum->echoes += s->echoes;
	sum->echo_downs += s->echo_downs;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct world_stats sum = {0};
	double seconds = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		struct world *w;
		const char *violation;

		sim_seed(seed);
		w = world_new(seed);
		violation = world_run(w);

		seconds += (double)w->now / 1e9;
		add_stats(&sum, &w->stats);
		if (violation) {
			printf("SEED=%" PRIu64 " at %.6f s: %s\n", seed, (double)w->now / 1e9,
			       violation);
			failed++;
		}
		w = world_free(w);
	}
	printf("simulated %.0f s of BFD: %" PRIu64 " packets, %" PRIu64 " Polls, %" PRIu64
	       " times Up, %" PRIu64 " times Down, %" PRIu64 " sleeps, %" PRIu64
	       " packets read late, %" PRIu64
	       " answered by programs, whose timers woke somebody %" PRIu64 " times, %" PRIu64
	       " times resumed, %" PRIu64 " of echo, missed %" PRIu64 " times\n",
	       seconds, sum.packets, sum.polls, sum.ups, sum.downs, sum.sleeps, sum.late_reads,
	       sum.answers, sum.woken, sum.resumed, sum.echoes, sum.echo_downs);
	printf("sim-bfd: %" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", count - failed,
	       failed);
	tally(count - failed, failed);
	return failed ? 1 : 0;
}

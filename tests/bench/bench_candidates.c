// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long the row table of a Service takes to make, 2,048 rows of four candidates, for few and for
 * many backends. It is the processor's time, and the fastest of several runs counts, since noise
 * only adds. There is no bar of its own: a table of more draws than LB_PIECE_DRAWS is made in
 * pieces, and the bar is on the turns of the agent's loop (bench_turns.c).
 */
#include "base/rng.h"
#include "bench_clock.h"
#include "lb/lb.h"
#include "lb/lb_rows.h"

#include <stdio.h>

#define N_RUNS 25
#define N_MOST 1000
#define N_ROWS (1u << LB_DEFAULT_ROWS_LOG2)

static struct lb_row_target targets[N_MOST];
static uint64_t rows[N_ROWS];

static double fill(size_t n)
{
	const double begin = cpu_now();

	lb_rows_fill(targets, n, LB_DEFAULT_ROWS_LOG2, rows);
	return cpu_now() - begin;
}

static void row(size_t n)
{
	double least = fill(n);

	for (int i = 1; i < N_RUNS; i++) {
		const double took = fill(n);

		least = took < least ? took : least;
	}
	printf("  %4zu backends %39.3f ms\n", n, least / NSEC_PER_MSEC);
}

int main(void)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (uint16_t i = 0; i < N_MOST; i++)
		targets[i] = (struct lb_row_target){
			.id = rng_next(&rng), .index = i, .ready = true, .weight = 1};
	printf("a row table of %u rows\n", N_ROWS);
	row(16);
	row(N_MOST);
	return 0;
}

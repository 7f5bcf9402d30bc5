// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ns per packet of xdp_lb and tc_reply, net of an empty program, held against the bars of
 * DESIGN 7.4. A driver program lays a fresh frame before each repetition and tail-calls the program
 * under test; the same with an empty program is subtracted. All bars are ratios, most of them to a
 * floor program, so that the machine matters little: what is compared takes turns window by window,
 * and the smallest window of each counts, since noise only adds.
 *
 * Three beds, each with its own programs and maps: one with a flow table of the size that the agent
 * takes by default (8 MB), one of 32 MB, one with 5,000 services. A bed's table is filled to a load
 * with established flows, of which some are the ones that speak.
 *
 * Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "tests/bench/bench_rows.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct bench *b)
{
	static const char by_default[] = "flow table of 8 MB (the default)";
	static const char large[] = "flow table of 32 MB";

	bench_not_ours(b);
	bench_settled_rows(b);
	for (unsigned load = 10; load <= 50; load += 20)
		bench_unsettled_rows(b, DEFAULT, load, by_default);
	for (unsigned load = 10; load <= 50; load += 20)
		bench_unsettled_rows(b, LARGE, load, large);
	bench_new_flows(b, DEFAULT, by_default);
	bench_new_flows(b, LARGE, large);
	bench_while_the_table_grows(b);
	bench_replies(b, LARGE, large);
	bench_beyond_the_rate(b);
	bench_floods(b);
	bench_udp_flows(b);
	bench_source_ranges(b);
	bench_denied_sources(b);
	bench_limits(b);
	bench_tagged(b);
	bench_odd_packets(b);
	bench_many_services(b);
	bench_shared_with_the_kernel(b);
	bench_families(b);
	bench_beside_katran(b);
	bench_beside_kernel(b);
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT"), *why;
	struct bench b = {};

	if (!bench_open(&b) || !bed_make(&b.beds[DEFAULT], DEFAULT_CHUNKS, &why) ||
	    !bed_make(&b.beds[LARGE], LARGE_CHUNKS, &why) || !bed_make(&b.beds[CROWD], 1, &why)) {
		printf("BPF is refused here: nothing was measured\n");
		return 0;
	}
	run(&b);
	for (unsigned i = 0; i < N_BEDS; i++)
		bed_free(&b.beds[i]);
	bench_close(&b);
	return b.missed && strict && strict[0] == '1';
}

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
 * BENCH_ONLY=GROUP measures one group of rows alone.
 */
#include "tests/bench/bench_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BY_DEFAULT "flow table of 8 MB (the default)"
#define IS_LARGE   "flow table of 32 MB"

static void unsettled_rows(struct bench *b)
{
	for (unsigned load = 10; load <= 50; load += 20)
		bench_unsettled_rows(b, DEFAULT, load, BY_DEFAULT);
	for (unsigned load = 10; load <= 50; load += 20)
		bench_unsettled_rows(b, LARGE, load, IS_LARGE);
}

static void new_flows(struct bench *b)
{
	bench_new_flows(b, DEFAULT, BY_DEFAULT);
	bench_new_flows(b, LARGE, IS_LARGE);
}

static void replies(struct bench *b)
{
	bench_replies(b, LARGE, IS_LARGE);
}

static const struct {
	const char *name;
	void (*rows)(struct bench *b);
} groups[] = {
	{"not-ours", bench_not_ours},
	{"settled", bench_settled_rows},
	{"unsettled", unsettled_rows},
	{"new", new_flows},
	{"growing", bench_while_the_table_grows},
	{"replies", replies},
	{"beyond", bench_beyond_the_rate},
	{"floods", bench_floods},
	{"udp", bench_udp_flows},
	{"ranges", bench_source_ranges},
	{"denied", bench_denied_sources},
	{"limits", bench_limits},
	{"tagged", bench_tagged},
	{"odd", bench_odd_packets},
	{"services", bench_many_services},
	{"shared", bench_shared_with_the_kernel},
	{"families", bench_families},
	{"tunnels", bench_tunnels},
	{"servers", bench_servers},
	{"nat", bench_nat},
	{"katran", bench_beside_katran},
	{"encapsulating", bench_encapsulating},
	{"kernel", bench_beside_kernel},
	{"nodes", bench_node_to_node},
};
#define N_GROUPS (sizeof(groups) / sizeof(*groups))

/* All groups, or the one that is named; false: there is none of that name. */
static bool run(struct bench *b, const char *only)
{
	bool any = false;

	for (unsigned i = 0; i < N_GROUPS; i++) {
		if (only && strcmp(only, groups[i].name) != 0)
			continue;
		groups[i].rows(b);
		any = true;
	}
	return any;
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT"), *only = getenv("BENCH_ONLY"), *why;
	struct bench b = {};

	if (!bench_open(&b) || !bed_make(&b.beds[DEFAULT], DEFAULT_CHUNKS, &why) ||
	    !bed_make(&b.beds[LARGE], LARGE_CHUNKS, &why) || !bed_make(&b.beds[CROWD], 1, &why)) {
		printf("BPF is refused here: nothing was measured\n");
		return 0;
	}
	if (!run(&b, only)) {
		fprintf(stderr, "bench: BENCH_ONLY names no group of rows: %s\n", only);
		return 2;
	}
	for (unsigned i = 0; i < N_BEDS; i++)
		bed_free(&b.beds[i]);
	bench_close(&b);
	return b.missed && strict && strict[0] == '1';
}

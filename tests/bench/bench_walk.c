// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long the walk through the flow table takes, and its longest slice, on plain memory: 262,144
 * entries, of which half live, of 100 services with 10 backends each. The bars are 5 ms and 1 ms of
 * the processor's time; the fastest of several walks counts, since noise only adds. Prints value,
 * bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 */
#include "base/rng.h"
#include "lb/lb_tables.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_CHUNKS   4u /* of flows: 262,144 */
#define N_SERVICES 100u
#define N_BACKENDS 10u
#define ROWS_LOG2  11
#define N_RUNS     10
#define MAX_CHUNKS 64

struct bench {
	struct lb_config config;
	struct lb_service *services;
	struct lb_flow_line *flows[N_CHUNKS];
	void *chunks[MAX_CHUNKS]; /* of rows and backends, to be freed */
	size_t n_chunks;
	uint64_t *vip_bits, *range_names, *node_places;
	struct lb_tunnel tunnel;
	struct lb_new_flows *new_flows;
	struct lb_tables *tables;
	struct lb_clock clock;
	bool missed;
};

static void *zeroed(size_t n, size_t size)
{
	void *at = aligned_alloc(64, n * size);

	if (!at)
		abort();
	memset(at, 0, n * size);
	return at;
}

static void *add_chunk(struct bench *b, size_t n, size_t size)
{
	assert(b->n_chunks < MAX_CHUNKS);
	b->chunks[b->n_chunks] = zeroed(n, size);
	return b->chunks[b->n_chunks++];
}

static void put(struct bench *b, const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(b->tables, &b->clock, f)) > 0) {
		if (outcome == LB_NEED_ROWS_CHUNK)
			lb_tables_add_rows_chunk(b->tables,
						 add_chunk(b, LB_ROWS_CHUNK, sizeof(uint64_t)));
		else
			lb_tables_add_backend_chunk(
				b->tables,
				add_chunk(b, LB_BACKEND_CHUNK, sizeof(struct lb_backend)));
	}
	if (outcome != 0)
		abort();
}

static void add_service(struct bench *b, uint32_t i)
{
	struct lb_target targets[N_BACKENDS] = {0};
	struct lb_frontend f = {
		.rows_log2 = ROWS_LOG2, .targets = targets, .n_targets = N_BACKENDS};

	f.key.addr = ip_addr_from_v4(0xc6336401 + i);
	f.key.port = 80;
	f.key.proto = 6;
	for (uint32_t k = 0; k < N_BACKENDS; k++) {
		targets[k].addr = ip_addr_from_v4(0x0a000001 + i * 256 + k);
		targets[k].port = 8080;
		targets[k].weight = 1;
	}
	f.seed = i + 1;
	f.table = lb_table_name(&f);
	put(b, &f);
}

/* Flows of all services and rows, each second place one. */
static void add_flows(struct bench *b)
{
	uint16_t slots[N_SERVICES];
	size_t n = 0;
	struct rng rng;

	rng_seed(&rng, 1);
	for (uint32_t slot = 0; slot < LB_SERVICE_SLOTS; slot++)
		if (b->services[slot].live != 0)
			slots[n++] = (uint16_t)slot;
	for (uint32_t i = 0; i < N_CHUNKS * LB_FLOW_CHUNK * LB_FLOW_WAYS; i += 2)
		b->flows[i / 4 / LB_FLOW_CHUNK][i / 4 % LB_FLOW_CHUNK].way[i % 4] =
			(struct lb_flow){
				.hash = 3 + i,
				.slot = slots[rng_below(&rng, n)],
				.row = (uint16_t)rng_below(&rng, 1u << ROWS_LOG2),
				.backend = (uint16_t)rng_below(&rng, N_BACKENDS),
				.state = LB_FLOW_ESTABLISHED | 1 << LB_FLOW_GEN_SHIFT,
				.age = b->clock.age,
			};
}

static nsec_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + (nsec_t)now.tv_nsec;
}

/* One walk, which ends with the pause before the next. */
static nsec_t walk(struct bench *b, nsec_t *ret_longest)
{
	nsec_t sum = 0, next;

	*ret_longest = 0;
	do {
		nsec_t begin = cpu_now(), took;

		next = lb_tables_tick(b->tables, &b->clock);
		took = cpu_now() - begin;
		sum += took;
		*ret_longest = took > *ret_longest ? took : *ret_longest;
		b->clock.quiet += next - b->clock.now < NSEC_PER_SEC ? next - b->clock.now : 0;
		b->clock.now += next - b->clock.now < NSEC_PER_SEC ? next - b->clock.now : 0;
	} while (next - b->clock.now < NSEC_PER_SEC);
	b->clock.quiet += next - b->clock.now;
	b->clock.now = next;
	return sum;
}

static void row(struct bench *b, const char *what, nsec_t ns, nsec_t bar)
{
	printf("  %-44s %8.2f ms  ratio %5.2f  bar %5.2f  %s\n", what, (double)ns / 1e6,
	       (double)ns / (double)bar, (double)bar / 1e6, ns <= bar ? "ok" : "MISSED");
	b->missed |= ns > bar;
}

int main(void)
{
	struct bench b = {.clock = {.now = 100 * NSEC_PER_SEC, .quiet = 99 * NSEC_PER_SEC}};
	const char *strict = getenv("BENCH_STRICT");
	nsec_t whole = NSEC_NEVER, slice = NSEC_NEVER;
	struct lb_images images;

	b.services = zeroed(LB_SERVICE_SLOTS, sizeof(*b.services));
	b.vip_bits = zeroed(LB_VIP_WORDS, sizeof(*b.vip_bits));
	b.range_names = zeroed(LB_RANGE_SETS, sizeof(*b.range_names));
	b.new_flows = zeroed(LB_SERVICE_SLOTS, sizeof(*b.new_flows));
	b.node_places = zeroed(LB_NODE_PLACES, sizeof(*b.node_places));
	images = (struct lb_images){&b.config,   b.services,    b.vip_bits, b.range_names,
				    b.new_flows, b.node_places, &b.tunnel};
	b.tables = lb_tables_new(&images);
	for (uint32_t i = 0; i < N_CHUNKS; i++)
		b.flows[i] = zeroed(LB_FLOW_CHUNK, sizeof(struct lb_flow_line));
	lb_tables_set_flows(b.tables, b.flows, N_CHUNKS);
	if (lb_tables_adopt(b.tables, &b.clock) != 0)
		abort();
	for (uint32_t i = 0; i < N_SERVICES; i++)
		add_service(&b, i);
	add_flows(&b);
	for (int i = 0; i < N_RUNS; i++) {
		nsec_t longest, took = walk(&b, &longest);

		whole = nsec_min(whole, took);
		slice = nsec_min(slice, longest);
	}
	printf("the walk through 262,144 entries, half of them living, and 204,800 rows\n");
	row(&b, "whole", whole, 5 * NSEC_PER_MSEC);
	row(&b, "longest slice", slice, NSEC_PER_MSEC);
	lb_tables_free(b.tables);
	for (size_t i = 0; i < b.n_chunks; i++)
		free(b.chunks[i]);
	for (uint32_t i = 0; i < N_CHUNKS; i++)
		free(b.flows[i]);
	free(b.services);
	free(b.vip_bits);
	free(b.new_flows);
	return b.missed && strict && strict[0] == '1';
}

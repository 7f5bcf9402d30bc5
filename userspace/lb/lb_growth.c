// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Growth of the flow table (bpf/flow_table.h): before it is half full of established flows a larger
 * one takes its place, and its entries are copied there, a slice at a time, between two walks.
 *
 *   resting   both are told to the programs; one that read the word before may still make an entry
 *             in the table that is left
 *   copying   nothing comes into it any more; each entry is copied, then freed, until none is left
 *   emptied   only the new one is told; a program may still look into the other
 *
 * Who looks for an entry looks in the table that is left first, so it finds it there or, as it was
 * copied before it was freed, in the new one.
 *
 * What is given up first (flow_insert.h) counts for nothing here: a flood makes no table grow.
 */
#include "lb/lb_inside.h"

#include <assert.h>

#define COPY_LINES 1024u /* a slice: up to 4,096 entries in as many lines */

/* Nobody walks while entries are copied. */
static inline void flow_moved(__u64 rest)
{
	(void)rest;
}

#include "bpf/flow_insert.h"

uint32_t lb_growth_ways(const struct lb_flow_chunks *flows)
{
	return flow_table_lines(flows) * LB_FLOW_WAYS;
}

/* --- when ------------------------------------------------------------------------------------- */

void lb_growth_judge(struct lb_tables *t, uint32_t n_established)
{
	uint32_t wanted = (uint32_t)t->flows.n;

	t->growth.wanted = 0;
	if (t->growth.phase != LB_GROWTH_NONE || n_established <= lb_growth_ways(&t->flows) / 8 * 3)
		return;
	do
		wanted *= 2;
	while (wanted < LB_FLOW_CHUNKS_MAX &&
	       n_established > wanted * (LB_FLOW_CHUNK / 4) * LB_FLOW_WAYS);
	if (wanted <= LB_FLOW_CHUNKS_MAX)
		t->growth.wanted = wanted;
}

uint32_t lb_tables_flows_wanted(const struct lb_tables *t)
{
	return t->growth.wanted;
}

/* --- from one to the other -------------------------------------------------------------------- */

static void tell_programs(struct lb_tables *t, uint64_t word)
{
	__atomic_store_n(&t->config->flows, word, __ATOMIC_RELEASE);
}

static void leave(struct lb_tables *t, struct lb_flow_line **chunks, size_t n, nsec_t now)
{
	struct lb_growth *g = &t->growth;

	*g = (struct lb_growth){.phase = LB_GROWTH_RESTING, .since = now, .is_clean = true};
	g->left.chunks = chunks;
	g->left.n = n;
	t->flows.left = &g->left;
}

void lb_tables_grow_flows(struct lb_tables *t, const struct lb_clock *c,
			  struct lb_flow_line *const *chunks, size_t n, uint32_t first)
{
	struct lb_flow_line **old = t->flows.chunks;
	size_t n_old = t->flows.n;

	assert(t->growth.phase == LB_GROWTH_NONE && n_old > 0);
	t->flows.chunks = NULL;
	lb_tables_set_flows(t, chunks, n);
	leave(t, old, n_old, c->now);
	tell_programs(t, (t->config->flows & UINT32_MAX) << LB_FLOWS_LEFT_SHIFT |
				 (uint64_t)first << LB_FLOWS_FIRST_SHIFT | n);
}

void lb_tables_set_flows_left(struct lb_tables *t, const struct lb_clock *c,
			      struct lb_flow_line *const *chunks, size_t n)
{
	struct lb_flow_line **own = xcalloc(n, sizeof(struct lb_flow_line *));

	assert(t->growth.phase == LB_GROWTH_NONE);
	memcpy(own, chunks, n * sizeof(struct lb_flow_line *));
	leave(t, own, n, c->now);
}

bool lb_tables_flows_emptied(const struct lb_tables *t, const struct lb_clock *c)
{
	return t->growth.phase == LB_GROWTH_EMPTIED && t->growth.since <= c->quiet;
}

void lb_tables_drop_flows(struct lb_tables *t)
{
	assert(t->growth.phase == LB_GROWTH_EMPTIED);
	free(t->growth.left.chunks);
	t->growth = (struct lb_growth){.phase = LB_GROWTH_NONE};
}

void lb_growth_done(struct lb_growth *g)
{
	free(g->left.chunks);
}

/* --- copying ---------------------------------------------------------------------------------- */

static struct lb_flow *copy_of(const struct lb_tables *t, uint64_t hash)
{
	uint64_t place = lb_flow_place_in(&t->flows, hash);

	return place ? lb_flow_at(&t->flows, place) : NULL;
}

static bool make_copy(const struct lb_tables *t, uint64_t hash, uint64_t rest, uint8_t age)
{
	const struct lb_flow_new n = {hash, rest, age};

	return lb_flow_insert(&t->flows, &n) >= LB_FLOW_MADE;
}

/*
 * Nobody but the agent frees an entry there. An answer may change it meanwhile; the copy gets that,
 * too. False: there was no room in this moment.
 */
static bool move(const struct lb_tables *t, struct lb_flow *way, uint64_t hash, uint64_t rest,
		 uint8_t age)
{
	struct lb_flow *copy = copy_of(t, hash);

	if (copy) /* an agent that died at it has left one */
		(void)lb_flow_change(copy, LB_FLOW_READ(lb_flow_rest_of(copy)), rest);
	else if (!make_copy(t, hash, rest, age))
		return false;
	while (!lb_flow_free(way, hash, rest)) {
		uint64_t now = LB_FLOW_READ(lb_flow_rest_of(way));

		if (LB_FLOW_READ(&way->hash) != hash)
			return true;
		copy = copy_of(t, hash);
		if (copy)
			(void)lb_flow_change(copy, rest, now);
		rest = now;
	}
	return true;
}

/* False: there is something in it still. What is being written is so since an agent died at it. */
static bool leave_way(const struct lb_tables *t, struct lb_flow *way, uint8_t age)
{
	uint64_t hash = LB_FLOW_READ(&way->hash);
	uint64_t rest = LB_FLOW_READ(lb_flow_rest_of(way));

	if (hash <= LB_FLOW_FREE)
		return true;
	if (lb_rest_is_dead(rest, age))
		return lb_flow_free(way, hash, rest);
	return move(t, way, hash, rest, age);
}

static void copy_some(struct lb_tables *t, uint8_t age)
{
	struct lb_growth *g = &t->growth;
	uint32_t end = flow_table_lines(&g->left);

	end = g->line + COPY_LINES < end ? g->line + COPY_LINES : end;
	for (; g->line < end; g->line++)
		for (unsigned i = 0; i < LB_FLOW_WAYS; i++)
			if (!leave_way(t, &flow_line_at(&g->left, g->line)->way[i], age))
				g->is_clean = false;
}

bool lb_growth_wants_to_copy(const struct lb_tables *t, const struct lb_clock *c)
{
	return t->growth.phase == LB_GROWTH_COPYING ||
	       (t->growth.phase == LB_GROWTH_RESTING && t->growth.since <= c->quiet);
}

bool lb_growth_copy(struct lb_tables *t, const struct lb_clock *c)
{
	struct lb_growth *g = &t->growth;

	g->phase = LB_GROWTH_COPYING;
	copy_some(t, c->age);
	if (g->line < flow_table_lines(&g->left))
		return false;
	g->line = 0;
	if (!g->is_clean) {
		g->is_clean = true;
		return false;
	}
	g->phase = LB_GROWTH_EMPTIED;
	g->since = c->now;
	t->flows.left = NULL;
	tell_programs(t, t->config->flows & UINT32_MAX);
	return true;
}

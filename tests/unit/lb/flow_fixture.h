// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flow tables on plain memory. Flow i of a test has a key of its own and a rest that says i, so
 * that whoever is given another's entry notices; a placed flow has a hash that is made for two
 * lines.
 */
#pragma once

#include "lb/lb_flow.h"
#include "lb/lb_tables.h"

#include "base/mem.h"
#include "base/rng.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "bpf/flow_hash.h"

#define NOW 100

/* Nobody walks through a table that is all a test has. */
static inline void flow_moved(__u64 rest)
{
	(void)rest;
}

#include "bpf/flow_insert.h"

struct table {
	struct lb_flow_chunks chunks;
	struct lb_flow_line *chunk[4];
};

static inline void table_make(struct table *t, size_t n)
{
	*t = (struct table){.chunks = {.n = n}};
	t->chunks.chunks = t->chunk;
	for (size_t i = 0; i < n; i++) {
		t->chunk[i] = aligned_alloc(64, LB_FLOW_CHUNK * sizeof(struct lb_flow_line));
		assert_non_null(t->chunk[i]);
		memset(t->chunk[i], 0, LB_FLOW_CHUNK * sizeof(struct lb_flow_line));
	}
}

static inline void table_free(struct table *t)
{
	for (size_t i = 0; i < t->chunks.n; i++)
		free(t->chunk[i]);
}

static inline uint32_t n_ways(const struct table *t)
{
	return flow_table_lines(&t->chunks) * LB_FLOW_WAYS;
}

/* --- flows by number -------------------------------------------------------------------------- */

static inline uint64_t hash_of(uint64_t i)
{
	static struct lb_flow_keys keys;
	const __u32 backend[] = {0, 0, LB_V4_PREFIX, 0x0100000a};
	const __u32 client[] = {0, 0, LB_V4_PREFIX, (uint32_t)(i >> 8)};

	if (!keys.mix[0])
		lb_flow_keys((const __u64[2]){1, 2}, &keys);
	return lb_flow_hash(&keys, backend, client, lb_flow_ports(0x901f, (__be16)(i & 0xff)), 6);
}

static inline uint64_t rest_of(uint64_t i, uint32_t state)
{
	return lb_rest((uint16_t)i, (uint16_t)(i >> 16), (uint16_t)(i >> 32),
		       lb_flow_state(state, false, 1), NOW);
}

static inline bool is_rest_of(uint64_t rest, uint64_t i)
{
	return (rest & 0xffffffffffff) == (i & 0xffffffffffff);
}

static inline int insert(struct table *t, uint64_t i, uint32_t state)
{
	const struct lb_flow_new n = {hash_of(i), rest_of(i, state), NOW};

	return lb_flow_insert(&t->chunks, &n);
}

static inline struct lb_flow *find(struct table *t, uint64_t i, uint64_t *ret_rest)
{
	__u64 rest = 0;
	struct lb_flow *way = lb_flow_find(&t->chunks, hash_of(i), &rest);

	*ret_rest = rest;
	return way;
}

static inline void end_flow(struct table *t, uint64_t i)
{
	uint64_t rest;
	struct lb_flow *way = find(t, i, &rest);

	assert_non_null(way);
	assert_true(lb_flow_free(way, hash_of(i), rest));
}

/* --- flows by their lines --------------------------------------------------------------------- */

/* The i-th flow that may lie in these two lines of a table of one chunk. */
static inline uint64_t placed_hash(uint32_t first, uint32_t second, uint32_t i)
{
	return first | (uint64_t)second << 32 | (uint64_t)(i + 1) << 50;
}

static inline int place(struct table *t, uint32_t first, uint32_t second, uint32_t i,
			uint32_t state)
{
	const struct lb_flow_new n = {placed_hash(first, second, i), rest_of(i, state), NOW};

	return lb_flow_insert(&t->chunks, &n);
}

static inline uint64_t line_rest(struct lb_flow *way)
{
	return LB_FLOW_READ(lb_flow_rest_of(way));
}

static inline void age_way(struct lb_flow *way, uint8_t by)
{
	way->age = (uint8_t)(way->age - by);
}

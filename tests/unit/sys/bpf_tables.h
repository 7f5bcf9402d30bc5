// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows and flows of a data plane under test, as they lie in the maps, and time that passes for
 * them: the agent's is the test's, and the programs' is what the entries say of their age.
 */
#pragma once

#include "bpf_packets.h"

#include <sys/mman.h>

struct tables {
	const struct lb_service *services;
	struct lb_flow_line *lines; /* the first chunk */
	const uint64_t *rows;       /* likewise */
};

/* The first inner map of a map of them, mapped. */
static inline void *first_chunk(const struct under_test *u, const char *map, size_t len)
{
	int outer = pinned(u, map), inner;
	__u32 zero = 0, id;
	void *ret;

	assert_int_equal(bpf_map_lookup_elem(outer, &zero, &id), 0);
	inner = bpf_map_get_fd_by_id(id);
	assert_true(inner >= 0);
	ret = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, inner, 0);
	assert_ptr_not_equal(ret, MAP_FAILED);
	close(inner);
	close(outer);
	return ret;
}

#define TABLES_SLOTS (LB_SERVICE_SLOTS * sizeof(struct lb_service))
#define TABLES_LINES (LB_FLOW_CHUNK * sizeof(struct lb_flow_line))
#define TABLES_ROWS  (LB_ROWS_CHUNK * sizeof(uint64_t))

static inline void tables_open(struct tables *t, const struct under_test *u)
{
	int fd = pinned(u, "maps/services");

	t->services = mmap(NULL, TABLES_SLOTS, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(t->services, MAP_FAILED);
	close(fd);
	t->lines = first_chunk(u, "maps/flows", TABLES_LINES);
	t->rows = first_chunk(u, "maps/rows", TABLES_ROWS);
}

static inline void tables_close(struct tables *t)
{
	(void)munmap((void *)(uintptr_t)t->services, TABLES_SLOTS);
	(void)munmap(t->lines, TABLES_LINES);
	(void)munmap((void *)(uintptr_t)t->rows, TABLES_ROWS);
}

/* Of the frontend, in how many rows the flow table is asked. */
static inline unsigned tables_unsettled(const struct tables *t, const struct lb_key *key)
{
	unsigned ret = 0;

	for (__u32 slot = 0; slot < LB_SERVICE_SLOTS; slot++) {
		const struct lb_service *svc = &t->services[slot];
		uint32_t base;

		if (!svc->live || memcmp(svc->key.addr, key->addr.b, 16) != 0 ||
		    svc->key.port != htons(key->port))
			continue;
		base = (uint32_t)(svc->live >> LB_LIVE_ROWS_SHIFT & LB_LIVE_BASE_MASK);
		for (uint32_t i = 0; i < 1u << LB_DEFAULT_ROWS_LOG2; i++)
			ret += !!(t->rows[base * LB_ROWS_UNIT + i] & LB_ROW_UNSETTLED);
	}
	return ret;
}

/* Everybody is silent for so many units of age, of affine entries' long ones if `is_long`. */
static inline void tables_age(const struct tables *t, unsigned units, bool is_long)
{
	for (unsigned i = 0; i < LB_FLOW_CHUNK * LB_FLOW_WAYS; i++) {
		struct lb_flow *e = &t->lines[i / LB_FLOW_WAYS].way[i % LB_FLOW_WAYS];
		const bool has_long = (e->state & LB_FLOW_STATE_MASK) == LB_FLOW_AFFINE &&
				      e->state & LB_FLOW_LONG;

		if (e->hash <= LB_FLOW_FREE)
			continue;
		assert_true(is_long || !has_long);
		e->age = (uint8_t)(e->age -
				   (has_long || !is_long ? units : units << LB_AGE_LONG_SHIFT));
	}
}

/* As an agent lives it: called when it asked to be, for so long. */
static inline void agent_works(struct under_test *u, nsec_t span)
{
	const nsec_t end = u->now + span;

	while (u->now < end)
		u->now = nsec_min(nsec_min(bpf_dataplane_tick(u->dp, u->now), end),
				  u->now + NSEC_PER_SEC);
	(void)bpf_dataplane_tick(u->dp, u->now);
}

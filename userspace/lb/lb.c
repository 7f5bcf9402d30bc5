// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Names of the data plane's things that the planner computes: the seed of a Service and the name of
 * a row table. The seed is part of what nodes must agree on (DESIGN 7.2 step 5), so it is made with
 * the arithmetic of bpf/wire.h, a byte at a time, and has golden vectors in
 * tests/unit/lb/test_lb.c. The name of a table is local to a node: it only says whether rows must
 * be filled anew.
 */
#include "lb/lb.h"

#include "base/hash.h"

#include <linux/types.h>

#include "bpf/wire.h"

int lb_target_cmp(const struct lb_target *a, const struct lb_target *b)
{
	int order = ip_addr_cmp(&a->addr, &b->addr);

	if (order != 0)
		return order;
	return (a->port > b->port) - (a->port < b->port);
}

static uint64_t seed_bytes(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = lb_wire_mix(h, (uint8_t)*s);
	return h;
}

uint32_t lb_seed(const char *ns, const char *name)
{
	uint64_t h = seed_bytes(LB_WIRE_VERSION, ns);

	h = lb_wire_mix(h, '/'); /* in neither part, so "a/bc" and "ab/c" differ */
	h = seed_bytes(h, name);
	return (uint32_t)(h ^ h >> 32);
}

uint64_t lb_table_name(const struct lb_frontend *f)
{
	uint64_t h = hash_u64(HASH_INIT, LB_WIRE_VERSION);

	h = hash_bytes(h, &f->key, sizeof(f->key));
	h = hash_u64(h, (uint64_t)f->seed << 8 | f->rows_log2);
	h = hash_u64(h, f->n_targets);
	for (size_t i = 0; i < f->n_targets; i++) {
		const struct lb_target *t = &f->targets[i];

		h = hash_bytes(h, &t->addr, sizeof(t->addr));
		h = hash_u64(h, (uint64_t)t->port << 8 | (uint8_t)t->state);
	}
	return h ? h : 1;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Names of the data plane's things that the planner computes: the seed of a Service and the name of
 * a row table. The seed is part of what nodes must agree on (DESIGN 7.2 step 5), so it is made with
 * the arithmetic of bpf/wire.h, a byte at a time, and has golden vectors in
 * tests/unit/lb/test_lb.c. The name of a table is local to a node: it only says whether a frontend
 * must be put anew. What of it is about rows is the name that nodes use among each other.
 */
#include "lb/lb.h"

#include "base/hash.h"

#include <linux/types.h>

#include "bpf/abi.h"
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
	uint64_t h = seed_bytes(LB_WIRE_SEED, ns);

	h = lb_wire_mix(h, '/'); /* in neither part, so "a/bc" and "ab/c" differ */
	h = seed_bytes(h, name);
	return (uint32_t)(h ^ h >> 32);
}

uint64_t lb_target_id(const struct lb_target *t, uint32_t seed)
{
	__u32 addr[4];

	memcpy(addr, t->addr.b, sizeof(addr));
	return lb_wire_backend_id(addr, __builtin_bswap16(t->port), seed);
}

uint64_t lb_recipe_add(uint64_t recipe, const struct lb_target *t, uint32_t seed)
{
	return lb_wire_recipe_add(recipe, lb_target_id(t, seed), t->weight,
				  t->state == LB_BACKEND_READY);
}

uint64_t lb_table_name(const struct lb_frontend *f)
{
	uint64_t h = lb_wire_recipe(f->seed, f->rows_log2);

	for (size_t i = 0; i < f->n_targets; i++)
		h = lb_recipe_add(h, &f->targets[i], f->seed);
	h = hash_bytes(h, &f->key, sizeof(f->key));
	for (size_t i = 0; i < f->n_targets; i++)
		if (!ip_addr_is_none(&f->targets[i].node))
			h = hash_bytes(hash_u64(hash_u64(h, i), f->targets[i].way),
				       &f->targets[i].node, sizeof(struct ip_addr));
	if (f->affinity_s)
		h = hash_u64(h, f->affinity_s);
	return h ? h : 1;
}

uint64_t lb_limit(uint32_t flows, uint16_t per_source, bool is_checked)
{
	const uint32_t word = flows ? flows | (is_checked ? LB_LIMIT_CHECK : 0) : 0;

	return (uint64_t)per_source << 32 | word;
}

uint64_t lb_ranges_name(const struct ip_prefix *ranges, size_t n)
{
	uint64_t h = hash_u64(HASH_INIT, n);

	for (size_t i = 0; i < n; i++)
		h = hash_u64(hash_bytes(h, &ranges[i].addr, sizeof(ranges[i].addr)), ranges[i].len);
	return h ? h : 1;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The second part of the header: a hash over the inputs says whether the last result is still good.
 */
#include "plan/ipam.h"

#include "base/hash.h"
#include "plan/plan_hash.h"

#include <assert.h>

struct ipam_cache {
	struct arena *scratch;      /* what it takes to compute them */
	struct arena *arena, *last; /* last: of the one before, for who still reads that */
	uint64_t hash;              /* 0: there is no result */
	uint64_t generation;
	struct plan_addresses addresses;
	struct problems problems;
};

struct ipam_cache *ipam_cache_new(void)
{
	struct ipam_cache *c = xcalloc(1, sizeof(*c));

	c->scratch = arena_new();
	c->arena = arena_new();
	c->last = arena_new();
	return c;
}

struct ipam_cache *ipam_cache_free(struct ipam_cache *c)
{
	if (!c)
		return NULL;
	arena_free(c->scratch);
	arena_free(c->arena);
	arena_free(c->last);
	free(c);
	return NULL;
}

void ipam_cache_drop(struct ipam_cache *c)
{
	c->hash = 0;
}

void ipam_cache_forget_last(struct ipam_cache *c)
{
	arena_free(c->scratch);
	arena_free(c->last);
	c->scratch = arena_new();
	c->last = arena_new();
}

static uint64_t hash_inputs(const struct ipam_inputs *in)
{
	uint64_t h = plan_hash_settings(HASH_INIT, in->settings);

	h = plan_hash_node(plan_hash_world(h, in->world, true), in->node);
	h = hash_u64(hash_u64(h, in->synced), in->pools.n);
	h = hash_u64(h, (in->cluster ? 1 : 0) + (in->only_written ? 2 : 0));
	for (size_t i = 0; i < in->pools.n; i++)
		h = hash_str(h, in->pools.items[i]);
	return hash_u64(h, in->given->generation) | 1;
}

/* The names may be those of a ledger that is gone by the next time. */
static void keep_names(struct arena *arena, struct api_strings *names)
{
	const char **items = arena_array_of(arena, names->n, const char *);

	for (size_t i = 0; i < names->n; i++)
		items[i] = arena_strdup(arena, names->items[i]);
	names->items = items;
}

static void compute(struct ipam_cache *c, const struct ipam_inputs *in)
{
	struct problems problems = {.arena = c->scratch};
	struct arena *arena = c->last;
	struct plan_addresses *a = &c->addresses;

	assert(c->arena != c->last);
	c->last = c->arena;
	c->arena = arena;
	arena_reset(arena);
	arena_reset(c->scratch);
	ipam_compute(in, c->scratch, a, &problems);
	a->items = arena_memdup(arena, a->items, a->n * sizeof(*a->items));
	keep_names(arena, &a->pools);
	a->generation = ++c->generation;
	c->problems = (struct problems){.arena = arena};
	problems_append(&c->problems, &problems);
}

void ipam_recompute(struct ipam_cache *c, const struct ipam_inputs *in, struct plan_addresses *ret,
		    struct problems *problems)
{
	const uint64_t hash = hash_inputs(in);

	if (hash != c->hash || in->given->generation == 0)
		compute(c, in);
	c->hash = hash;
	assert(c->addresses.generation != 0);
	*ret = c->addresses;
	problems_borrow(problems, &c->problems);
}

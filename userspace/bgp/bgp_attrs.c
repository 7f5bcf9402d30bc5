// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Order and copies of attribute sets. The order has no meaning for routing: it exists so that sets
 * can be sorted, found and compared by content. A value that is absent (has_med, has_local_pref) is
 * compared as if it were 0, so that rubbish behind an unset flag cannot make two equal sets differ.
 */
#include "bgp/bgp_attrs.h"

#include <assert.h>

static int cmp_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_optional(bool has_a, uint32_t a, bool has_b, uint32_t b)
{
	if (has_a != has_b)
		return has_a ? 1 : -1;
	return has_a ? cmp_u32(a, b) : 0;
}

static int cmp_communities(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	if (a->n_communities != b->n_communities)
		return a->n_communities < b->n_communities ? -1 : 1;
	for (size_t i = 0; i < a->n_communities; i++) {
		int order = cmp_u32(a->communities[i], b->communities[i]);

		if (order)
			return order;
	}
	return 0;
}

static int cmp_large(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	if (a->n_large != b->n_large)
		return a->n_large < b->n_large ? -1 : 1;
	for (size_t i = 0; i < a->n_large; i++) {
		int order = large_community_cmp(&a->large[i], &b->large[i]);

		if (order)
			return order;
	}
	return 0;
}

static int cmp_extended(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	if (a->n_extended != b->n_extended)
		return a->n_extended < b->n_extended ? -1 : 1;
	for (size_t i = 0; i < a->n_extended; i++)
		if (a->extended[i] != b->extended[i])
			return a->extended[i] < b->extended[i] ? -1 : 1;
	return 0;
}

int bgp_attrs_cmp(const struct bgp_attrs *a, const struct bgp_attrs *b)
{
	int order = cmp_u32(a->origin, b->origin);

	if (!order)
		order = cmp_u32(a->prepend, b->prepend);
	if (!order)
		order = cmp_optional(a->has_local_pref, a->local_pref, b->has_local_pref,
				     b->local_pref);
	if (!order)
		order = cmp_optional(a->has_med, a->med, b->has_med, b->med);
	if (!order)
		order = cmp_u32(a->bandwidth, b->bandwidth);
	if (!order)
		order = ip_addr_cmp(&a->next_hop, &b->next_hop);
	if (!order)
		order = cmp_communities(a, b);
	if (!order)
		order = cmp_large(a, b);
	return order ? order : cmp_extended(a, b);
}

size_t bgp_attrs_lists_size(const struct bgp_attrs *a)
{
	return a->n_extended * sizeof(*a->extended) + a->n_communities * sizeof(*a->communities) +
	       a->n_large * sizeof(*a->large);
}

struct bgp_attrs bgp_attrs_copy_to(void *room, const struct bgp_attrs *a)
{
	struct bgp_attrs copy = *a;
	uint64_t *extended = room; /* the widest first, so that each list is aligned */
	uint32_t *communities = (void *)(extended + a->n_extended);
	struct large_community *large = (void *)(communities + a->n_communities);

	_Static_assert(_Alignof(struct large_community) <= _Alignof(uint32_t),
		       "one list, two types");
	assert((uintptr_t)room % _Alignof(uint64_t) == 0);
	if (a->n_extended > 0)
		memcpy(extended, a->extended, a->n_extended * sizeof(*extended));
	if (a->n_communities > 0)
		memcpy(communities, a->communities, a->n_communities * sizeof(*communities));
	if (a->n_large > 0)
		memcpy(large, a->large, a->n_large * sizeof(*large));
	copy.extended = extended;
	copy.communities = communities;
	copy.large = large;
	return copy;
}

struct bgp_attrs bgp_attrs_copy(struct arena *arena, const struct bgp_attrs *a)
{
	return bgp_attrs_copy_to(arena_alloc(arena, bgp_attrs_lists_size(a), 1), a);
}

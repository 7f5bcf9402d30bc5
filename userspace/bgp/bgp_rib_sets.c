// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A hash table of chained sets. The lists of a set follow it in its allocation, so that nothing of
 * the caller's is kept.
 */
#include "bgp/bgp_rib_sets.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

static uint64_t hash_attrs(enum bgp_family family, const struct bgp_attrs *a)
{
	uint64_t h = hash_u64(HASH_INIT, family);

	h = hash_u64(h, (uint64_t)a->origin << 8 | a->prepend);
	h = hash_u64(h, a->has_local_pref ? (uint64_t)a->local_pref + 1 : 0);
	h = hash_u64(h, a->has_med ? (uint64_t)a->med + 1 : 0);
	h = hash_u64(h, a->bandwidth);
	h = hash_bytes(h, &a->next_hop, sizeof(a->next_hop));
	if (a->n_communities > 0)
		h = hash_bytes(h, a->communities, a->n_communities * sizeof(*a->communities));
	if (a->n_large > 0)
		h = hash_bytes(h, a->large, a->n_large * sizeof(*a->large));
	if (a->n_extended > 0)
		h = hash_bytes(h, a->extended, a->n_extended * sizeof(*a->extended));
	return h;
}

void rib_bucket_init(struct rib_bucket *b, struct rib_set *set)
{
	*b = (struct rib_bucket){.head = RIB_NONE, .tail = RIB_NONE, .set = set};
}

struct rib_set *rib_sets_get(struct rib_sets *sets, enum bgp_family family,
			     const struct bgp_attrs *a)
{
	uint64_t hash = hash_attrs(family, a);
	struct rib_set **slot = &sets->slots[hash % RIB_SETS_SLOTS], *set;

	for (set = *slot; set; set = set->next_in_slot)
		if (set->hash == hash && set->family == family &&
		    bgp_attrs_cmp(&set->attrs, a) == 0)
			break;
	if (!set) {
		_Static_assert(sizeof(*set) % _Alignof(uint64_t) == 0, "lists follow the set");
		set = xmalloc(sizeof(*set) + bgp_attrs_lists_size(a));
		*set = (struct rib_set){
			.attrs = bgp_attrs_copy_to(set + 1, a),
			.family = family,
			.hash = hash,
			.next_in_slot = *slot,
		};
		rib_bucket_init(&set->bucket, set);
		*slot = set;
		sets->n++;
	}
	set->n_users++;
	return set;
}

void rib_sets_put(struct rib_sets *sets, struct rib_set *set)
{
	struct rib_set **at;

	if (!set)
		return;
	assert(set->n_users > 0);
	if (--set->n_users > 0)
		return;
	assert(set->bucket.head == RIB_NONE);
	for (at = &sets->slots[set->hash % RIB_SETS_SLOTS]; *at != set;)
		at = &(*at)->next_in_slot;
	*at = set->next_in_slot;
	sets->n--;
	free(set);
}

void rib_sets_done(struct rib_sets *sets)
{
	for (size_t i = 0; i < RIB_SETS_SLOTS; i++) {
		for (struct rib_set *set = sets->slots[i], *next; set; set = next) {
			next = set->next_in_slot;
			free(set);
		}
	}
}

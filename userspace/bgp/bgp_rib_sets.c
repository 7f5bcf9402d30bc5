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

static uint32_t take_number(struct rib_sets *sets)
{
	if (sets->n_free > 0)
		return sets->free_numbers[--sets->n_free];
	xpush(&sets->numbered, &sets->n_numbers, &sets->cap, sizeof(struct rib_set *));
	assert(sets->n_numbers < RIB_NONE);
	return (uint32_t)sets->n_numbers - 1;
}

static struct rib_set *set_new(struct rib_sets *sets, enum bgp_family family,
			       const struct bgp_attrs *a, uint64_t hash)
{
	struct rib_set **slot = &sets->slots[hash % RIB_SETS_SLOTS];
	struct rib_set *set = xmalloc(sizeof(*set) + bgp_attrs_lists_size(a));

	_Static_assert(sizeof(*set) % _Alignof(uint64_t) == 0, "lists follow the set");
	*set = (struct rib_set){
		.attrs = bgp_attrs_copy_to(set + 1, a),
		.family = family,
		.hash = hash,
		.number = take_number(sets),
		.next_in_slot = *slot,
	};
	rib_bucket_init(&set->bucket, set);
	*slot = sets->numbered[set->number] = set;
	sets->n++;
	return set;
}

uint32_t rib_sets_get(struct rib_sets *sets, enum bgp_family family, const struct bgp_attrs *a)
{
	const uint64_t hash = hash_attrs(family, a);
	struct rib_set *set;

	for (set = sets->slots[hash % RIB_SETS_SLOTS]; set; set = set->next_in_slot)
		if (set->hash == hash && set->family == family &&
		    bgp_attrs_cmp(&set->attrs, a) == 0)
			break;
	if (!set)
		set = set_new(sets, family, a, hash);
	set->n_users++;
	return set->number;
}

struct rib_set *rib_sets_at(const struct rib_sets *sets, uint32_t set)
{
	assert(set < sets->n_numbers && sets->numbered[set]);
	return sets->numbered[set];
}

void rib_sets_use(struct rib_sets *sets, uint32_t set)
{
	if (set != RIB_NONE)
		rib_sets_at(sets, set)->n_users++;
}

void rib_sets_put(struct rib_sets *sets, uint32_t number)
{
	struct rib_set *set, **at;

	if (number == RIB_NONE)
		return;
	set = rib_sets_at(sets, number);
	assert(set->n_users > 0);
	if (--set->n_users > 0)
		return;
	assert(set->bucket.head == RIB_NONE);
	for (at = &sets->slots[set->hash % RIB_SETS_SLOTS]; *at != set;)
		at = &(*at)->next_in_slot;
	*at = set->next_in_slot;
	sets->numbered[number] = NULL;
	*(uint32_t *)xpush(&sets->free_numbers, &sets->n_free, &sets->cap_free, sizeof(number)) =
		number;
	sets->n--;
	free(set);
}

void rib_sets_done(struct rib_sets *sets)
{
	for (size_t i = 0; i < sets->n_numbers; i++)
		free(sets->numbered[i]);
	free(sets->numbered);
	free(sets->free_numbers);
}

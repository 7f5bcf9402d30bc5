// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets of source ranges: which number a set has, and who uses it. What is in a set lies in a map
 * that only the kernel reads; it is filled by the caller before the set gets its name, and emptied
 * when no service has named it for as long as a reader may still hold its number. So a service
 * changes from one set to another by one store, and no packet meets half of either.
 *
 *   free ─lb_ranges_take─► filling ─lb_ranges_name─► named ─lb_ranges_drop─► emptying ─give─► free
 */
#include "lb/lb_inside.h"

#include <assert.h>
#include <errno.h>

void lb_ranges_init(struct lb_ranges *r, uint64_t *names)
{
	r->names = names;
	r->sets = xcalloc(LB_RANGE_SETS, sizeof(*r->sets));
}

void lb_ranges_done(struct lb_ranges *r)
{
	free(r->sets);
}

uint32_t lb_ranges_find(const struct lb_ranges *r, uint64_t name)
{
	assert(name != 0);
	for (uint32_t i = 1; i < r->n_used; i++)
		if (r->names[i] == name)
			return i;
	return 0;
}

void lb_ranges_use(struct lb_ranges *r, uint32_t set)
{
	assert(set > 0 && set < LB_RANGE_SETS && r->names[set] != 0);
	r->sets[set].n_users++;
}

void lb_ranges_unuse(struct lb_ranges *r, uint32_t set, nsec_t now)
{
	assert(set > 0 && set < LB_RANGE_SETS && r->sets[set].n_users > 0);
	r->sets[set].n_users--;
	r->sets[set].unused_at = now;
}

bool lb_ranges_adopt(struct lb_ranges *r, uint32_t set)
{
	if (set == 0 || set >= LB_RANGE_SETS || r->names[set] == 0)
		return false;
	r->sets[set].n_users++;
	return true;
}

void lb_ranges_adopt_rest(struct lb_ranges *r, nsec_t now)
{
	for (uint32_t i = 1; i < LB_RANGE_SETS; i++) {
		if (r->names[i] == 0)
			continue;
		if (i >= r->n_used)
			r->n_used = i + 1;
		r->sets[i].unused_at = now;
	}
}

/* --- for whoever fills them ------------------------------------------------------------------ */

int lb_tables_take_ranges(struct lb_tables *t, uint32_t *ret_set)
{
	struct lb_ranges *r = &t->ranges;

	for (uint32_t i = 1; i < LB_RANGE_SETS; i++) {
		if (r->names[i] != 0 || r->sets[i].is_held)
			continue;
		r->sets[i].is_held = true;
		if (i >= r->n_used)
			r->n_used = i + 1;
		*ret_set = i;
		return 0;
	}
	return -ENOSPC;
}

void lb_tables_name_ranges(struct lb_tables *t, const struct lb_clock *c, uint32_t set,
			   uint64_t name)
{
	struct lb_ranges *r = &t->ranges;

	assert(set > 0 && set < r->n_used && r->sets[set].is_held && r->names[set] == 0);
	assert(name != 0);
	r->sets[set] = (struct lb_range_set){.unused_at = c->now};
	r->names[set] = name;
}

bool lb_tables_drop_ranges(struct lb_tables *t, const struct lb_clock *c, uint32_t *ret_set)
{
	struct lb_ranges *r = &t->ranges;

	for (uint32_t i = 1; i < r->n_used; i++) {
		struct lb_range_set *set = &r->sets[i];

		if (r->names[i] == 0 || set->n_users > 0 || set->unused_at > c->quiet)
			continue;
		r->names[i] = 0;
		set->is_held = true;
		*ret_set = i;
		return true;
	}
	return false;
}

void lb_tables_give_ranges(struct lb_tables *t, uint32_t set)
{
	assert(set > 0 && set < t->ranges.n_used && t->ranges.sets[set].is_held);
	t->ranges.sets[set].is_held = false;
}

bool lb_tables_has_ranges(const struct lb_tables *t, uint32_t set)
{
	return set > 0 && set < LB_RANGE_SETS && t->ranges.names[set] != 0;
}

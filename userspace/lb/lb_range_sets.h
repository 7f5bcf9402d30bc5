// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Sets of source ranges, by their names (lb_ranges.c); a part of lb_inside.h. */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stdint.h>

/* A set of source ranges. One that is held has no name: it is filled or emptied. */
struct lb_range_set {
	uint32_t n_users; /* services that name it */
	bool is_held;
	nsec_t unused_at; /* since when it has none */
};
struct lb_ranges {
	uint64_t *names;           /* borrowed */
	struct lb_range_set *sets; /* LB_RANGE_SETS; owned */
	uint32_t n_used;           /* behind the last that ever had a name */
};
void lb_ranges_init(struct lb_ranges *r, uint64_t *names);
void lb_ranges_done(struct lb_ranges *r);
/* The set of a name, or 0. */
uint32_t lb_ranges_find(const struct lb_ranges *r, uint64_t name);
void lb_ranges_use(struct lb_ranges *r, uint32_t set);
void lb_ranges_unuse(struct lb_ranges *r, uint32_t set, nsec_t now);
/* A service of a former run uses it; false: there is no such set. */
bool lb_ranges_adopt(struct lb_ranges *r, uint32_t set);
/* Those that nobody uses, too. */
void lb_ranges_adopt_rest(struct lb_ranges *r, nsec_t now);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which VIPs this node has served since it booted. The rows of one that it never has begin settled,
 * for there is no flow that could have another owner; one that was served may have flows whose
 * entries are gone, with the tables of then or with its service.
 */
#pragma once

#include "lb/lb.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct lb_served {
	struct lb_served_item *items; /* by address and domain. Owned */
	size_t n, cap;
	bool all;            /* nothing is known of what was served: anything may have been */
	uint64_t generation; /* counts what came to it */
};

void lb_served_done(struct lb_served *s);

/* Served before now. */
void lb_served_add(struct lb_served *s, const struct lb_vip *vip);
/* Served from now on, for the first time if it was not before. */
void lb_served_begin(struct lb_served *s, const struct lb_vip *vip);
/* Not served any more; it has been. */
void lb_served_end(struct lb_served *s, const struct lb_vip *vip);

/* It was served before what is now, if it is. */
bool lb_served_before(const struct lb_served *s, const struct lb_vip *vip);
/* All that are or were served, by address and domain; from the arena. */
const struct lb_vip *lb_served_all(const struct lb_served *s, struct arena *arena, size_t *ret_n);

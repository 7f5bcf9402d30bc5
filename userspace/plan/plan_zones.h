// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Zones: the addresses under one prefix of the shortest length that any advertisement gives its
 * prefixes (of the family). All prefixes of a VIP lie within its zone, so that neither its routes
 * nor its gates have to do with a VIP of another; where nothing is aggregated a zone is one
 * address.
 */
#pragma once

#include "plan/plan_env.h"

#include <stddef.h>

struct plan_zones {
	struct arena *arena;
	uint8_t len[IP_N_FAMILIES];
	struct ip_prefix *items; /* once sealed: in the order of addresses, no doubles */
	size_t n, cap;
};

/* None yet; those that are added will be in the arena. */
void plan_zones_init(struct plan_zones *z, const struct plan_env *env, struct arena *arena);
/* Adds the address's zone. */
void plan_zones_add(struct plan_zones *z, const struct ip_addr *addr);
void plan_zones_seal(struct plan_zones *z);

/* That the prefix is not within one zone. */
bool plan_zones_exceeds(const struct plan_zones *z, const struct ip_prefix *prefix);

/* Items in the order of the addresses that each has at the same place. */
struct plan_addressed {
	const void *items;
	size_t n, size, at;
};
#define PLAN_ADDRESSED(list, count, field)                                                         \
	((struct plan_addressed){(list), (count), sizeof(*(list)),                                 \
				 offsetof(__typeof__(*(list)), field)})

/* Those in the zone: *ret_n of them from the index on that is returned. */
size_t plan_zone_find(const struct plan_addressed *all, const struct ip_prefix *zone,
		      size_t *ret_n);
/* Copies of those in the (sealed) zones, in the same order, in the zones' arena. */
void *plan_zones_cut(const struct plan_zones *z, const struct plan_addressed *all, size_t *ret_n);

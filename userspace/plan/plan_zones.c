// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "plan/plan_zones.h"

#include "plan/plan_sort.h"

#include <assert.h>

void plan_zones_init(struct plan_zones *z, const struct plan_env *env, struct arena *arena)
{
	*z = (struct plan_zones){.arena = arena};
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		z->len[f] = ip_family_bits(f);
		for (size_t i = 0; i < env->n_adverts; i++)
			if (env->adverts[i].spec->aggregation[f] < z->len[f])
				z->len[f] = env->adverts[i].spec->aggregation[f];
	}
}

void plan_zones_add(struct plan_zones *z, const struct ip_addr *addr)
{
	const struct ip_prefix zone = ip_prefix_of(addr, z->len[ip_family_of(addr)]);

	if (z->n && ip_prefix_cmp(&z->items[z->n - 1], &zone) == 0)
		return;
	*(struct ip_prefix *)arena_push(z->arena, &z->items, &z->n, &z->cap, sizeof(zone)) = zone;
}

static int cmp_zone(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

void plan_zones_seal(struct plan_zones *z)
{
	z->n = plan_sort_unique(z->items, z->n, sizeof(*z->items), cmp_zone);
}

bool plan_zones_exceeds(const struct plan_zones *z, const struct ip_prefix *prefix)
{
	return prefix->len < z->len[ip_family_of(&prefix->addr)];
}

static const struct ip_addr *addr_of(const struct plan_addressed *all, size_t i)
{
	return (const void *)((const char *)all->items + i * all->size + all->at);
}

size_t plan_zone_find(const struct plan_addressed *all, const struct ip_prefix *zone, size_t *ret_n)
{
	size_t low = 0, high = all->n, end;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_addr_cmp(addr_of(all, middle), &zone->addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->n && ip_prefix_has(zone, addr_of(all, end));)
		end++;
	*ret_n = end - low;
	return low;
}

void *plan_zones_cut(const struct plan_zones *z, const struct plan_addressed *all, size_t *ret_n)
{
	size_t n = 0, n_found;
	char *ret, *to;

	for (size_t i = 0; i < z->n; i++) {
		(void)plan_zone_find(all, &z->items[i], &n_found);
		n += n_found;
	}
	ret = to = arena_alloc(z->arena, n, all->size);
	for (size_t i = 0; i < z->n; i++) {
		const size_t first = plan_zone_find(all, &z->items[i], &n_found);

		assert(i == 0 || ip_prefix_cmp(&z->items[i - 1], &z->items[i]) < 0);
		if (n_found)
			memcpy(to, (const char *)all->items + first * all->size,
			       n_found * all->size);
		to += n_found * all->size;
	}
	*ret_n = n;
	return ret;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Small sets of prefixes, unsorted. */
#include "sim/plane/plane.h"

struct plane_prefix *plane_find(const struct plane_prefixes *t, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < t->n; i++)
		if (ip_prefix_cmp(&t->items[i].prefix, prefix) == 0)
			return &t->items[i];
	return NULL;
}

void plane_add(struct plane_prefixes *t, const struct ip_prefix *prefix, nsec_t at)
{
	struct plane_prefix *p = plane_find(t, prefix);

	if (!p)
		p = xpush(&t->items, &t->n, &t->cap, sizeof(*t->items));
	*p = (struct plane_prefix){.prefix = *prefix, .at = at};
}

void plane_remove(struct plane_prefixes *t, const struct ip_prefix *prefix)
{
	struct plane_prefix *p = plane_find(t, prefix);

	if (p)
		*p = t->items[--t->n];
}

void plane_keep(struct plane_prefixes *t, bool (*keep)(const struct plane_prefix *p, nsec_t at),
		nsec_t at)
{
	for (size_t i = 0; i < t->n;) {
		if (keep(&t->items[i], at))
			i++;
		else
			t->items[i] = t->items[--t->n];
	}
}

void plane_clear(struct plane_prefixes *t)
{
	free(t->items);
	*t = (struct plane_prefixes){0};
}

bool plane_is_blackhole(const struct bgp_attrs *a)
{
	for (size_t i = 0; i < a->n_communities; i++)
		if (a->communities[i] == COMMUNITY_BLACKHOLE)
			return true;
	return false;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A sorted array: VIPs come seldom, and are looked for when a frontend is new. */
#include "lb/lb_served.h"

#include "base/arena.h"
#include "base/mem.h"

struct lb_served_item {
	struct lb_vip vip;
	bool before; /* what is served now, if it is, is not the first */
};

void lb_served_done(struct lb_served *s)
{
	free(s->items);
	*s = (struct lb_served){.n = 0};
}

static int cmp_vip(const struct lb_vip *a, const struct lb_vip *b)
{
	int order = ip_addr_cmp(&a->addr, &b->addr);

	return order ? order : (a->domain > b->domain) - (a->domain < b->domain);
}

/* Where it is or belongs. */
static size_t place_of(const struct lb_served *s, const struct lb_vip *vip)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cmp_vip(&s->items[middle].vip, vip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct lb_served_item *find(const struct lb_served *s, const struct lb_vip *vip)
{
	size_t i = place_of(s, vip);

	return i < s->n && cmp_vip(&s->items[i].vip, vip) == 0 ? &s->items[i] : NULL;
}

static struct lb_served_item *need(struct lb_served *s, const struct lb_vip *vip)
{
	struct lb_served_item *item = find(s, vip);
	size_t i;

	if (item)
		return item;
	i = place_of(s, vip);
	(void)xpush(&s->items, &s->n, &s->cap, sizeof(*s->items));
	memmove(&s->items[i + 1], &s->items[i], (s->n - 1 - i) * sizeof(*s->items));
	s->items[i] = (struct lb_served_item){.vip = *vip};
	s->generation++;
	return &s->items[i];
}

void lb_served_add(struct lb_served *s, const struct lb_vip *vip)
{
	need(s, vip)->before = true;
}

void lb_served_begin(struct lb_served *s, const struct lb_vip *vip)
{
	(void)need(s, vip);
}

void lb_served_end(struct lb_served *s, const struct lb_vip *vip)
{
	struct lb_served_item *item = find(s, vip);

	if (item)
		item->before = true;
}

bool lb_served_before(const struct lb_served *s, const struct lb_vip *vip)
{
	const struct lb_served_item *item = find(s, vip);

	return s->all || (item && item->before);
}

const struct lb_vip *lb_served_all(const struct lb_served *s, struct arena *arena, size_t *ret_n)
{
	struct lb_vip *ret = arena_array_of(arena, s->n, struct lb_vip);

	for (size_t i = 0; i < s->n; i++)
		ret[i] = s->items[i].vip;
	*ret_n = s->n;
	return ret;
}

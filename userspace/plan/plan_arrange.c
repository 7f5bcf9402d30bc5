// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Few new fragments are put into an order one item at a time, by bisection; with
 * many it is sorted.
 */
#include "plan/plan_arrange.h"

#include "base/mem.h"

#include <stdlib.h>

#define FEW(n) (8 + (n) / 32) /* of n fragments */

typedef int place_cmp(const void *a, const void *b, void *fragments);

int plan_claim_cmp(const struct plan_claim *a, const struct plan_claim *b)
{
	int cmp = ip_prefix_cmp(&a->prefix, &b->prefix);

	if (cmp == 0)
		cmp = (a->advert->age > b->advert->age) - (a->advert->age < b->advert->age);
	if (cmp == 0)
		cmp = plan_vip_cmp(&a->vip, &b->vip);
	if (cmp == 0)
		cmp = (a->own != NULL) - (b->own != NULL);
	return cmp || !a->own ? cmp : api_object_age_cmp(a->own->service, b->own->service);
}

static int cmp_place(const struct plan_place *a, const struct plan_place *b)
{
	if (a->fragment != b->fragment)
		return a->fragment < b->fragment ? -1 : 1;
	return (a->item > b->item) - (a->item < b->item);
}

static int cmp_port(const void *a, const void *b, void *fragments)
{
	const struct plan_fragment *const *all = fragments;
	const struct plan_place *x = a, *y = b;
	const struct plan_fragment *f = all[x->fragment], *g = all[y->fragment];
	int cmp = lb_key_cmp(&f->ports[x->item].lb.key, &g->ports[y->item].lb.key);

	if (cmp == 0)
		cmp = api_object_age_cmp(f->service, g->service);
	return cmp ? cmp : cmp_place(x, y);
}

static const struct plan_claim *claim_at(const void *place, void *fragments)
{
	const struct plan_fragment *const *all = fragments;
	const struct plan_place *p = place;

	return &all[p->fragment]->claims[p->item];
}

static int cmp_by_prefix(const void *a, const void *b, void *fragments)
{
	const int cmp = plan_claim_cmp(claim_at(a, fragments), claim_at(b, fragments));

	return cmp ? cmp : cmp_place(a, b);
}

static int cmp_by_vip(const void *a, const void *b, void *fragments)
{
	const int cmp = plan_vip_cmp(&claim_at(a, fragments)->vip, &claim_at(b, fragments)->vip);

	return cmp ? cmp : cmp_by_prefix(a, b, fragments);
}

/* --- one order ------------------------------------------------------------------------------- */

static void push(struct plan_order *o, const struct plan_place *place)
{
	*(struct plan_place *)xpush(&o->items, &o->n, &o->cap, sizeof(*o->items)) = *place;
}

static void insert(struct plan_order *o, const struct plan_place *place, place_cmp *cmp,
		   void *fragments)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (cmp(place, &o->items[middle], fragments) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	push(o, place);
	memmove(&o->items[low + 1], &o->items[low], (o->n - 1 - low) * sizeof(*o->items));
	o->items[low] = *place;
}

/* What has moved keeps its order, since the numbers rise. */
static void renumber(struct plan_order *o, const uint32_t *moved)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++) {
		const uint32_t to = moved[o->items[i].fragment];

		o->items[n] = (struct plan_place){to, o->items[i].item};
		n += to != PLAN_GONE;
	}
	o->n = n;
}

static void sort(struct plan_order *o, place_cmp *cmp, void *fragments)
{
	size_t i = 1;

	while (i < o->n && cmp(&o->items[i - 1], &o->items[i], fragments) < 0)
		i++;
	if (i < o->n)
		qsort_r(o->items, o->n, sizeof(*o->items), cmp, fragments);
}

/* --- all of them ----------------------------------------------------------------------------- */

struct arranging {
	struct plan_arrangement *a;
	void *fragments; /* as the comparisons want it */
	bool few;
};

static void add(const struct arranging *by, struct plan_order *o, const struct plan_place *place,
		place_cmp *cmp)
{
	if (by->few)
		insert(o, place, cmp, by->fragments);
	else
		push(o, place);
}

static void add_fragment(const struct arranging *by, uint32_t number)
{
	const struct plan_fragment *f =
		((const struct plan_fragment *const *)by->fragments)[number];
	struct plan_place place = {.fragment = number};

	for (size_t i = 0; i < f->n_ports; i++) {
		place.item = (uint32_t)i;
		if (f->ports[i].lb.key.port != 0)
			add(by, &by->a->ports, &place, cmp_port);
	}
	for (size_t i = 0; i < f->n_claims; i++) {
		place.item = (uint32_t)i;
		add(by, &by->a->by_prefix, &place, cmp_by_prefix);
		add(by, &by->a->by_vip, &place, cmp_by_vip);
	}
}

void plan_arrange(struct plan_arrangement *a, const struct plan_arrange_args *args)
{
	struct arranging by = {.a = a, .few = args->n_made <= FEW(args->n)};

	memcpy(&by.fragments, &args->fragments, sizeof(by.fragments));
	renumber(&a->ports, args->moved);
	renumber(&a->by_prefix, args->moved);
	renumber(&a->by_vip, args->moved);
	for (size_t i = 0; i < args->n_made; i++)
		add_fragment(&by, args->made[i]);
	if (by.few)
		return;
	sort(&a->ports, cmp_port, by.fragments);
	sort(&a->by_prefix, cmp_by_prefix, by.fragments);
	sort(&a->by_vip, cmp_by_vip, by.fragments);
}

void plan_arrangement_clear(struct plan_arrangement *a)
{
	a->ports.n = a->by_prefix.n = a->by_vip.n = 0;
}

void plan_arrangement_done(struct plan_arrangement *a)
{
	free(a->ports.items);
	free(a->by_prefix.items);
	free(a->by_vip.items);
	*a = (struct plan_arrangement){0};
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. A fragment that was replaced by one with the same keys is written over where it
 * stands; else its entries are taken out and put in, by bisection; with many new ones an order is
 * sorted.
 *
 * An entry in an order is compared by what it holds itself: the Service of a fragment that is about
 * to be taken out may be gone.
 */
#include "plan/plan_arrange.h"

#include "base/mem.h"
#include "plan/plan_contract.h"

#include <assert.h>
#include <stdlib.h>

#define FEW(n) (8 + (n) / 32) /* of n fragments */

static int cmp_age(const struct env_advert *a, const struct env_advert *b)
{
	return (a->age > b->age) - (a->age < b->age);
}

int plan_claim_cmp(const struct plan_claim *a, const struct plan_claim *b)
{
	int cmp = ip_prefix_cmp(&a->prefix, &b->prefix);

	if (cmp == 0)
		cmp = cmp_age(a->by->items[0], b->by->items[0]);
	if (cmp == 0)
		cmp = plan_vip_cmp(&a->vip, &b->vip);
	if (cmp == 0)
		cmp = (plan_claim_own(a) != NULL) - (plan_claim_own(b) != NULL);
	return cmp;
}

static int cmp_place(const struct plan_place *a, const struct plan_place *b)
{
	if (a->fragment != b->fragment)
		return a->fragment < b->fragment ? -1 : 1;
	return (a->item > b->item) - (a->item < b->item);
}

/* Of Services that were created together the first by name counts as older. */
static int cmp_port(const void *a, const void *b)
{
	const struct arranged_port *x = a, *y = b;
	int cmp = lb_key_cmp(&x->lb.key, &y->lb.key);

	if (cmp == 0)
		cmp = (x->created_s > y->created_s) - (x->created_s < y->created_s);
	return cmp ? cmp : cmp_place(&x->at, &y->at);
}

static int cmp_by_prefix(const void *a, const void *b)
{
	const struct arranged_claim *x = a, *y = b;
	const int cmp = plan_claim_cmp(x->claim, y->claim);

	return cmp ? cmp : cmp_place(&x->at, &y->at);
}

static int cmp_by_vip(const void *a, const void *b)
{
	const struct arranged_vip *x = a, *y = b;
	const int cmp = plan_vip_cmp(&x->vip, &y->vip);

	return cmp ? cmp : cmp_place(&x->at, &y->at);
}

/* --- entries --------------------------------------------------------------------------------- */

static bool make_port(const struct plan_fragment *f, struct plan_place at, void *ret)
{
	const struct plan_port *port = at.item < f->n_ports ? &f->ports[at.item] : NULL;
	struct arranged_port *entry = ret;

	if (!port)
		return false;
	*entry = (struct arranged_port){.at = at,
					.created_s = f->created_s,
					.service = f->service,
					.lb = port->lb,
					.takes_new_flows = port->takes_new_flows,
					.unknown_port = port->unknown_port};
	return true;
}

static bool make_claim(const struct plan_fragment *f, struct plan_place at, void *ret)
{
	struct arranged_claim *entry = ret;

	if (at.item >= f->n_claims)
		return false;
	*entry = (struct arranged_claim){.at = at, .claim = &f->claims[at.item]};
	return true;
}

/* Which claim begins with a VIP's is for the caller to see: has_key(). */
static bool make_vip(const struct plan_fragment *f, struct plan_place at, void *ret)
{
	struct arranged_vip *entry = ret;

	if (at.item >= f->n_claims)
		return false;
	*entry = (struct arranged_vip){.at = at, .vip = f->claims[at.item].vip};
	return true;
}

/* --- one order ------------------------------------------------------------------------------- */

/* How one of the orders is kept. */
struct kind {
	size_t size;
	bool (*make)(const struct plan_fragment *f, struct plan_place at,
		     void *ret); /* false: end */
	int (*cmp)(const void *a, const void *b);
};
static const struct kind port_kind = {sizeof(struct arranged_port), make_port, cmp_port};
static const struct kind prefix_kind = {sizeof(struct arranged_claim), make_claim, cmp_by_prefix};
static const struct kind vip_kind = {sizeof(struct arranged_vip), make_vip, cmp_by_vip};

union entry {
	struct arranged_port port;
	struct arranged_claim claim;
	struct arranged_vip vip;
};

/* A port of a Service that may not be served has no key, nor has a VIP's second claim. */
static bool has_key(const struct kind *k, const struct plan_fragment *f, const union entry *e)
{
	if (k->make == make_port)
		return e->port.lb.key.port != 0;
	return k->make != make_vip || e->vip.at.item == 0 ||
	       !plan_vip_equal(&f->claims[e->vip.at.item - 1].vip, &e->vip.vip);
}

static char *at(const struct plan_order *o, const struct kind *k, size_t i)
{
	return o->items + i * k->size;
}

static void push(struct plan_order *o, const struct kind *k, const union entry *e)
{
	memcpy(xpush(&o->items, &o->n, &o->cap, k->size), e, k->size);
}

/* The first that is not before the entry. */
static size_t find(const struct plan_order *o, const struct kind *k, const union entry *e)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (k->cmp(e, at(o, k, middle)) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct plan_order *o, const struct kind *k, const union entry *e)
{
	const size_t i = find(o, k, e);

	push(o, k, e);
	memmove(at(o, k, i + 1), at(o, k, i), (o->n - 1 - i) * k->size);
	memcpy(at(o, k, i), e, k->size);
	assert(i == 0 || k->cmp(at(o, k, i - 1), e) < 0);
	assert(i + 1 == o->n || k->cmp(e, at(o, k, i + 1)) < 0);
}

static void take_out(struct plan_order *o, const struct kind *k, const union entry *e)
{
	const size_t i = find(o, k, e);

	assert(i < o->n && k->cmp(e, at(o, k, i)) == 0);
	o->n--;
	memmove(at(o, k, i), at(o, k, i + 1), (o->n - i) * k->size);
}

/* One with the same keys is there. */
static void write_over(struct plan_order *o, const struct kind *k, const union entry *e)
{
	const size_t i = find(o, k, e);

	assert(i < o->n && k->cmp(e, at(o, k, i)) == 0);
	memcpy(at(o, k, i), e, k->size);
}

/* Both have the same entries, as far as their places in the order go. */
static bool same_keys(const struct kind *k, uint32_t number, const struct plan_fragment *a,
		      const struct plan_fragment *b)
{
	struct plan_place place = {.fragment = number};
	union entry x, y;

	for (;; place.item++) {
		const bool more = k->make(a, place, &x);

		if (more != k->make(b, place, &y))
			return false;
		if (!more)
			return true;
		if (k->cmp(&x, &y) != 0)
			return false;
	}
}

static void replace(struct plan_order *o, const struct kind *k, const struct plan_made *made,
		    const struct plan_fragment *now)
{
	struct plan_place place = {.fragment = made->number};
	const bool in_place = made->was && same_keys(k, place.fragment, made->was, now);
	union entry e;

	for (; made->was && !in_place && k->make(made->was, place, &e); place.item++)
		if (has_key(k, made->was, &e))
			take_out(o, k, &e);
	for (place.item = 0; k->make(now, place, &e); place.item++) {
		if (!has_key(k, now, &e))
			continue;
		if (in_place)
			write_over(o, k, &e);
		else
			insert(o, k, &e);
	}
}

static void replace_all(struct plan_order *o, const struct kind *k,
			const struct plan_arrange_args *args, const bool *is_made)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct plan_place *place = (const void *)at(o, k, i);

		if (is_made[place->fragment])
			continue;
		if (n != i)
			memcpy(at(o, k, n), at(o, k, i), k->size);
		n++;
	}
	o->n = n;
	for (size_t i = 0; i < args->n_made; i++) {
		struct plan_place place = {.fragment = args->made[i].number};
		const struct plan_fragment *f = args->fragments[place.fragment];
		union entry e;

		for (; k->make(f, place, &e); place.item++)
			if (has_key(k, f, &e))
				push(o, k, &e);
	}
	for (n = 1; n < o->n && k->cmp(at(o, k, n - 1), at(o, k, n)) < 0;)
		n++;
	if (n < o->n)
		qsort(o->items, o->n, k->size, k->cmp);
}

/* The order stays, since a Service stands among the others as before. */
static void renumber(struct plan_order *o, const struct kind *k, const uint32_t *moved)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++) {
		struct plan_place *place = (void *)at(o, k, i);

		assert(place->fragment != PLAN_GONE);
		place->fragment = moved[place->fragment];
		if (place->fragment == PLAN_GONE)
			continue;
		if (n != i)
			memcpy(at(o, k, n), at(o, k, i), k->size);
		n++;
	}
	o->n = n;
}

/* --- by fragment ----------------------------------------------------------------------------- */

static bool has_server(const struct lb_frontend *lb)
{
	for (size_t i = 0; i < lb->n_targets; i++)
		if (lb->targets[i].way != LB_BY_TUNNEL)
			return true;
	return false;
}

static uint8_t marks_of(const struct plan_fragment *f)
{
	uint8_t ret = f->problems.n > 0 ? PLAN_MARK_TELLS : 0;

	if (f->n_ports > 0 && f->ports[0].row.health_port != 0)
		ret |= PLAN_MARK_HEALTH;
	if (f->n_ports > 0 && f->ports[0].row.rate_limit != 0)
		ret |= PLAN_MARK_RATE;
	for (size_t i = 0; i < f->n_ports; i++) {
		if (f->ports[i].is_blackhole)
			ret |= PLAN_MARK_BLACKHOLE;
		if (has_server(&f->ports[i].lb))
			ret |= PLAN_MARK_SERVERS;
	}
	for (size_t i = 0; i < f->n_claims; i++)
		if (f->claims[i].prefix.len < ip_addr_bits(&f->claims[i].prefix.addr))
			ret |= PLAN_MARK_AGGREGATE;
	return ret;
}

static void write_fragment(struct plan_arrangement *a, uint32_t number,
			   const struct plan_fragment *f)
{
	struct plan_service *row = &a->rows[a->first_row[number]];

	assert(a->first_row[number] + f->n_ports == a->first_row[number + 1]);
	for (size_t i = 0; i < f->n_ports; i++)
		row[i] = f->ports[i].row;
	a->marks[number] = marks_of(f);
}

static void write_all(struct plan_arrangement *a, const struct plan_arrange_args *args)
{
	if (args->n >= a->cap) {
		a->cap = args->n + args->n / 4 + 1;
		a->first_row = xrealloc(a->first_row, a->cap + 1, sizeof(*a->first_row));
		a->marks = xrealloc(a->marks, a->cap, sizeof(*a->marks));
	}
	a->n = args->n;
	a->n_rows = 0;
	for (size_t i = 0; i < args->n; i++) {
		a->first_row[i] = (uint32_t)a->n_rows;
		a->n_rows += args->fragments[i]->n_ports;
	}
	a->first_row[args->n] = (uint32_t)a->n_rows;
	if (a->n_rows > a->cap_rows) {
		a->cap_rows = a->n_rows + a->n_rows / 4;
		a->rows = xrealloc(a->rows, a->cap_rows, sizeof(*a->rows));
	}
	for (size_t i = 0; i < args->n; i++)
		write_fragment(a, (uint32_t)i, args->fragments[i]);
	plan_assert_names(a->rows, a->n_rows);
}

/* Every Service has as many rows as before, and the same number. */
static bool same_shape(const struct plan_arrangement *a, const struct plan_arrange_args *args,
		       bool any_moved)
{
	for (size_t i = 0; i < args->n_made; i++) {
		const struct plan_made *m = &args->made[i];

		if (!m->was || m->was->n_ports != args->fragments[m->number]->n_ports)
			return false;
	}
	return !any_moved && a->n == args->n;
}

static bool arrange_rows(struct plan_arrangement *a, const struct plan_arrange_args *args,
			 bool any_moved)
{
	if (!same_shape(a, args, any_moved)) {
		write_all(a, args);
		return false;
	}
	for (size_t i = 0; i < args->n_made; i++)
		write_fragment(a, args->made[i].number, args->fragments[args->made[i].number]);
	return true;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void arrange_order(struct plan_order *o, const struct kind *k, const bool *is_made,
			  const struct plan_arrange_args *args)
{
	if (is_made) {
		replace_all(o, k, args, is_made);
		return;
	}
	for (size_t i = 0; i < args->n_made; i++)
		replace(o, k, &args->made[i], args->fragments[args->made[i].number]);
}

static bool any_moved(const struct plan_arrangement *a, const uint32_t *moved)
{
	for (size_t i = 0; moved && i < a->n; i++)
		if (moved[i] != i)
			return true;
	return false;
}

bool plan_arrange(struct plan_arrangement *a, const struct plan_arrange_args *args)
{
	const bool many = args->n_made > FEW(args->n), moved = any_moved(a, args->moved);
	_cleanup_(freep) bool *is_made = many ? xcalloc(args->n, sizeof(*is_made)) : NULL;

	for (size_t i = 0; many && i < args->n_made; i++)
		is_made[args->made[i].number] = true;
	if (moved) {
		renumber(&a->ports, &port_kind, args->moved);
		renumber(&a->by_prefix, &prefix_kind, args->moved);
		renumber(&a->by_vip, &vip_kind, args->moved);
	}
	arrange_order(&a->ports, &port_kind, is_made, args);
	arrange_order(&a->by_prefix, &prefix_kind, is_made, args);
	arrange_order(&a->by_vip, &vip_kind, is_made, args);
	assert(a->by_vip.n <= a->by_prefix.n); /* each has a claim at least */
	return arrange_rows(a, args, moved);
}

void plan_arrangement_clear(struct plan_arrangement *a)
{
	a->ports.n = a->by_prefix.n = a->by_vip.n = a->n = a->n_rows = 0;
}

void plan_arrangement_done(struct plan_arrangement *a)
{
	free(a->ports.items);
	free(a->by_prefix.items);
	free(a->by_vip.items);
	free(a->rows);
	free(a->first_row);
	free(a->marks);
	*a = (struct plan_arrangement){0};
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Divides the address space among the pools: each address to the oldest pool that holds it. All
 * ends of all ranges cut the space into cells; the pools then take cells, oldest first, and a
 * union-find leads past those that are taken. So n ranges cost n log n, however they overlap.
 *
 * The families are apart and in the order of ip_addr_cmp: a point has one more byte in front, also
 * so that the end of the space has a successor.
 */
#include "plan/ipam_pools.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct point {
	uint8_t b[17];
};

struct cells {
	struct point *starts;             /* sorted; a cell reaches to the next one's start */
	const struct ipam_piece **owners; /* NULL: nobody's */
	size_t *next;                     /* union-find: leads to the first that is nobody's */
	size_t n;
};

static int cmp_point(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct point));
}

static struct point point_of(const struct ip_addr *a)
{
	struct point ret = {.b = {ip_addr_is_v4(a) ? 0 : 2}};

	memcpy(ret.b + 1, a->b, sizeof(a->b));
	return ret;
}

/* Of IPv6 the part that stands for IPv4, where no range of it begins or ends: before it, behind. */
static const uint8_t mapped_before[] = {2, 0, 0,    0,    0,    0,    0,    0,   0,
					0, 0, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff};
static const uint8_t mapped_behind[] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
_Static_assert(sizeof(mapped_before) == sizeof(struct point), "");
_Static_assert(sizeof(mapped_behind) == sizeof(struct point), "");

static struct point point_after(const struct ip_addr *a)
{
	struct point ret = point_of(a);

	if (memcmp(&ret, mapped_before, sizeof(ret)) == 0)
		memcpy(&ret, mapped_behind, sizeof(ret));
	else
		for (size_t i = sizeof(ret.b); i-- > 0 && ++ret.b[i] == 0;)
			;
	return ret;
}

static struct ip_addr addr_before(const struct point *p)
{
	struct point before = *p;
	struct ip_addr ret;

	if (memcmp(p, mapped_behind, sizeof(*p)) == 0)
		memcpy(&before, mapped_before, sizeof(before));
	else
		for (size_t i = sizeof(before.b); i-- > 0 && before.b[i]-- == 0;)
			;
	memcpy(ret.b, before.b + 1, sizeof(ret.b));
	return ret;
}

static size_t cell_at(const struct cells *c, const struct point *p)
{
	return plan_lower_bound(p, c->starts, c->n, sizeof(*c->starts), cmp_point);
}

static size_t first_free(const struct cells *c, size_t i)
{
	while (c->next[i] != i) {
		c->next[i] = c->next[c->next[i]];
		i = c->next[i];
	}
	return i;
}

static void note(const struct ipam_piece *owner, const struct ipam_piece *range,
		 const struct ipam_pool **ret_older, bool *ret_more)
{
	if (!owner || owner->pool == range->pool || owner->pool == *ret_older)
		return;
	if (*ret_older)
		*ret_more = true;
	else
		*ret_older = owner->pool;
}

/* Takes what is nobody's yet; of the runs of cells that are somebody's one owner each is noted. */
static void take(struct cells *c, const struct ipam_piece *range,
		 const struct ipam_pool **ret_older, bool *ret_more)
{
	const struct point first = point_of(&range->span.first);
	const struct point end = point_after(&range->span.last);
	const size_t from = cell_at(c, &first), to = cell_at(c, &end);

	assert(from < to && to < c->n); /* its ends are among those that cut the space */
	note(c->owners[from], range, ret_older, ret_more);
	for (size_t i = first_free(c, from); i < to; i = first_free(c, i + 1)) {
		if (i > from)
			note(c->owners[i - 1], range, ret_older, ret_more);
		c->owners[i] = range;
		c->next[i] = i + 1;
	}
	note(c->owners[to - 1], range, ret_older, ret_more);
}

/* The oldest pool that has any of them already; NULL: they are all free. */
static const struct ipam_pool *taken_by(struct cells *c, const struct ipam_pool *p)
{
	const struct ipam_pool *ret = NULL;

	for (size_t i = 0; i < p->n_ranges; i++) {
		const struct point first = point_of(&p->ranges[i].span.first);
		const struct point end = point_after(&p->ranges[i].span.last);

		for (size_t k = cell_at(c, &first); k < cell_at(c, &end); k++)
			if (c->owners[k] && (!ret || c->owners[k]->pool->age < ret->age))
				ret = c->owners[k]->pool;
	}
	return ret;
}

/* As MetalLB's webhook refuses it. */
static void refuse(const struct ipam_pool *p, const struct ipam_pool *older,
		   struct problems *problems)
{
	object_problem(problems, SEVERITY_ERROR, p->object, "spec.addresses", "OverlapsWith",
		       "give each address to one pool",
		       "overlaps with the older pool %s; it is not used (strict)", older->name);
}

static void take_all(struct cells *c, const struct ipam_pool *p, struct problems *problems)
{
	const struct ipam_pool *older = NULL;
	bool more = false;

	for (size_t i = 0; i < p->n_ranges; i++)
		take(c, &p->ranges[i], &older, &more);
	if (older)
		object_problem(problems, SEVERITY_WARNING, p->object, "spec.addresses",
			       "OverlapsWith", "give each address to one pool",
			       "overlaps with the older pool %s%s, which keeps what they share",
			       older->name, more ? ", and with others" : "");
}

static struct cells make_cells(const struct ipam_pools *pools, struct arena *arena)
{
	struct cells c = {0};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < pools->n; i++)
		n += 2 * pools->items[i].n_ranges;
	c.starts = arena_array_of(arena, n, struct point);
	for (size_t i = 0; i < pools->n; i++)
		for (size_t k = 0; k < pools->items[i].n_ranges; k++) {
			c.starts[at++] = point_of(&pools->items[i].ranges[k].span.first);
			c.starts[at++] = point_after(&pools->items[i].ranges[k].span.last);
		}
	assert(at == n);
	c.n = plan_sort_unique(c.starts, n, sizeof(*c.starts), cmp_point);
	c.owners = arena_array_of(arena, c.n, const struct ipam_piece *);
	c.next = arena_array_of(arena, c.n, size_t);
	for (size_t i = 0; i < c.n; i++)
		c.next[i] = i;
	return c;
}

/* Cells of one range that follow one another are one piece. */
static void make_pieces(const struct cells *c, struct ipam_pools *pools, struct arena *arena)
{
	struct ipam_piece *pieces = arena_array_of(arena, c->n, struct ipam_piece);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!c->owners[i])
			continue;
		assert(i + 1 < c->n);
		if (i == 0 || c->owners[i - 1] != c->owners[i]) {
			pieces[n] = *c->owners[i];
			memcpy(pieces[n++].span.first.b, c->starts[i].b + 1,
			       sizeof(struct ip_addr));
		}
		pieces[n - 1].span.last = addr_before(&c->starts[i + 1]);
	}
	pools->pieces = pieces;
	pools->n_pieces = n;
}

static int cmp_allocation(const void *a, const void *b)
{
	const struct ipam_piece *x = a, *y = b;
	const int family = (int)ip_family_of(&x->span.first) - (int)ip_family_of(&y->span.first);

	if (x->pool != y->pool)
		return x->pool->age < y->pool->age ? -1 : 1;
	if (family)
		return family;
	if (x->range != y->range)
		return x->range < y->range ? -1 : 1;
	return ip_addr_cmp(&x->span.first, &y->span.first);
}

static void hand_out(struct ipam_pools *pools, struct arena *arena)
{
	const size_t n = pools->n_pieces;
	struct ipam_piece *all = arena_memdup(arena, pools->pieces, n * sizeof(struct ipam_piece));

	if (n)
		qsort(all, n, sizeof(*all), cmp_allocation);
	for (size_t i = 0; i < n; i++) {
		struct ipam_space *s = &all[i].pool->spaces[ip_family_of(&all[i].span.first)];

		if (!s->pieces)
			s->pieces = &all[i];
		assert(&s->pieces[s->n_pieces] == &all[i]); /* side by side */
		s->n_pieces++;
	}
}

void ipam_pools_divide(struct ipam_pools *pools, bool strict, struct arena *arena,
		       struct problems *problems)
{
	struct cells c = make_cells(pools, arena);

	for (size_t i = 0; i < pools->n; i++) {
		const struct ipam_pool *older = strict ? taken_by(&c, &pools->items[i]) : NULL;

		if (older)
			refuse(&pools->items[i], older, problems);
		else
			take_all(&c, &pools->items[i], problems);
	}
	make_pieces(&c, pools, arena);
	hand_out(pools, arena);
}

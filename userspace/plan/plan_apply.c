// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The two sinks whose operations can be said without a syscall: the data plane store behind its
 * vtable, and the peers' Adj-RIBs-Out. Each is one merge-diff; what fails stays in the next diff.
 * Frontends: each VIP before its frontends, each of these tested once it is written; deletions
 * afterwards, each VIP last, and it stays as long as one of its frontends could not be deleted. The
 * diff is a list of steps first, so that it can be gone on with in the next turn.
 */
#include "plan/sink.h"

#include "base/sorted.h"
#include "bgp/bgp_rib.h"
#include "plan/plan_zones.h"

#include <assert.h>
#include <errno.h>

/* --- frontends ------------------------------------------------------------------------------ */

enum rank { RANK_CHANGE, RANK_NEW, RANK_GONE };

struct plan_apply_step {
	enum { STEP_PUT, STEP_TEST, STEP_DEL } op;
	enum rank rank;
	const struct plan_frontend *want; /* NULL with STEP_DEL */
	struct lb_key key;
};

/* What the diff has found. */
struct finding {
	struct arena *arena;
	struct plan_apply_step *steps; /* by key */
	size_t n, cap;
	struct lb_key new_vip; /* the last; none: all zero */
};

static bool is_vip(const struct lb_key *key)
{
	return key->port == 0 && key->proto == 0;
}

static bool same_vip(const struct lb_key *a, const struct lb_key *b)
{
	const struct plan_vip x = plan_vip_of(a), y = plan_vip_of(b);

	return plan_vip_equal(&x, &y);
}

static int cmp_frontend(const void *want, const void *have)
{
	const struct plan_frontend *w = want;
	const struct lb_actual *h = have;

	return lb_key_cmp(&w->lb.key, &h->key);
}

static bool same_frontend(const void *want, const void *have)
{
	const struct plan_frontend *w = want;
	const struct lb_actual *h = have;

	if (w->hold)
		return h->tested || w->leaving || is_vip(&h->key);
	return lb_actual_is(h, &w->lb) && (h->tested || w->leaving || is_vip(&h->key));
}

/* A frontend that is there while its VIP is not comes after the VIP, as a new one does. */
static void find_step(struct finding *f, const struct diff_step *s)
{
	const struct plan_frontend *want = s->want;
	const struct lb_actual *have = s->have;
	struct plan_apply_step *step;

	if (s->op == DIFF_ADD && want->hold)
		return;
	assert(s->op == DIFF_ADD || have);
	step = arena_push(f->arena, &f->steps, &f->n, &f->cap, sizeof(*step));
	step->want = want;
	step->key = want ? want->lb.key : have->key;
	step->rank = RANK_NEW;
	if (s->op == DIFF_ADD && is_vip(&step->key))
		f->new_vip = step->key;
	if (s->op == DIFF_DELETE) {
		step->op = STEP_DEL;
		step->rank = RANK_GONE;
	} else if (s->op == DIFF_CHANGE && (want->hold || lb_actual_is(have, &want->lb))) {
		step->op = STEP_TEST;
	} else {
		step->op = STEP_PUT;
		if (s->op == DIFF_CHANGE && !same_vip(&step->key, &f->new_vip))
			step->rank = RANK_CHANGE;
	}
}

/* From the one where the last apply stopped to the end, then those before it. */
static void put_rank_in_order(struct plan_apply *a, const struct finding *f, enum rank rank)
{
	for (int before = 0; before < 2; before++)
		for (size_t i = 0; i < f->n; i++)
			if (f->steps[i].rank == rank &&
			    (lb_key_cmp(&f->steps[i].key, &a->from) < 0) == before)
				a->steps[a->n_steps++] = f->steps[i];
}

/*
 * Within an address the VIP sorts first: before its frontends forwards, after them backwards.
 */
static void put_in_order(struct plan_apply *a, const struct finding *f)
{
	put_rank_in_order(a, f, RANK_CHANGE);
	put_rank_in_order(a, f, RANK_NEW);
	for (size_t i = f->n; i-- > 0;)
		if (f->steps[i].rank == RANK_GONE)
			a->steps[a->n_steps++] = f->steps[i];
}

void plan_apply_begin(struct plan_apply *a, const struct plan_stirred *stirred,
		      const struct lb_store *store, struct arena *arena)
{
	struct finding found = {.arena = arena};
	struct diff_step step;
	struct diff diff = {
		.want = {stirred->frontends, stirred->n_frontends, sizeof(*stirred->frontends)},
		.have = {stirred->stored, stirred->n_stored, sizeof(*stirred->stored)},
		.cmp = cmp_frontend,
		.same = same_frontend,
	};

	while (diff_next(&diff, &step))
		find_step(&found, &step);
	assert(found.n <= stirred->n_frontends + stirred->n_stored);
	*a = (struct plan_apply){.store = *store, .from = a->from};
	a->steps = arena_array_of(arena, found.n, struct plan_apply_step);
	put_in_order(a, &found);
}

static bool note(struct plan_apply *a, const struct lb_key *key, int r)
{
	assert(r <= 0); /* what a store needs more room for is its own affair */
	if (r == 0) {
		a->result.n_done++;
		return true;
	}
	if (a->result.n_failed++ == 0) {
		a->result.first_error = r;
		a->result.first_key = *key;
	}
	return false;
}

/* A frontend whose VIP could not be put waits for it. False: not in this turn. */
static bool write_frontend(struct plan_apply *a, nsec_t now, struct plan_apply_step *s)
{
	const struct lb_store *store = &a->store;
	int r;

	if (same_vip(&s->key, &a->stuck))
		return true;
	if (s->op == STEP_PUT) {
		r = store->ops->put(store->ctx, now, &s->want->lb);
		if (r == -EINPROGRESS)
			return false;
		if (!note(a, &s->key, r)) {
			if (is_vip(&s->key))
				a->stuck = s->key;
			return true;
		}
		s->op = STEP_TEST; /* what is left of it */
	}
	if (is_vip(&s->key) || s->want->leaving)
		return true;
	r = store->ops->test(store->ctx, now, &s->key);
	if (r == -EINPROGRESS)
		return false;
	(void)note(a, &s->key, r);
	return true;
}

/* A VIP one of whose frontends could not be deleted waits for it. False: not in this turn. */
static bool delete_frontend(struct plan_apply *a, nsec_t now, const struct plan_apply_step *s)
{
	int r;

	if (is_vip(&s->key) && same_vip(&s->key, &a->stuck))
		return true;
	r = a->store.ops->del(a->store.ctx, now, &s->key);
	if (r == -EINPROGRESS)
		return false;
	if (!note(a, &s->key, r))
		a->stuck = s->key;
	return true;
}

void plan_apply_go_on(struct plan_apply *a, nsec_t now)
{
	for (; a->at < a->n_steps; a->at++) {
		struct plan_apply_step *s = &a->steps[a->at];

		if (a->at > 0 && s[-1].rank != s->rank)
			a->stuck = (struct lb_key){0};
		if (s->op == STEP_DEL ? !delete_frontend(a, now, s) : !write_frontend(a, now, s))
			break;
	}
	assert(!a->result.n_failed == !a->result.first_error);
	a->from = (struct lb_key){0};
	if (!plan_apply_is_over(a)) {
		a->from.addr = a->steps[a->at].key.addr;
		a->from.domain = a->steps[a->at].key.domain;
	}
}

/* --- routes --------------------------------------------------------------------------------- */

/* A set of the rib and one of the plan that were found equal: mostly all routes have the same. */
struct same_sets {
	const struct bgp_attrs *rib, *plan;
};

static bool is_same_set(struct same_sets *s, const struct bgp_attrs *rib,
			const struct bgp_attrs *plan)
{
	if (s->rib == rib && s->plan == plan)
		return true;
	if (!rib || bgp_attrs_cmp(rib, plan) != 0)
		return false;
	*s = (struct same_sets){.rib = rib, .plan = plan};
	return true;
}

struct route_change {
	struct ip_prefix prefix;
	const struct bgp_attrs *attrs; /* NULL: it goes */
};
struct route_changes {
	struct arena *arena;
	struct route_change *items;
	size_t n, cap;
};

static void change(struct route_changes *c, const struct ip_prefix *prefix,
		   const struct bgp_attrs *attrs)
{
	*(struct route_change *)arena_push(c->arena, &c->items, &c->n, &c->cap, sizeof(*c->items)) =
		(struct route_change){*prefix, attrs};
}

/* What is looked at: rows of the plan, and routes of the rib. */
struct span {
	size_t row, end;              /* of rows */
	size_t pos;                   /* in the rib */
	const struct ip_prefix *zone; /* beyond which none is looked at; NULL: all are */
};

static const struct plan_route *next_row(const struct plan *plan, size_t peer, struct span *s)
{
	while (s->row < s->end) {
		const struct plan_route *row = &plan->routes[s->row++];

		if (row->peers >> peer & 1)
			return row;
	}
	return NULL;
}

static bool next_route(const struct bgp_rib *rib, struct span *s, struct bgp_rib_route *ret)
{
	return bgp_rib_next(rib, &s->pos, ret) &&
	       (!s->zone || ip_prefix_has(s->zone, &ret->prefix.addr));
}

/* A merge of two sorted walks; the rib may not change while it is walked through. */
static void find_changes(const struct plan *plan, size_t peer, const struct bgp_rib *rib,
			 struct span span, struct route_changes *c)
{
	const struct plan_route *row = next_row(plan, peer, &span);
	struct bgp_rib_route route;
	bool more = next_route(rib, &span, &route);
	struct same_sets same = {0};

	while (row || more) {
		const int cmp = !row ? 1 : !more ? -1 : ip_prefix_cmp(&row->prefix, &route.prefix);

		if (cmp > 0 && route.desired)
			change(c, &route.prefix, NULL);
		else if (cmp <= 0 && !row->hold &&
			 (cmp < 0 || !is_same_set(&same, route.desired, &plan->attrs[row->attrs])))
			change(c, &row->prefix, &plan->attrs[row->attrs]);
		if (cmp <= 0)
			row = next_row(plan, peer, &span);
		if (cmp >= 0)
			more = next_route(rib, &span, &route);
	}
}

/* Of two generations that follow each other the rest is the same. */
static void find_changes_in_zones(const struct plan *plan, size_t peer, const struct bgp_rib *rib,
				  struct route_changes *c)
{
	const struct plan_addressed rows =
		PLAN_ADDRESSED(plan->routes, plan->n_routes, prefix.addr);

	for (size_t i = 0; i < plan->n_changed; i++) {
		struct span span = {.zone = &plan->changed[i]};

		span.row = plan_zone_find(&rows, span.zone, &span.end);
		span.end += span.row;
		span.pos = bgp_rib_from(rib, span.zone);
		find_changes(plan, peer, rib, span, c);
	}
}

uint64_t plan_apply_routes(const struct plan *plan, size_t peer, struct bgp_rib *rib, uint64_t has)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct route_changes c = {.arena = arena};
	bool all = true;

	assert(peer < 8 * sizeof(plan->routes->peers));
	if (has != 0 && has == plan->routes_generation)
		return has;
	if (has != 0 && has + 1 == plan->routes_generation && plan->changed)
		find_changes_in_zones(plan, peer, rib, &c);
	else
		find_changes(plan, peer, rib, (struct span){.end = plan->n_routes}, &c);
	for (size_t i = 0; i < c.n; i++) {
		if (!c.items[i].attrs)
			bgp_rib_del(rib, &c.items[i].prefix);
		else
			all &= bgp_rib_set(rib, &c.items[i].prefix, c.items[i].attrs);
	}
	return all ? plan->routes_generation : 0;
}

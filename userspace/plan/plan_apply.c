// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The two sinks whose operations can be said without a syscall: the data plane store behind its
 * vtable, and the peers' Adj-RIBs-Out. Each is one merge-diff; what fails stays in the next diff.
 * Frontends: each VIP before its frontends, each of these tested once it is written; deletions
 * afterwards, each VIP last, and it stays as long as one of its frontends could not be deleted.
 */
#include "plan/sink.h"

#include "base/sorted.h"
#include "bgp/bgp_rib.h"

#include <assert.h>

/* --- frontends ------------------------------------------------------------------------------ */

struct frontend_step {
	enum { STEP_PUT, STEP_TEST, STEP_DEL } op;
	const struct plan_frontend *want; /* NULL with STEP_DEL */
	struct lb_key key;
};

struct frontends_apply {
	const struct lb_store *store;
	nsec_t now;
	struct frontend_step *steps;
	size_t n_steps, cap_steps;
	struct plan_apply_result result;
	struct lb_key stuck; /* the last that could not be put or deleted; none: all zero */
};

static bool is_vip(const struct lb_key *key)
{
	return key->port == 0 && key->proto == 0;
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
	return w->lb.table == h->table && w->lb.flags == h->flags && (h->tested || is_vip(&h->key));
}

static void plan_step(struct frontends_apply *a, struct arena *scratch, const struct diff_step *s)
{
	const struct plan_frontend *want = s->want;
	const struct lb_actual *have = s->have;
	struct frontend_step *step;

	if (s->op == DIFF_ADD && want->hold)
		return;
	assert(s->op == DIFF_ADD || have);
	step = arena_push(scratch, &a->steps, &a->n_steps, &a->cap_steps, sizeof(*step));
	step->want = want;
	step->key = want ? want->lb.key : have->key;
	if (s->op == DIFF_DELETE)
		step->op = STEP_DEL;
	else if (s->op == DIFF_CHANGE &&
		 (want->hold || (want->lb.table == have->table && want->lb.flags == have->flags)))
		step->op = STEP_TEST;
	else
		step->op = STEP_PUT;
}

static bool note(struct frontends_apply *a, const struct lb_key *key, int r)
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

static bool same_vip(const struct lb_key *a, const struct lb_key *b)
{
	const struct plan_vip x = plan_vip_of(a), y = plan_vip_of(b);

	return plan_vip_equal(&x, &y);
}

/* A frontend whose VIP could not be put waits for it. */
static void write_frontend(struct frontends_apply *a, const struct frontend_step *s)
{
	const struct lb_store *store = a->store;

	if (same_vip(&s->key, &a->stuck))
		return;
	if (s->op == STEP_PUT &&
	    !note(a, &s->key, store->ops->put(store->ctx, a->now, &s->want->lb))) {
		if (is_vip(&s->key))
			a->stuck = s->key;
		return;
	}
	if (!is_vip(&s->key))
		(void)note(a, &s->key, store->ops->test(store->ctx, a->now, &s->key));
}

/* A VIP one of whose frontends could not be deleted waits for it. */
static void delete_frontend(struct frontends_apply *a, const struct frontend_step *s)
{
	if (is_vip(&s->key) && same_vip(&s->key, &a->stuck))
		return;
	if (!note(a, &s->key, a->store->ops->del(a->store->ctx, a->now, &s->key)))
		a->stuck = s->key;
}

struct plan_apply_result plan_apply_frontends(const struct plan *plan, const struct lb_store *store,
					      nsec_t now, struct arena *scratch)
{
	struct frontends_apply a = {.store = store, .now = now};
	const struct lb_actual *have;
	struct diff_step step;
	struct diff diff = {
		.want = {plan->frontends, plan->n_frontends, sizeof(*plan->frontends)},
		.cmp = cmp_frontend,
		.same = same_frontend,
	};
	size_t n_have;

	store->ops->dump(store->ctx, scratch, &have, &n_have);
	diff.have = (struct diff_side){have, n_have, sizeof(*have)};
	while (diff_next(&diff, &step))
		plan_step(&a, scratch, &step);
	assert(a.n_steps <= plan->n_frontends + n_have);
	/* Within an address the VIP sorts first: before its frontends forwards, after them
	 * backwards. */
	for (size_t i = 0; i < a.n_steps; i++)
		if (a.steps[i].op != STEP_DEL)
			write_frontend(&a, &a.steps[i]);
	a.stuck = (struct lb_key){0};
	for (size_t i = a.n_steps; i-- > 0;)
		if (a.steps[i].op == STEP_DEL)
			delete_frontend(&a, &a.steps[i]);
	assert(!a.result.n_failed == !a.result.first_error);
	return a.result;
}

/* --- routes --------------------------------------------------------------------------------- */

static int cmp_route(const void *want, const void *have)
{
	const struct plan_route *const *w = want;

	return ip_prefix_cmp(&(*w)->prefix, have);
}

/* The rib compares attributes itself: setting the same again does nothing. */
static bool never_same(const void *want, const void *have)
{
	(void)want;
	(void)have;
	return false;
}

static struct ip_prefix *read_rib(const struct bgp_rib *rib, struct arena *arena, size_t *ret_n)
{
	struct ip_prefix *items = NULL;
	struct bgp_rib_route route;
	size_t cap = 0, pos = 0;

	*ret_n = 0;
	while (bgp_rib_next(rib, &pos, &route)) {
		if (route.desired)
			*(struct ip_prefix *)arena_push(arena, &items, ret_n, &cap,
							sizeof(*items)) = route.prefix;
	}
	return items;
}

static const struct plan_route **rows_of(const struct plan *plan, size_t peer, struct arena *arena,
					 size_t *ret_n)
{
	const struct plan_route **rows =
		arena_array_of(arena, plan->n_routes, const struct plan_route *);
	size_t n = 0;

	for (size_t i = 0; i < plan->n_routes; i++)
		if (plan->routes[i].peers >> peer & 1)
			rows[n++] = &plan->routes[i];
	*ret_n = n;
	return rows;
}

void plan_apply_routes(const struct plan *plan, size_t peer, struct bgp_rib *rib)
{
	struct arena *arena = arena_new();
	size_t n_want, n_have;
	const struct plan_route **want = rows_of(plan, peer, arena, &n_want);
	struct ip_prefix *have = read_rib(rib, arena, &n_have);
	struct diff diff = {
		.want = {want, n_want, sizeof(const struct plan_route *)},
		.have = {have, n_have, sizeof(*have)},
		.cmp = cmp_route,
		.same = never_same,
	};
	struct diff_step step;

	assert(peer < 8 * sizeof(plan->routes->peers));
	while (diff_next(&diff, &step)) {
		const struct plan_route *const *row = step.want;

		if (!row)
			bgp_rib_del(rib, step.have);
		else if (!(*row)->hold)
			/* Past the rib's limit the route stays out; the session shows the count. */
			(void)!bgp_rib_set(rib, &(*row)->prefix, &plan->attrs[(*row)->attrs]);
	}
	arena_free(arena);
}

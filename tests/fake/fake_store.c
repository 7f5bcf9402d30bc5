// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Errors are -EIO, as from a map that refuses; a failed call changes nothing.
 */
#include "fake/fake_store.h"

#include "base/sorted.h"
#include "lb/lb_far.h"

#include <assert.h>
#include <errno.h>

void fake_store_turn(struct fake_store *s)
{
	s->left = s->per_turn;
	if (s->far_left > 0 && --s->far_left == 0)
		s->has_far = !s->refuses_far;
}

/* 0: they are there; -EINPROGRESS: soon; another -errno: refused. */
static int need_far(struct fake_store *s)
{
	if (s->has_far)
		return 0;
	if (s->far_left == 0 && s->refuses_far)
		return -E2BIG;
	if (s->far_left == 0)
		s->far_left = s->far_turns;
	s->has_far = s->far_left == 0;
	return s->has_far ? 0 : -EINPROGRESS;
}

static bool has_far_frontend(const struct fake_store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct lb_frontend f = {.flags = s->items[i].flags,
					      .targets = s->items[i].targets,
					      .n_targets = s->items[i].n_targets};

		if (lb_frontend_is_far(&f))
			return true;
	}
	return false;
}

void fake_store_adopt(struct fake_store *s)
{
	s->has_far = has_far_frontend(s);
	s->far_left = 0;
}

bool fake_store_leads_nowhere(const struct fake_store *s)
{
	return !s->has_far && has_far_frontend(s);
}

/* The turn's share is used up. */
static bool is_later(struct fake_store *s)
{
	if (s->per_turn == 0)
		return false;
	if (s->left == 0)
		return true;
	s->left--;
	return false;
}

static bool call_fails(struct fake_store *s)
{
	s->n_calls++;
	return s->n_calls == s->fail_at || (s->fail_every && s->n_calls % s->fail_every == 0);
}

struct fake_frontend *fake_store_find(struct fake_store *s, const struct lb_key *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (lb_key_cmp(&s->items[i].key, key) == 0)
			return &s->items[i];
	return NULL;
}

static struct fake_frontend *insert(struct fake_store *s, const struct lb_key *key)
{
	struct fake_frontend made = {.key = *key};
	size_t i;

	(void)xpush(&s->items, &s->n, &s->cap, sizeof(*s->items));
	for (i = s->n - 1; i > 0 && lb_key_cmp(&s->items[i - 1].key, key) > 0; i--)
		s->items[i] = s->items[i - 1];
	s->items[i] = made;
	return &s->items[i];
}

static int fake_put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	const struct lb_key vip = {.addr = f->key.addr, .domain = f->key.domain};
	struct fake_store *s = ctx;
	struct fake_frontend *have;
	int far;

	(void)now;
	if (is_later(s))
		return -EINPROGRESS;
	if (call_fails(s))
		return -EIO;
	far = lb_frontend_is_far(f) ? need_far(s) : 0;
	if (far != 0)
		return far;
	assert(f->key.port == 0 || !(f->flags & LB_F_TUNNEL) == (f->table != 0));
	assert(!(f->flags & LB_F_AFFINITY) == !f->affinity_s);
	for (size_t i = 1; i < f->n_targets; i++)
		assert(lb_target_cmp(&f->targets[i - 1], &f->targets[i]) < 0);
	if (f->key.port != 0 && !(f->flags & LB_F_TUNNEL) && !fake_store_find(s, &vip))
		s->n_orphans++;
	have = fake_store_find(s, &f->key);
	if (!have)
		have = insert(s, &f->key);
	free(have->targets);
	have->targets = xcalloc(f->n_targets + 1, sizeof(*have->targets));
	if (f->n_targets)
		memcpy(have->targets, f->targets, f->n_targets * sizeof(*have->targets));
	have->n_targets = f->n_targets;
	have->table = f->table;
	have->flags = f->flags;
	have->seed = f->seed;
	have->rows_log2 = f->rows_log2;
	have->ranges_name = f->ranges_name;
	have->limit = f->limit;
	have->tested = have->idle = false;
	return 0;
}

static int fake_del(void *ctx, nsec_t now, const struct lb_key *key)
{
	const struct plan_vip vip = plan_vip_of(key);
	struct fake_store *s = ctx;
	struct fake_frontend *have;

	(void)now;
	if (is_later(s))
		return -EINPROGRESS;
	if (call_fails(s))
		return -EIO;
	have = fake_store_find(s, key);
	assert(have);
	/* A VIP goes after all of its frontends. */
	for (size_t i = 0; key->port == 0 && i < s->n; i++) {
		const struct plan_vip other = plan_vip_of(&s->items[i].key);

		assert(&s->items[i] == have || !plan_vip_equal(&other, &vip));
	}
	free(have->targets);
	for (; have + 1 < s->items + s->n; have++)
		have[0] = have[1];
	s->n--;
	return 0;
}

static int fake_test(void *ctx, nsec_t now, const struct lb_key *key)
{
	struct fake_store *s = ctx;
	struct fake_frontend *have = fake_store_find(s, key);

	(void)now;
	if (is_later(s))
		return -EINPROGRESS;
	if (call_fails(s) || s->fail_tests)
		return -EIO;
	assert(have && key->port != 0);
	have->tested = true;
	return 0;
}

static void fake_dump(void *ctx, struct arena *arena, const struct lb_actual **ret, size_t *ret_n)
{
	const struct fake_store *s = ctx;
	struct lb_actual *items = arena_array_of(arena, s->n, struct lb_actual);

	for (size_t i = 0; i < s->n; i++) {
		const struct fake_frontend *f = &s->items[i];

		items[i] = (struct lb_actual){
			.key = f->key,
			.table = f->table,
			.flags = f->flags,
			.seed = f->seed,
			.rows_log2 = f->rows_log2,
			.ranges_name = f->ranges_name,
			.limit = f->limit,
			.tested = f->tested,
			.idle = f->idle,
			.targets =
				arena_memdup(arena, f->targets, f->n_targets * sizeof(*f->targets)),
			.n_targets = f->n_targets,
		};
	}
	*ret = items;
	*ret_n = s->n;
}

int fake_store_rates(struct fake_store *s, const struct plan *plan)
{
	bool same = s->n_rates == plan->n_rates;

	for (size_t i = 0; same && i < s->n_rates; i++)
		same = plan_vip_equal(&s->rates[i].vip, &plan->rates[i].vip) &&
		       s->rates[i].packets == plan->rates[i].packets;
	if (same)
		return 0;
	if (call_fails(s))
		return -EIO;
	assert(plan->n_rates <= FAKE_RATES_MAX);
	for (size_t i = 0; i < plan->n_rates; i++)
		s->rates[i] = plan->rates[i];
	s->n_rates = plan->n_rates;
	return 1;
}

int fake_store_discards(struct fake_store *s, const struct plan *plan)
{
	bool same = s->n_discards == plan->n_discards;

	for (size_t i = 0; same && i < s->n_discards; i++)
		same = lb_discard_cmp(&s->discards[i], &plan->discards[i].what) == 0;
	if (same)
		return 0;
	if (call_fails(s))
		return -EIO;
	assert(plan->n_discards <= FAKE_DISCARDS_MAX);
	for (size_t i = 0; i < plan->n_discards; i++)
		s->discards[i] = plan->discards[i].what;
	s->n_discards = plan->n_discards;
	return 1;
}

static int cmp_actual(const void *a, const void *b)
{
	const struct lb_actual *x = a, *y = b;

	return lb_key_cmp(&x->key, &y->key);
}

static bool same_actual(const void *a, const void *b)
{
	const struct lb_actual *x = a, *y = b;

	return x->table == y->table && x->flags == y->flags && x->tested == y->tested &&
	       x->idle == y->idle && x->n_targets == y->n_targets &&
	       memcmp(x->targets, y->targets, x->n_targets * sizeof(*x->targets)) == 0;
}

void fake_store_look(struct fake_store *s, struct arena *arena, struct plan_actual *ret)
{
	struct arena *seen_arena = arena_new();
	struct lb_key *touched = arena_array_of(arena, s->n + s->n_seen, struct lb_key);
	struct diff_step step;
	struct diff diff = {.have = {s->seen, s->n_seen, sizeof(*s->seen)},
			    .cmp = cmp_actual,
			    .same = same_actual};

	fake_dump(s, arena, &ret->frontends, &ret->n_frontends);
	diff.want = (struct diff_side){ret->frontends, ret->n_frontends, sizeof(*ret->frontends)};
	ret->touched = touched;
	while (diff_next(&diff, &step)) {
		const struct lb_actual *item = step.want ? step.want : step.have;

		touched[ret->n_touched++] = item->key;
	}
	ret->since = s->generation++;
	ret->generation = s->generation;
	fake_dump(s, seen_arena, &s->seen, &s->n_seen);
	arena_free(s->seen_arena);
	s->seen_arena = seen_arena;
}

struct lb_store fake_store_ops(struct fake_store *s)
{
	static const struct lb_store_ops ops = {
		.put = fake_put, .del = fake_del, .test = fake_test, .dump = fake_dump};

	return (struct lb_store){.ops = &ops, .ctx = s};
}

void fake_store_apply(struct fake_store *s, const struct plan *plan, struct plan_apply *apply,
		      nsec_t now, struct arena *arena)
{
	const struct lb_store store = fake_store_ops(s);
	const struct lb_actual *have;
	size_t n_have;

	fake_store_turn(s);
	fake_dump(s, arena, &have, &n_have);
	plan_apply_begin(apply,
			 &(struct plan_stirred){plan->frontends, plan->n_frontends, have, n_have},
			 &store, arena);
	plan_apply_go_on(apply, now);
}

void fake_store_done(struct fake_store *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i].targets);
	free(s->items);
	arena_free(s->seen_arena);
	*s = (struct fake_store){0};
}

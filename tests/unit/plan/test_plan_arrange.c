// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_arrange.h: whatever comes, goes and is replaced, in small steps and large ones, the
 * orders are those that are made from nothing; and these are sorted as the header says.
 */
#include "base/rng.h"
#include "plan/plan_arrange.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_NAMES = 64, N_ITEMS = 3, N_STEPS = 300, N_SEEDS = 20 };

/* A fragment and all that it points to. */
struct made {
	struct api_object service;
	char name[8];
	struct plan_fragment fragment;
	struct plan_port ports[N_ITEMS];
	struct plan_claim claims[N_ITEMS];
	struct service_attrs own;
};

struct town {
	struct rng rng;
	struct env_advert adverts[2];
	struct made *slots[N_NAMES]; /* owned; by name; NULL: there is none */
	uint32_t numbers[N_NAMES];   /* in the last arrangement */
	size_t n;                    /* of that */
	struct plan_arrangement kept;
};

/* Few addresses and ports, so that many meet. */
static void fill(struct town *t, struct made *m, size_t slot)
{
	struct plan_fragment *f = &m->fragment;

	(void)snprintf(m->name, sizeof(m->name), "s%02zu", slot);
	m->service.meta = (struct api_meta){.kind = API_SERVICE, .ns = "shop", .name = m->name};
	m->service.meta.created_s = (int64_t)rng_below(&t->rng, 3);
	m->own.service = &m->service;
	*f = (struct plan_fragment){.service = &m->service, .ports = m->ports, .claims = m->claims};
	f->n_ports = rng_below(&t->rng, N_ITEMS + 1);
	f->n_claims = rng_below(&t->rng, N_ITEMS + 1);
	for (size_t i = 0; i < N_ITEMS; i++) {
		const struct ip_addr a = ip_addr_from_v4((uint32_t)rng_below(&t->rng, 6) << 6);

		m->ports[i].lb.key = (struct lb_key){.addr = a, .domain = (uint16_t)(i & 1)};
		m->ports[i].lb.key.port = (uint16_t)rng_below(&t->rng, 4);
		m->claims[i] = (struct plan_claim){
			.prefix = ip_prefix_of(&a, rng_below(&t->rng, 2) ? 24 : 32),
			.vip = {.addr = a},
			.advert = &t->adverts[rng_below(&t->rng, 2)],
			.own = rng_below(&t->rng, 2) ? &m->own : NULL,
		};
	}
}

/* The fragments now and what became of those before. Changed ones have PLAN_GONE as number. */
static void arrange(struct town *t, struct plan_arrangement *ret, bool anew)
{
	const struct plan_fragment *fragments[N_NAMES];
	uint32_t moved[N_NAMES], made[N_NAMES];
	struct plan_arrange_args args = {.fragments = fragments, .moved = moved, .made = made};

	memset(moved, 0xff, sizeof(moved));
	for (size_t i = 0; i < N_NAMES; i++) {
		if (!t->slots[i])
			continue;
		if (anew || t->numbers[i] == PLAN_GONE)
			made[args.n_made++] = (uint32_t)args.n;
		else
			moved[t->numbers[i]] = (uint32_t)args.n;
		fragments[args.n++] = &t->slots[i]->fragment;
	}
	plan_arrange(ret, &args);
}

static void change(struct town *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t slot = rng_below(&t->rng, N_NAMES);

		free(t->slots[slot]);
		t->slots[slot] = NULL;
		t->numbers[slot] = PLAN_GONE;
		if (rng_below(&t->rng, 4) == 0)
			continue;
		t->slots[slot] = xcalloc(1, sizeof(*t->slots[slot]));
		fill(t, t->slots[slot], slot);
	}
}

static void renumber(struct town *t)
{
	t->n = 0;
	for (size_t i = 0; i < N_NAMES; i++)
		if (t->slots[i])
			t->numbers[i] = (uint32_t)t->n++;
}

static void assert_same(const struct plan_order *a, const struct plan_order *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->items[i].fragment, b->items[i].fragment);
		assert_int_equal(a->items[i].item, b->items[i].item);
	}
}

static const struct made *made_at(const struct town *t, uint32_t number)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (t->slots[i] && number-- == 0)
			return t->slots[i];
	return NULL;
}

static void assert_sorted(const struct town *t, const struct plan_arrangement *a)
{
	for (size_t i = 1; i < a->ports.n; i++) {
		const struct plan_place *p = &a->ports.items[i - 1], *q = &a->ports.items[i];
		const struct made *x = made_at(t, p->fragment), *y = made_at(t, q->fragment);
		const int cmp = lb_key_cmp(&x->ports[p->item].lb.key, &y->ports[q->item].lb.key);

		assert_true(cmp <= 0);
		assert_true(cmp < 0 || api_object_age_cmp(&x->service, &y->service) <= 0);
		assert_int_not_equal(y->ports[q->item].lb.key.port, 0);
	}
	for (size_t i = 1; i < a->by_prefix.n; i++) {
		const struct plan_place *p = &a->by_prefix.items[i - 1], *q = p + 1;

		assert_true(plan_claim_cmp(&made_at(t, p->fragment)->claims[p->item],
					   &made_at(t, q->fragment)->claims[q->item]) <= 0);
	}
	for (size_t i = 1; i < a->by_vip.n; i++) {
		const struct plan_place *p = &a->by_vip.items[i - 1], *q = p + 1;
		const struct plan_claim *x = &made_at(t, p->fragment)->claims[p->item];
		const struct plan_claim *y = &made_at(t, q->fragment)->claims[q->item];
		const int cmp = plan_vip_cmp(&x->vip, &y->vip);

		assert_true(cmp < 0 || (cmp == 0 && plan_claim_cmp(x, y) <= 0));
	}
}

static size_t items_of(const struct town *t)
{
	size_t n = 0;

	for (size_t i = 0; i < N_NAMES; i++)
		n += t->slots[i] ? t->slots[i]->fragment.n_claims : 0;
	return n;
}

static void whatever_changed_the_orders_are_those_from_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
		struct town t = {.adverts = {{.age = 0}, {.age = 1}}};

		rng_seed(&t.rng, seed);
		for (size_t i = 0; i < N_NAMES; i++)
			t.numbers[i] = PLAN_GONE;
		for (size_t step = 0; step < N_STEPS; step++) {
			struct plan_arrangement fresh = {0};

			change(&t, rng_below(&t.rng, step % 20 ? 4 : 2 * N_NAMES));
			arrange(&t, &t.kept, false);
			arrange(&t, &fresh, true);
			assert_same(&t.kept.ports, &fresh.ports);
			assert_same(&t.kept.by_prefix, &fresh.by_prefix);
			assert_same(&t.kept.by_vip, &fresh.by_vip);
			assert_sorted(&t, &fresh);
			assert_int_equal(fresh.by_vip.n, items_of(&t));
			plan_arrangement_done(&fresh);
			renumber(&t);
		}
		for (size_t i = 0; i < N_NAMES; i++)
			free(t.slots[i]);
		plan_arrangement_done(&t.kept);
	}
}

static void nothing_is_arranged_after_clearing(void **state)
{
	struct town t = {.adverts = {{.age = 0}, {.age = 1}}};

	(void)state;
	rng_seed(&t.rng, 1);
	change(&t, N_NAMES);
	arrange(&t, &t.kept, true);
	assert_int_not_equal(t.kept.ports.n, 0);
	plan_arrangement_clear(&t.kept);
	arrange(&t, &t.kept, true);
	assert_int_equal(t.kept.by_prefix.n, items_of(&t));
	for (size_t i = 0; i < N_NAMES; i++)
		free(t.slots[i]);
	plan_arrangement_done(&t.kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_changed_the_orders_are_those_from_nothing),
		cmocka_unit_test(nothing_is_arranged_after_clearing),
	};

	return cmocka_run_group_tests_name("plan_arrange", tests, NULL, NULL);
}

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
	struct api_object *service; /* owned; it goes before the fragment does, as in the world */
	char name[8];
	struct plan_fragment fragment;
	struct plan_port ports[N_ITEMS];
	struct plan_claim claims[N_ITEMS];
	struct service_attrs own;
	struct plan_claim_more more;
};

struct town {
	struct rng rng;
	struct env_advert adverts[2];
	const struct env_advert *advert_list[2];
	struct env_group groups[2];
	struct made *slots[N_NAMES];  /* owned; by name; NULL: there is none */
	struct made *before[N_NAMES]; /* owned; as arranged last */
	uint32_t numbers[N_NAMES];    /* of those, in the last arrangement */
	size_t n;
	struct plan_arrangement kept;
};

/* Each of the advertisements is a group of its own. */
static void begin_town(struct town *t, uint64_t seed)
{
	*t = (struct town){.n = 0};
	rng_seed(&t->rng, seed);
	for (size_t i = 0; i < 2; i++) {
		t->adverts[i].age = i;
		t->advert_list[i] = &t->adverts[i];
		t->groups[i] = (struct env_group){.items = &t->advert_list[i], .n = 1};
	}
}

/* Few addresses and ports, so that many meet. */
static void fill(struct town *t, struct made *m, size_t slot)
{
	struct plan_fragment *f = &m->fragment;

	(void)snprintf(m->name, sizeof(m->name), "s%02zu", slot);
	m->service = xcalloc(1, sizeof(*m->service));
	m->service->meta = (struct api_meta){.kind = API_SERVICE, .ns = "shop", .name = m->name};
	m->service->meta.created_s = (int64_t)rng_below(&t->rng, 3);
	m->own.service = m->service;
	m->more.own = &m->own;
	*f = (struct plan_fragment){.service = m->service,
				    .created_s = m->service->meta.created_s,
				    .ports = m->ports,
				    .claims = m->claims};
	f->n_ports = rng_below(&t->rng, N_ITEMS + 1);
	f->n_claims = rng_below(&t->rng, N_ITEMS + 1);
	f->problems.n = rng_below(&t->rng, 8) == 0;
	for (size_t i = 0; i < N_ITEMS; i++) {
		const struct ip_addr a = ip_addr_from_v4((uint32_t)rng_below(&t->rng, 6) << 6);

		m->ports[i].row = (struct plan_service){.ns = "shop", .name = m->name};
		m->ports[i].row.port = (uint16_t)i;
		m->ports[i].lb.key = (struct lb_key){.addr = a, .domain = (uint16_t)(i & 1)};
		m->ports[i].lb.key.port = (uint16_t)rng_below(&t->rng, 4);
		m->ports[i].lb.table = rng_next(&t->rng);
		m->claims[i] = (struct plan_claim){
			.prefix = ip_prefix_of(&a, rng_below(&t->rng, 2) ? 24 : 32),
			.vip = {.addr = a},
			.by = &t->groups[rng_below(&t->rng, 2)],
			.more = rng_below(&t->rng, 2) ? &m->more : NULL,
		};
	}
}

/* As when of a Service's targets some changed: all keys stay. */
static void touch(struct town *t, struct made *m, const struct made *was)
{
	for (size_t i = 0; i < N_ITEMS; i++) {
		m->ports[i].lb.key = was->ports[i].lb.key;
		m->claims[i] = was->claims[i];
		m->claims[i].more = was->claims[i].more ? &m->more : NULL;
		m->claims[i].first_port = (uint16_t)rng_below(&t->rng, 9);
	}
	m->fragment.created_s = m->service->meta.created_s = was->fragment.created_s;
	m->fragment.n_ports = was->fragment.n_ports;
	m->fragment.n_claims = was->fragment.n_claims;
}

static void arrange(struct town *t, struct plan_arrangement *ret, bool anew)
{
	const struct plan_fragment *fragments[N_NAMES];
	struct plan_made made[N_NAMES];
	uint32_t moved[N_NAMES];
	struct plan_arrange_args args = {.fragments = fragments, .moved = moved, .made = made};

	memset(moved, 0xff, sizeof(moved));
	for (size_t i = 0; i < N_NAMES; i++) {
		const struct made *now = t->slots[i], *was = anew ? NULL : t->before[i];

		if (!now)
			continue;
		if (was)
			moved[t->numbers[i]] = (uint32_t)args.n;
		if (was != now)
			made[args.n_made++] = (struct plan_made){
				.number = (uint32_t)args.n, .was = was ? &was->fragment : NULL};
		fragments[args.n++] = &now->fragment;
	}
	plan_arrange(ret, &args);
}

static void change(struct town *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t slot = rng_below(&t->rng, N_NAMES);
		struct made *was = t->slots[slot];

		if (was && was != t->before[slot])
			continue; /* once in a step */
		t->slots[slot] = NULL;
		if (was)
			free(was->service);
		if (rng_below(&t->rng, 4) == 0)
			continue;
		t->slots[slot] = xcalloc(1, sizeof(*t->slots[slot]));
		fill(t, t->slots[slot], slot);
		if (was && rng_below(&t->rng, 2))
			touch(t, t->slots[slot], was);
	}
}

/* What was arranged is now the last. */
static void end_step(struct town *t)
{
	t->n = 0;
	for (size_t i = 0; i < N_NAMES; i++) {
		if (t->before[i] != t->slots[i])
			free(t->before[i]);
		t->before[i] = t->slots[i];
		if (t->slots[i])
			t->numbers[i] = (uint32_t)t->n++;
	}
}

static void end_town(struct town *t)
{
	end_step(t);
	for (size_t i = 0; i < N_NAMES; i++) {
		if (t->slots[i])
			free(t->slots[i]->service);
		free(t->slots[i]);
	}
	plan_arrangement_done(&t->kept);
}

static void assert_same_ports(const struct plan_arrangement *a, const struct plan_arrangement *b)
{
	assert_int_equal(a->ports.n, b->ports.n);
	for (size_t i = 0; i < a->ports.n; i++) {
		const struct arranged_port *x = arranged_port(a, i), *y = arranged_port(b, i);

		assert_int_equal(x->at.fragment, y->at.fragment);
		assert_int_equal(x->at.item, y->at.item);
		assert_ptr_equal(x->service, y->service);
		assert_true(x->created_s == y->created_s && x->lb.table == y->lb.table);
		assert_int_equal(lb_key_cmp(&x->lb.key, &y->lb.key), 0);
	}
}

static void assert_same_claims(const struct plan_order *a, const struct plan_order *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct arranged_claim *x = arranged_claim(a, i), *y = arranged_claim(b, i);

		assert_int_equal(x->at.fragment, y->at.fragment);
		assert_int_equal(x->at.item, y->at.item);
		assert_int_equal(plan_claim_cmp(x->claim, y->claim), 0);
		assert_ptr_equal(x->claim, y->claim);
	}
}

static void assert_same_vips(const struct plan_arrangement *a, const struct plan_arrangement *b)
{
	assert_int_equal(a->by_vip.n, b->by_vip.n);
	for (size_t i = 0; i < a->by_vip.n; i++) {
		const struct arranged_vip *x = arranged_vip(a, i), *y = arranged_vip(b, i);

		assert_int_equal(x->at.fragment, y->at.fragment);
		assert_int_equal(x->at.item, y->at.item);
		assert_true(plan_vip_equal(&x->vip, &y->vip));
	}
}

static void assert_same_rows(const struct plan_arrangement *a, const struct plan_arrangement *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->n_rows, b->n_rows);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->first_row[i], b->first_row[i]);
		assert_int_equal(a->marks[i], b->marks[i]);
	}
	for (size_t i = 0; i < a->n_rows; i++) {
		assert_ptr_equal(a->rows[i].name, b->rows[i].name);
		assert_int_equal(a->rows[i].port, b->rows[i].port);
	}
}

/* By the words of the header, apart from how it is compared there. */
static void assert_sorted(const struct plan_arrangement *a)
{
	for (size_t i = 1; i < a->ports.n; i++) {
		const struct arranged_port *x = arranged_port(a, i - 1), *y = x + 1;
		const int cmp = lb_key_cmp(&x->lb.key, &y->lb.key);

		assert_true(cmp <= 0);
		assert_true(cmp < 0 || api_object_age_cmp(x->service, y->service) <= 0);
		assert_int_not_equal(y->lb.key.port, 0);
	}
	for (size_t i = 1; i < a->by_prefix.n; i++)
		assert_true(plan_claim_cmp(arranged_claim(&a->by_prefix, i - 1)->claim,
					   arranged_claim(&a->by_prefix, i)->claim) <= 0);
	for (size_t i = 1; i < a->by_vip.n; i++) {
		const struct arranged_vip *x = arranged_vip(a, i - 1), *y = x + 1;
		const int cmp = plan_vip_cmp(&x->vip, &y->vip);

		assert_true(cmp < 0 || (cmp == 0 && (x->at.fragment < y->at.fragment ||
						     (x->at.fragment == y->at.fragment &&
						      x->at.item < y->at.item))));
	}
}

static size_t items_of(const struct town *t)
{
	size_t n = 0;

	for (size_t i = 0; i < N_NAMES; i++)
		n += t->slots[i] ? t->slots[i]->fragment.n_claims : 0;
	return n;
}

/* Whose claims one finds from the entries on are all there are, each once. */
static size_t claims_by_vip(const struct town *t, const struct plan_arrangement *a)
{
	const struct plan_fragment *all[N_NAMES];
	size_t n = 0;

	for (size_t i = 0, k = 0; i < N_NAMES; i++)
		if (t->slots[i])
			all[k++] = &t->slots[i]->fragment;
	for (size_t i = 0; i < a->by_vip.n; i++) {
		const struct arranged_vip *v = arranged_vip(a, i);
		const struct plan_fragment *f = all[v->at.fragment];
		size_t k = v->at.item;

		assert_true(k == 0 || !plan_vip_equal(&f->claims[k - 1].vip, &v->vip));
		for (; k < f->n_claims && plan_vip_equal(&f->claims[k].vip, &v->vip); k++)
			n++;
		assert_true(k > v->at.item);
	}
	return n;
}

static void whatever_changed_the_orders_are_those_from_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
		struct town t;

		begin_town(&t, seed);
		for (size_t step = 0; step < N_STEPS; step++) {
			struct plan_arrangement fresh = {0};

			change(&t, rng_below(&t.rng, step % 20 ? 4 : 2 * N_NAMES));
			arrange(&t, &t.kept, false);
			arrange(&t, &fresh, true);
			assert_same_ports(&t.kept, &fresh);
			assert_same_claims(&t.kept.by_prefix, &fresh.by_prefix);
			assert_same_vips(&t.kept, &fresh);
			assert_same_rows(&t.kept, &fresh);
			assert_sorted(&fresh);
			assert_int_equal(fresh.by_prefix.n, items_of(&t));
			assert_int_equal(claims_by_vip(&t, &fresh), items_of(&t));
			plan_arrangement_done(&fresh);
			end_step(&t);
		}
		end_town(&t);
	}
}

static void nothing_is_arranged_after_clearing(void **state)
{
	struct town t;

	(void)state;
	begin_town(&t, 1);
	change(&t, N_NAMES);
	arrange(&t, &t.kept, true);
	assert_int_not_equal(t.kept.ports.n, 0);
	plan_arrangement_clear(&t.kept);
	arrange(&t, &t.kept, true);
	assert_int_equal(t.kept.by_prefix.n, items_of(&t));
	end_town(&t);
}

static void marks_are_found_one_after_the_other(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint8_t marks[40] = {0};
		struct plan_arrangement a = {.marks = marks};
		struct rng rng;
		size_t i = 0;

		rng_seed(&rng, seed);
		a.n = rng_below(&rng, ARRAY_SIZE(marks) + 1);
		for (size_t n = rng_below(&rng, 5); a.n && n > 0; n--)
			marks[rng_below(&rng, a.n)] |= (uint8_t)(1 + rng_below(&rng, 3));
		for (size_t k = 0; k < a.n; k++)
			if (marks[k] & PLAN_MARK_HEALTH) {
				i = arranged_marked(&a, PLAN_MARK_HEALTH, i);
				assert_int_equal(i++, k);
			}
		assert_int_equal(arranged_marked(&a, PLAN_MARK_HEALTH, i), a.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_found_one_after_the_other),
		cmocka_unit_test(whatever_changed_the_orders_are_those_from_nothing),
		cmocka_unit_test(nothing_is_arranged_after_clearing),
	};

	return cmocka_run_group_tests_name("plan_arrange", tests, NULL, NULL);
}

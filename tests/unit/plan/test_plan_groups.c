// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan_env_group(): each advertisement is in one group, with all and only those of its length and
 * serviceSelectors, oldest first; and what is known of a group is what its members say.
 */
#include "base/rng.h"
#include "plan/plan_env.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_ADVERTS = 12, N_TRIALS = 2000 };

static const char *const values[] = {"a", "b"};
static const struct selector_term terms[] = {
	{"app", SELECTOR_IN, values, 1},
	{"app", SELECTOR_IN, values, 2},
	{"app", SELECTOR_EXISTS, NULL, 0},
};
static const struct selector items[] = {{&terms[0], 1}, {&terms[1], 1}, {&terms[2], 1}};
static const struct selectors lists[] = {{NULL, 0}, {&items[0], 1}, {&items[1], 1}, {&items[0], 2}};

struct made {
	struct env_advert adverts[N_ADVERTS];
	const struct env_advert *list[N_ADVERTS];
	struct api_advertisement specs[N_ADVERTS];
	size_t kinds[N_ADVERTS]; /* of its selectors */
	size_t n;
};

static void make(struct made *m, struct rng *rng)
{
	memset(m, 0, sizeof(*m));
	m->n = rng_below(rng, N_ADVERTS + 1);
	for (size_t i = 0; i < m->n; i++) {
		m->kinds[i] = rng_below(rng, ARRAY_SIZE(lists));
		m->specs[i].service_selectors = lists[m->kinds[i]];
		m->specs[i].aggregation[IP_V4] = (uint8_t)(31 + rng_below(rng, 2));
		m->specs[i].aggregation[IP_V6] = (uint8_t)(127 + rng_below(rng, 2));
		m->specs[i].local_pref = (uint32_t)rng_below(rng, 3);
		m->adverts[i] = (struct env_advert){.spec = &m->specs[i], .age = i};
		m->adverts[i].peers = rng_below(rng, 16);
		m->list[i] = &m->adverts[i];
	}
}

static uint64_t peers_with(const struct env_group *g, const uint32_t *pref)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < g->n; i++)
		if (!pref || g->items[i]->spec->local_pref == *pref)
			ret |= g->items[i]->peers;
	return ret;
}

static void check_group(const struct made *m, const struct env_group *g, enum ip_family family)
{
	const size_t first = g->items[0]->age;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->kinds[i] == m->kinds[first] &&
		    m->specs[i].aggregation[family] == m->specs[first].aggregation[family])
			assert_ptr_equal(g->items[n++], &m->adverts[i]);
	assert_int_equal(g->n, n);
	assert_int_equal(g->peers, peers_with(g, NULL));
	for (size_t i = 0; i < g->n_prefs; i++) {
		assert_int_equal(g->prefs[i].peers, peers_with(g, &g->prefs[i].local_pref));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(g->prefs[k].local_pref, g->prefs[i].local_pref);
	}
	for (size_t i = 0; i < g->n; i++) {
		size_t k = 0;

		while (k < g->n_prefs && g->prefs[k].local_pref != g->items[i]->spec->local_pref)
			k++;
		assert_int_not_equal(k, g->n_prefs);
	}
}

static void groups_are_those_alike_and_oldest_first(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (size_t trial = 0; trial < N_TRIALS; trial++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const enum ip_family family = rng_below(&rng, 2) ? IP_V4 : IP_V6;
		const struct env_pool pool = {.n_prefs = 0};
		struct env_pool_adverts got = {0};
		struct made m;
		size_t n = 0;

		make(&m, &rng);
		plan_env_group(&pool, m.list, m.n, family, arena, &got);
		for (size_t i = 0; i < got.n; i++) {
			check_group(&m, &got.groups[i], family);
			assert_ptr_equal(got.groups[i].pool, &pool);
			if (i > 0)
				assert_true(got.groups[i - 1].items[0]->age <
					    got.groups[i].items[0]->age);
			n += got.groups[i].n;
		}
		assert_int_equal(n, m.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_those_alike_and_oldest_first),
	};

	return cmocka_run_group_tests_name("plan_groups", tests, NULL, NULL);
}

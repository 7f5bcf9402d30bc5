// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: random runs against a model so simple that it is right by inspection: two arrays,
 * desired and advertised, and a flag per prefix.
 */
#include "unit/bgp/bgp_rib_numbers.h"
#include "unit/rounds.h"

#define N_PREFIXES 40
#define N_V4       22 /* of these */
#define N_SETS     6

#define NO_SET (-1)

struct model {
	int desired[N_PREFIXES], advertised[N_PREFIXES];
	bool refresh[N_PREFIXES];
};

static bool model_dirty(const struct model *m, size_t i)
{
	return m->desired[i] != m->advertised[i] || (m->refresh[i] && m->desired[i] != NO_SET);
}

/* The model's prefixes: IPv4, then IPv6, which is their order, too. */
static enum bgp_family family_of(size_t i)
{
	return i < N_V4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST;
}

static struct ip_prefix model_prefix(uint32_t i)
{
	return family_of(i) == BGP_IPV4_UNICAST ? prefix_of(i) : v6_prefix_of((uint8_t)(i - N_V4));
}

static int index_of(const struct ip_prefix *p)
{
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		struct ip_prefix candidate = model_prefix(i);

		if (ip_prefix_cmp(&candidate, p) == 0)
			return (int)i;
	}
	fail_msg("a prefix that nobody set");
	return -1;
}

static int set_index(const struct bgp_attrs *a)
{
	for (uint32_t i = 0; a && i < N_SETS; i++) {
		struct bgp_attrs s = set_of(i);

		if (bgp_attrs_cmp(&s, a) == 0)
			return (int)i;
	}
	assert_null(a);
	return NO_SET;
}

static void assert_nothing_passed_over(const struct model *m, struct bgp_families families,
				       size_t cap, size_t n, bool withdraws)
{
	for (size_t i = 0; i < N_PREFIXES; i++) {
		if (cap == 0 || !bgp_families_has(families, family_of(i)))
			continue;
		assert_false(n == 0 && model_dirty(m, i));
		assert_false(!withdraws && m->desired[i] == NO_SET && m->advertised[i] != NO_SET);
	}
}

/* What is taken must be dirty in the model, each prefix once, and of the family and the set that
 * the batch says. */
static void model_take(struct model *m, struct bgp_rib *rib, struct bgp_families families,
		       size_t cap)
{
	struct ip_prefix out[16];
	struct bgp_rib_work work;
	size_t n = take(rib, families, out, cap, &work);
	int taken = n > 0 ? set_index(work.attrs) : NO_SET;

	assert_true(n <= cap);
	assert_nothing_passed_over(m, families, cap, n, n > 0 && taken == NO_SET);
	assert_true(n == 0 || bgp_families_has(families, work.family));
	for (size_t k = 0; k < n; k++) {
		int i = index_of(&out[k]);

		assert_true(model_dirty(m, i));
		assert_int_equal(family_of((size_t)i), work.family);
		assert_int_equal(m->desired[i], taken);
		m->advertised[i] = m->desired[i];
		m->refresh[i] = false;
	}
}

/* A set that no route uses is freed. */
static size_t model_n_sets(const struct model *m)
{
	size_t n = 0;

	for (int s = 0; s < N_SETS; s++) {
		bool is_used[BGP_N_FAMILIES] = {false};

		for (size_t i = 0; i < N_PREFIXES; i++)
			is_used[family_of(i)] |= m->desired[i] == s || m->advertised[i] == s;
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
			n += is_used[f];
	}
	return n;
}

static void model_check(const struct model *m, const struct bgp_rib *rib)
{
	size_t n_desired = 0, n_advertised = 0, pos = 0, from;
	bool dirty[BGP_N_FAMILIES] = {false};
	struct bgp_rib_route route;

	for (int i = 0; i < N_PREFIXES; i++) {
		n_desired += m->desired[i] != NO_SET;
		n_advertised += m->advertised[i] != NO_SET;
		dirty[family_of((size_t)i)] |= model_dirty(m, (size_t)i);
		if (m->desired[i] == NO_SET && m->advertised[i] == NO_SET)
			continue;
		assert_true(bgp_rib_next(rib, &pos, &route));
		assert_int_equal(index_of(&route.prefix), i);
		assert_int_equal(set_index(route.desired), m->desired[i]);
		assert_int_equal(set_index(route.advertised), m->advertised[i]);
		from = bgp_rib_from(rib, &route.prefix);
		assert_true(bgp_rib_next(rib, &from, &route));
		assert_int_equal(from, pos);
	}
	assert_false(bgp_rib_next(rib, &pos, &route));
	assert_int_equal(bgp_rib_n_desired(rib), n_desired);
	assert_int_equal(bgp_rib_n_advertised(rib), n_advertised);
	assert_int_equal(bgp_rib_n_sets(rib), model_n_sets(m));
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		assert_int_equal(bgp_rib_dirty(rib, f), dirty[f]);
}

static void model_reset_session(struct model *m, struct bgp_rib *rib)
{
	bgp_rib_session_down(rib);
	for (size_t i = 0; i < N_PREFIXES; i++) {
		m->advertised[i] = NO_SET;
		m->refresh[i] = false;
	}
}

static void model_refresh(struct model *m, struct bgp_rib *rib, enum bgp_family family)
{
	bgp_rib_refresh(rib, family);
	for (size_t i = 0; i < N_PREFIXES; i++)
		if (family_of(i) == family)
			m->refresh[i] = m->advertised[i] != NO_SET;
}

static void model_step(struct model *m, struct bgp_rib *rib, struct rng *rng)
{
	uint32_t i = (uint32_t)rng_below(rng, N_PREFIXES), s = (uint32_t)rng_below(rng, N_SETS);
	uint64_t what = rng_below(rng, 100);
	struct ip_prefix prefix = model_prefix(i);
	struct bgp_attrs attrs = set_of(s);
	struct bgp_families some = {(uint8_t)rng_below(rng, rib_all.bits + 1u)};

	if (what < 50) {
		assert_true(bgp_rib_set(rib, &prefix, &attrs));
		m->desired[i] = (int)s;
	} else if (what < 75) {
		bgp_rib_del(rib, &prefix);
		m->desired[i] = NO_SET;
	} else if (what < 97) {
		model_take(m, rib, some, rng_below(rng, 16));
	} else if (what < 98) {
		model_reset_session(m, rib);
	} else {
		model_refresh(m, rib, family_of(i));
	}
}

static struct model nothing_known(void)
{
	struct model m = {.refresh = {false}};

	for (size_t i = 0; i < N_PREFIXES; i++)
		m.desired[i] = m.advertised[i] = NO_SET;
	return m;
}

static void model_end(struct model *m, struct bgp_rib *rib, struct rng *rng)
{
	while (is_dirty(rib))
		model_take(m, rib, rib_all, 1 + rng_below(rng, 15));
	model_check(m, rib);
	assert_memory_equal(m->desired, m->advertised, sizeof(m->desired));
	bgp_rib_free(rib);
}

static void random_runs_agree_with_the_model(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned run = 0; run < test_rounds(35); run++) {
		struct bgp_rib *rib = bgp_rib_new(NULL);
		struct model m = nothing_known();

		for (unsigned step = 0; step < 500; step++) {
			model_step(&m, rib, &rng);
			model_check(&m, rib);
		}
		model_end(&m, rib, &rng);
	}
}

/* What one does, comes and goes, the others do not see. */
static void ribs_that_share_prefixes_agree_with_their_models(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned run = 0; run < 10; run++) {
		struct bgp_rib_prefixes *shared = bgp_rib_prefixes_new();
		struct bgp_rib *ribs[3];
		struct model models[ARRAY_SIZE(ribs)];

		for (size_t i = 0; i < ARRAY_SIZE(ribs); i++) {
			ribs[i] = bgp_rib_new(shared);
			models[i] = nothing_known();
		}
		for (unsigned step = 0; step < 500; step++) {
			const size_t which = rng_below(&rng, ARRAY_SIZE(ribs));

			if (rng_below(&rng, 100) == 0) {
				bgp_rib_free(ribs[which]);
				ribs[which] = bgp_rib_new(shared);
				models[which] = nothing_known();
			}
			model_step(&models[which], ribs[which], &rng);
			for (size_t i = 0; i < ARRAY_SIZE(ribs); i++)
				model_check(&models[i], ribs[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(ribs); i++)
			model_end(&models[i], ribs[i], &rng);
		bgp_rib_prefixes_free(shared);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_runs_agree_with_the_model),
		cmocka_unit_test(ribs_that_share_prefixes_agree_with_their_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

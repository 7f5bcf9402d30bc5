// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: the claims of bgp_rib.h one by one, and random runs against a model so simple that
 * it is right by inspection: two arrays, desired and advertised, and a flag per prefix.
 */
#include "base/limits.h"
#include "bgp/bgp_rib.h"
#include "unit/bgp/octets.h"

#define N_PREFIXES 40
#define N_SETS     6

static struct ip_prefix prefix_of(uint32_t i)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000000 + i * 256);

	return ip_prefix_of(&a, 24);
}

static const uint32_t communities[] = {10, 20, 30};

static struct bgp_attrs set_of(uint32_t i)
{
	return (struct bgp_attrs){
		.has_med = true, .med = i / 3, .communities = communities, .n_communities = i % 3};
}

static void set(struct bgp_rib *rib, uint32_t prefix, uint32_t attrs)
{
	struct ip_prefix p = prefix_of(prefix);
	struct bgp_attrs a = set_of(attrs);

	assert_true(bgp_rib_set(rib, &p, &a));
}

static void del(struct bgp_rib *rib, uint32_t prefix)
{
	struct ip_prefix p = prefix_of(prefix);

	bgp_rib_del(rib, &p);
}

static void drain(struct bgp_rib *rib)
{
	struct ip_prefix out[7];
	const struct bgp_attrs *attrs;

	while (bgp_rib_take(rib, out, ARRAY_SIZE(out), &attrs) > 0)
		;
	assert_false(bgp_rib_dirty(rib));
}

static void a_new_rib_is_clean_and_empty(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct bgp_rib_route route;
	const struct bgp_attrs *attrs;
	struct ip_prefix out[1];
	size_t pos = 0;

	(void)state;
	assert_false(bgp_rib_dirty(rib));
	assert_int_equal(bgp_rib_take(rib, out, 1, &attrs), 0);
	assert_false(bgp_rib_next(rib, &pos, &route));
	assert_null(bgp_rib_free(rib));
	assert_null(bgp_rib_free(NULL));
}

static void routes_of_one_set_come_in_one_batch(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8], want;
	const struct bgp_attrs *attrs;
	struct bgp_attrs expect = set_of(1);

	(void)state;
	set(rib, 0, 1);
	set(rib, 1, 2);
	set(rib, 2, 1);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 2);
	assert_int_equal(bgp_attrs_cmp(attrs, &expect), 0);
	want = prefix_of(0);
	assert_int_equal(ip_prefix_cmp(&out[0], &want), 0);
	want = prefix_of(2);
	assert_int_equal(ip_prefix_cmp(&out[1], &want), 0);
	assert_int_equal(bgp_rib_n_advertised(rib), 2);
	assert_int_equal(bgp_rib_n_desired(rib), 3);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 1);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 0);
	bgp_rib_free(rib);
}

static void a_batch_ends_at_cap_and_goes_on_in_the_same_bucket(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[3];
	const struct bgp_attrs *attrs;

	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		set(rib, i, 0);
	assert_int_equal(bgp_rib_take(rib, out, 0, &attrs), 0);
	assert_int_equal(bgp_rib_take(rib, out, 3, &attrs), 3);
	assert_int_equal(bgp_rib_take(rib, out, 3, &attrs), 3);
	assert_int_equal(bgp_rib_take(rib, out, 3, &attrs), 1);
	assert_false(bgp_rib_dirty(rib));
	bgp_rib_free(rib);
}

static void withdrawals_go_before_announcements(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	struct bgp_attrs any;
	const struct bgp_attrs *attrs = &any;

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 1, 1);
	del(rib, 0);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 1);
	assert_null(attrs);
	assert_int_equal(bgp_rib_n_advertised(rib), 0);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 1);
	assert_non_null(attrs);
	bgp_rib_free(rib);
}

static void a_flap_within_the_window_costs_nothing(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 0, 1);
	assert_true(bgp_rib_dirty(rib));
	set(rib, 0, 0);
	assert_false(bgp_rib_dirty(rib));
	del(rib, 0);
	assert_true(bgp_rib_dirty(rib));
	set(rib, 0, 0);
	assert_false(bgp_rib_dirty(rib));
	set(rib, 1, 3);
	del(rib, 1); /* never advertised: nothing to withdraw */
	assert_false(bgp_rib_dirty(rib));
	bgp_rib_free(rib);
}

static void setting_the_same_again_does_nothing(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 4);
	drain(rib);
	set(rib, 0, 4);
	assert_false(bgp_rib_dirty(rib));
	assert_int_equal(bgp_rib_n_desired(rib), 1);
	bgp_rib_free(rib);
}

static void the_caller_s_attributes_are_copied(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	uint32_t list[2] = {10, 20};
	struct bgp_attrs a = set_of(2), expect = set_of(2);
	struct ip_prefix p = prefix_of(0), out[1];
	const struct bgp_attrs *attrs;

	(void)state;
	a.communities = list;
	assert_true(bgp_rib_set(rib, &p, &a));
	list[0] = list[1] = 0;
	assert_int_equal(bgp_rib_take(rib, out, 1, &attrs), 1);
	assert_int_equal(bgp_attrs_cmp(attrs, &expect), 0);
	bgp_rib_free(rib);
}

static void after_session_down_all_desired_is_sent_again_and_nothing_withdrawn(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	const struct bgp_attrs *attrs;

	(void)state;
	set(rib, 0, 0);
	set(rib, 1, 0);
	set(rib, 2, 0);
	drain(rib);
	del(rib, 1);
	bgp_rib_session_down(rib);
	assert_int_equal(bgp_rib_n_advertised(rib), 0);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 2);
	assert_non_null(attrs);
	assert_false(bgp_rib_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_sends_all_again_even_through_a_flap(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	const struct bgp_attrs *attrs;

	(void)state;
	set(rib, 0, 0);
	set(rib, 1, 0);
	drain(rib);
	bgp_rib_refresh(rib);
	assert_int_equal(bgp_rib_n_advertised(rib), 2);
	del(rib, 1);
	set(rib, 1, 0);
	assert_int_equal(bgp_rib_take(rib, out, 8, &attrs), 2);
	assert_false(bgp_rib_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_within_a_change_counts_as_asked(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 0, 1);
	bgp_rib_refresh(rib);
	set(rib, 0, 0); /* as advertised, but the peer asked */
	assert_true(bgp_rib_dirty(rib));
	drain(rib);
	bgp_rib_free(rib);
}

static void a_walk_is_in_prefix_order_and_shows_both_sides(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct bgp_rib_route route;
	size_t pos = 0, n = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		set(rib, i * 7 % 20, 0);
	drain(rib);
	del(rib, 3);
	set(rib, 4, 1);
	set(rib, 20, 1);
	while (bgp_rib_next(rib, &pos, &route)) {
		struct ip_prefix want = prefix_of((uint32_t)n);

		assert_int_equal(ip_prefix_cmp(&route.prefix, &want), 0);
		assert_int_equal(route.desired == NULL, n == 3);
		assert_int_equal(route.advertised == NULL, n == 20);
		assert_int_equal(route.desired != route.advertised, n == 3 || n == 4 || n == 20);
		n++;
	}
	assert_int_equal(n, 21);
	bgp_rib_free(rib);
}

static void the_limit_refuses_one_more_but_not_a_change(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix p = prefix_of(LIMIT_ADJ_RIB_OUT);
	struct bgp_attrs a = set_of(0);

	(void)state;
	for (uint32_t i = 0; i < LIMIT_ADJ_RIB_OUT; i++)
		set(rib, i, 0);
	assert_false(bgp_rib_set(rib, &p, &a));
	assert_int_equal(bgp_rib_n_desired(rib), LIMIT_ADJ_RIB_OUT);
	set(rib, 5, 1);
	del(rib, 6);
	assert_true(bgp_rib_set(rib, &p, &a));
	bgp_rib_free(rib);
}

/* --- random runs against a model ------------------------------------------------------------- */

#define NO_SET (-1)

struct model {
	int desired[N_PREFIXES], advertised[N_PREFIXES];
	bool refresh[N_PREFIXES];
};

static bool model_dirty(const struct model *m, size_t i)
{
	return m->desired[i] != m->advertised[i] || (m->refresh[i] && m->desired[i] != NO_SET);
}

static int index_of(const struct ip_prefix *p)
{
	return (int)((ip_addr_v4(&p->addr) - 0x0a000000) / 256);
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

/* What is taken must be dirty in the model, each prefix once, and of the set that the batch says.
 */
static void model_take(struct model *m, struct bgp_rib *rib, size_t cap)
{
	struct ip_prefix out[16];
	const struct bgp_attrs *attrs;
	size_t n = bgp_rib_take(rib, out, cap, &attrs);
	int taken = n > 0 ? set_index(attrs) : NO_SET;

	assert_true(n <= cap);
	if (n > 0 && taken != NO_SET)
		for (size_t i = 0; i < N_PREFIXES; i++) /* no withdrawal was passed over */
			assert_false(m->desired[i] == NO_SET && m->advertised[i] != NO_SET);
	for (size_t k = 0; k < n; k++) {
		int i = index_of(&out[k]);

		assert_true(model_dirty(m, i));
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
		bool is_used = false;

		for (size_t i = 0; i < N_PREFIXES; i++)
			is_used |= m->desired[i] == s || m->advertised[i] == s;
		n += is_used;
	}
	return n;
}

static void model_check(const struct model *m, const struct bgp_rib *rib)
{
	size_t n_desired = 0, n_advertised = 0, pos = 0;
	bool dirty = false;
	struct bgp_rib_route route;

	for (int i = 0; i < N_PREFIXES; i++) {
		n_desired += m->desired[i] != NO_SET;
		n_advertised += m->advertised[i] != NO_SET;
		dirty |= model_dirty(m, i);
		if (m->desired[i] == NO_SET && m->advertised[i] == NO_SET)
			continue;
		assert_true(bgp_rib_next(rib, &pos, &route));
		assert_int_equal(index_of(&route.prefix), i);
		assert_int_equal(set_index(route.desired), m->desired[i]);
		assert_int_equal(set_index(route.advertised), m->advertised[i]);
	}
	assert_false(bgp_rib_next(rib, &pos, &route));
	assert_int_equal(bgp_rib_n_desired(rib), n_desired);
	assert_int_equal(bgp_rib_n_advertised(rib), n_advertised);
	assert_int_equal(bgp_rib_n_sets(rib), model_n_sets(m));
	assert_int_equal(bgp_rib_dirty(rib), dirty);
}

static void model_reset_session(struct model *m, struct bgp_rib *rib)
{
	bgp_rib_session_down(rib);
	for (size_t i = 0; i < N_PREFIXES; i++) {
		m->advertised[i] = NO_SET;
		m->refresh[i] = false;
	}
}

static void model_refresh(struct model *m, struct bgp_rib *rib)
{
	bgp_rib_refresh(rib);
	for (size_t i = 0; i < N_PREFIXES; i++)
		m->refresh[i] = m->advertised[i] != NO_SET;
}

static void model_step(struct model *m, struct bgp_rib *rib, struct rng *rng)
{
	uint32_t i = (uint32_t)rng_below(rng, N_PREFIXES), s = (uint32_t)rng_below(rng, N_SETS);
	uint64_t what = rng_below(rng, 100);

	if (what < 50) {
		set(rib, i, s);
		m->desired[i] = (int)s;
	} else if (what < 75) {
		del(rib, i);
		m->desired[i] = NO_SET;
	} else if (what < 97) {
		model_take(m, rib, rng_below(rng, 16));
	} else if (what < 98) {
		model_reset_session(m, rib);
	} else {
		model_refresh(m, rib);
	}
}

static void random_runs_agree_with_the_model(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned run = 0; run < 100; run++) {
		struct bgp_rib *rib = bgp_rib_new();
		struct model m;

		for (size_t i = 0; i < N_PREFIXES; i++) {
			m.desired[i] = m.advertised[i] = NO_SET;
			m.refresh[i] = false;
		}
		for (unsigned step = 0; step < 500; step++) {
			model_step(&m, rib, &rng);
			model_check(&m, rib);
		}
		while (bgp_rib_dirty(rib))
			model_take(&m, rib, 1 + rng_below(&rng, 15));
		model_check(&m, rib);
		assert_memory_equal(m.desired, m.advertised, sizeof(m.desired));
		bgp_rib_free(rib);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_rib_is_clean_and_empty),
		cmocka_unit_test(routes_of_one_set_come_in_one_batch),
		cmocka_unit_test(a_batch_ends_at_cap_and_goes_on_in_the_same_bucket),
		cmocka_unit_test(withdrawals_go_before_announcements),
		cmocka_unit_test(a_flap_within_the_window_costs_nothing),
		cmocka_unit_test(setting_the_same_again_does_nothing),
		cmocka_unit_test(the_caller_s_attributes_are_copied),
		cmocka_unit_test(
			after_session_down_all_desired_is_sent_again_and_nothing_withdrawn),
		cmocka_unit_test(a_refresh_sends_all_again_even_through_a_flap),
		cmocka_unit_test(a_refresh_within_a_change_counts_as_asked),
		cmocka_unit_test(a_walk_is_in_prefix_order_and_shows_both_sides),
		cmocka_unit_test(the_limit_refuses_one_more_but_not_a_change),
		cmocka_unit_test(random_runs_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: the claims of bgp_rib.h one by one, and random runs against a model so simple that
 * it is right by inspection: two arrays, desired and advertised, and a flag per prefix.
 */
#include "base/limits.h"
#include "bgp/bgp_rib.h"
#include "unit/bgp/octets.h"

#define N_PREFIXES 40 /* of the model */
#define N_V4       22 /* of these */
#define N_SETS     6

static const struct bgp_families all = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1};

static struct ip_prefix prefix_of(uint32_t i)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000000 + i * 256);

	return ip_prefix_of(&a, 24);
}

/* 2001:db8:0:i::/64: behind all of IPv4, in order of i. */
static struct ip_prefix v6_prefix_of(uint8_t i)
{
	struct ip_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, i}};

	return ip_prefix_of(&a, 64);
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

static bool is_dirty(const struct bgp_rib *rib)
{
	return bgp_rib_dirty(rib, BGP_IPV4_UNICAST) || bgp_rib_dirty(rib, BGP_IPV6_UNICAST);
}

static void drain(struct bgp_rib *rib)
{
	struct ip_prefix out[7];
	struct bgp_rib_work work;

	while (bgp_rib_take(rib, all, out, ARRAY_SIZE(out), &work) > 0)
		;
	assert_false(is_dirty(rib));
}

static void a_new_rib_is_clean_and_empty(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct bgp_rib_route route;
	struct bgp_rib_work work;
	struct ip_prefix out[1];
	size_t pos = 0;

	(void)state;
	assert_false(is_dirty(rib));
	assert_int_equal(bgp_rib_take(rib, all, out, 1, &work), 0);
	assert_false(bgp_rib_next(rib, &pos, &route));
	assert_null(bgp_rib_free(rib));
	assert_null(bgp_rib_free(NULL));
}

static void routes_of_one_set_come_in_one_batch(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8], want;
	struct bgp_rib_work work;
	struct bgp_attrs expect = set_of(1);

	(void)state;
	set(rib, 0, 1);
	set(rib, 1, 2);
	set(rib, 2, 1);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 2);
	assert_int_equal(bgp_attrs_cmp(work.attrs, &expect), 0);
	want = prefix_of(0);
	assert_int_equal(ip_prefix_cmp(&out[0], &want), 0);
	want = prefix_of(2);
	assert_int_equal(ip_prefix_cmp(&out[1], &want), 0);
	assert_int_equal(bgp_rib_n_advertised(rib), 2);
	assert_int_equal(bgp_rib_n_desired(rib), 3);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 0);
	bgp_rib_free(rib);
}

static void a_batch_ends_at_cap_and_goes_on_in_the_same_bucket(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[3];
	struct bgp_rib_work work;

	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		set(rib, i, 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 0, &work), 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 3, &work), 3);
	assert_int_equal(bgp_rib_take(rib, all, out, 3, &work), 3);
	assert_int_equal(bgp_rib_take(rib, all, out, 3, &work), 1);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void withdrawals_go_before_announcements(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	struct bgp_rib_work work;

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 1, 1);
	del(rib, 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_null(work.attrs);
	assert_int_equal(bgp_rib_n_advertised(rib), 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_non_null(work.attrs);
	bgp_rib_free(rib);
}

static void a_flap_within_the_window_costs_nothing(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 0, 1);
	assert_true(is_dirty(rib));
	set(rib, 0, 0);
	assert_false(is_dirty(rib));
	del(rib, 0);
	assert_true(is_dirty(rib));
	set(rib, 0, 0);
	assert_false(is_dirty(rib));
	set(rib, 1, 3);
	del(rib, 1); /* never advertised: nothing to withdraw */
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void setting_the_same_again_does_nothing(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 4);
	drain(rib);
	set(rib, 0, 4);
	assert_false(is_dirty(rib));
	assert_int_equal(bgp_rib_n_desired(rib), 1);
	bgp_rib_free(rib);
}

static void the_caller_s_attributes_are_copied(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	uint32_t list[2] = {10, 20};
	struct bgp_attrs a = set_of(2), expect = set_of(2);
	struct ip_prefix p = prefix_of(0), out[1];
	struct bgp_rib_work work;

	(void)state;
	a.communities = list;
	assert_true(bgp_rib_set(rib, &p, &a));
	list[0] = list[1] = 0;
	assert_int_equal(bgp_rib_take(rib, all, out, 1, &work), 1);
	assert_int_equal(bgp_attrs_cmp(work.attrs, &expect), 0);
	bgp_rib_free(rib);
}

static void after_session_down_all_desired_is_sent_again_and_nothing_withdrawn(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	struct bgp_rib_work work;

	(void)state;
	set(rib, 0, 0);
	set(rib, 1, 0);
	set(rib, 2, 0);
	drain(rib);
	del(rib, 1);
	bgp_rib_session_down(rib);
	assert_int_equal(bgp_rib_n_advertised(rib), 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 2);
	assert_non_null(work.attrs);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_sends_all_again_even_through_a_flap(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8];
	struct bgp_rib_work work;

	(void)state;
	set(rib, 0, 0);
	set(rib, 1, 0);
	drain(rib);
	bgp_rib_refresh(rib, BGP_IPV4_UNICAST);
	assert_int_equal(bgp_rib_n_advertised(rib), 2);
	del(rib, 1);
	set(rib, 1, 0);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 2);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_within_a_change_counts_as_asked(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 0, 1);
	bgp_rib_refresh(rib, BGP_IPV4_UNICAST);
	set(rib, 0, 0); /* as advertised, but the peer asked */
	assert_true(is_dirty(rib));
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
	struct bgp_rib_route route;
	size_t pos;

	(void)state;
	for (uint32_t i = 0; i < LIMIT_ADJ_RIB_OUT; i++)
		set(rib, i, 0);
	assert_false(bgp_rib_set(rib, &p, &a));
	assert_int_equal(bgp_rib_n_desired(rib), LIMIT_ADJ_RIB_OUT);
	set(rib, 5, 1);
	del(rib, 6);
	assert_true(bgp_rib_set(rib, &p, &a));
	for (pos = 0; bgp_rib_next(rib, &pos, &route);) /* sorted once, not at each step */
		;
	assert_int_equal(pos, LIMIT_ADJ_RIB_OUT);
	bgp_rib_free(rib);
}

/* --- two families --------------------------------------------------------------------------- */

static void v6_set(struct bgp_rib *rib, uint8_t prefix, uint32_t attrs)
{
	struct ip_prefix p = v6_prefix_of(prefix);
	struct bgp_attrs a = set_of(attrs);

	assert_true(bgp_rib_set(rib, &p, &a));
}

static void a_batch_is_of_one_family_though_the_sets_are_equal(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8], want = v6_prefix_of(1);
	struct bgp_rib_work work;

	(void)state;
	v6_set(rib, 1, 2);
	set(rib, 0, 2);
	set(rib, 1, 2);
	assert_int_equal(bgp_rib_n_sets(rib), 2);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 2);
	assert_int_equal(work.family, BGP_IPV4_UNICAST);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV6_UNICAST);
	assert_int_equal(ip_prefix_cmp(&out[0], &want), 0);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void withdrawals_of_either_family_go_before_announcements_of_both(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();
	struct ip_prefix out[8], gone = v6_prefix_of(1);
	struct bgp_rib_work work;

	(void)state;
	v6_set(rib, 1, 0);
	drain(rib);
	set(rib, 0, 0);
	bgp_rib_del(rib, &gone);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV6_UNICAST);
	assert_null(work.attrs);
	assert_int_equal(bgp_rib_take(rib, all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV4_UNICAST);
	assert_non_null(work.attrs);
	bgp_rib_free(rib);
}

static void what_is_not_taken_waits(void **state)
{
	static const struct bgp_families v4 = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)};
	struct bgp_rib *rib = bgp_rib_new();
	struct bgp_rib_work work;
	struct ip_prefix out[8];

	(void)state;
	v6_set(rib, 1, 0);
	assert_int_equal(bgp_rib_take(rib, v4, out, 8, &work), 0);
	set(rib, 0, 0);
	assert_int_equal(bgp_rib_take(rib, v4, out, 8, &work), 1);
	assert_false(bgp_rib_dirty(rib, BGP_IPV4_UNICAST));
	assert_true(bgp_rib_dirty(rib, BGP_IPV6_UNICAST));
	assert_int_equal(bgp_rib_n_advertised(rib), 1);
	bgp_rib_free(rib);
}

static void a_refresh_of_one_family_leaves_the_other(void **state)
{
	struct bgp_rib *rib = bgp_rib_new();

	(void)state;
	set(rib, 0, 0);
	v6_set(rib, 1, 0);
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		drain(rib);
		bgp_rib_refresh(rib, f);
		for (enum bgp_family other = 0; other < BGP_N_FAMILIES; other++)
			assert_int_equal(bgp_rib_dirty(rib, other), other == f);
	}
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
	size_t n = bgp_rib_take(rib, families, out, cap, &work);
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
	size_t n_desired = 0, n_advertised = 0, pos = 0;
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
	struct bgp_families some = {(uint8_t)rng_below(rng, all.bits + 1u)};

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
		while (is_dirty(rib))
			model_take(&m, rib, all, 1 + rng_below(&rng, 15));
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
		cmocka_unit_test(a_batch_is_of_one_family_though_the_sets_are_equal),
		cmocka_unit_test(withdrawals_of_either_family_go_before_announcements_of_both),
		cmocka_unit_test(what_is_not_taken_waits),
		cmocka_unit_test(a_refresh_of_one_family_leaves_the_other),
		cmocka_unit_test(random_runs_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-Out: the claims of bgp_rib.h one by one.
 */
#include "base/limits.h"
#include "unit/bgp/bgp_rib_numbers.h"

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
	struct bgp_rib_work work;

	while (take(rib, rib_all, out, ARRAY_SIZE(out), &work) > 0)
		;
	assert_false(is_dirty(rib));
}

static void a_new_rib_is_clean_and_empty(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct bgp_rib_route route;
	struct bgp_rib_work work;
	struct ip_prefix out[1];
	size_t pos = 0;

	(void)state;
	assert_false(is_dirty(rib));
	assert_int_equal(take(rib, rib_all, out, 1, &work), 0);
	assert_false(bgp_rib_next(rib, &pos, &route));
	assert_null(bgp_rib_free(rib));
	assert_null(bgp_rib_free(NULL));
}

static void routes_of_one_set_come_in_one_batch(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct ip_prefix out[8], want;
	struct bgp_rib_work work;
	struct bgp_attrs expect = set_of(1);

	(void)state;
	set(rib, 0, 1);
	set(rib, 1, 2);
	set(rib, 2, 1);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 2);
	assert_int_equal(bgp_attrs_cmp(work.attrs, &expect), 0);
	want = prefix_of(0);
	assert_int_equal(ip_prefix_cmp(&out[0], &want), 0);
	want = prefix_of(2);
	assert_int_equal(ip_prefix_cmp(&out[1], &want), 0);
	assert_int_equal(bgp_rib_n_advertised(rib), 2);
	assert_int_equal(bgp_rib_n_desired(rib), 3);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 0);
	bgp_rib_free(rib);
}

static void a_batch_ends_at_cap_and_goes_on_in_the_same_bucket(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct ip_prefix out[3];
	struct bgp_rib_work work;

	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		set(rib, i, 0);
	assert_int_equal(take(rib, rib_all, out, 0, &work), 0);
	assert_int_equal(take(rib, rib_all, out, 3, &work), 3);
	assert_int_equal(take(rib, rib_all, out, 3, &work), 3);
	assert_int_equal(take(rib, rib_all, out, 3, &work), 1);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void withdrawals_go_before_announcements(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct ip_prefix out[8];
	struct bgp_rib_work work;

	(void)state;
	set(rib, 0, 0);
	drain(rib);
	set(rib, 1, 1);
	del(rib, 0);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_null(work.attrs);
	assert_int_equal(bgp_rib_n_advertised(rib), 0);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_non_null(work.attrs);
	bgp_rib_free(rib);
}

static void a_flap_within_the_window_costs_nothing(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);

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
	struct bgp_rib *rib = bgp_rib_new(NULL);

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
	struct bgp_rib *rib = bgp_rib_new(NULL);
	uint32_t list[2] = {10, 20};
	struct bgp_attrs a = set_of(2), expect = set_of(2);
	struct ip_prefix p = prefix_of(0), out[1];
	struct bgp_rib_work work;

	(void)state;
	a.communities = list;
	assert_true(bgp_rib_set(rib, &p, &a));
	list[0] = list[1] = 0;
	assert_int_equal(take(rib, rib_all, out, 1, &work), 1);
	assert_int_equal(bgp_attrs_cmp(work.attrs, &expect), 0);
	bgp_rib_free(rib);
}

static void after_session_down_all_desired_is_sent_again_and_nothing_withdrawn(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
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
	assert_int_equal(take(rib, rib_all, out, 8, &work), 2);
	assert_non_null(work.attrs);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_sends_all_again_even_through_a_flap(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
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
	assert_int_equal(take(rib, rib_all, out, 8, &work), 2);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void a_refresh_within_a_change_counts_as_asked(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);

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
	struct bgp_rib *rib = bgp_rib_new(NULL);
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

/* The routes of 0 to 9 that are news, as bits. */
static unsigned news_of(struct bgp_rib *rib)
{
	struct bgp_rib_route route;
	unsigned ret = 0;
	size_t pos = 0;

	while (bgp_rib_next(rib, &pos, &route))
		for (unsigned i = 0; i < 10; i++) {
			const struct ip_prefix p = prefix_of(i);

			if (route.is_news && ip_prefix_cmp(&route.prefix, &p) == 0)
				ret |= 1u << i;
		}
	bgp_rib_is_known(rib);
	return ret;
}

static void what_was_sent_with_another_set_is_news_once(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		set(rib, i, 0);
	assert_int_equal(news_of(rib), 0); /* nothing was sent */
	drain(rib);
	assert_int_equal(news_of(rib), 0xf);
	assert_int_equal(news_of(rib), 0);
	set(rib, 1, 1);
	set(rib, 2, 1);
	set(rib, 2, 0); /* and back, before it is sent */
	del(rib, 3);
	bgp_rib_refresh(rib, BGP_IPV4_UNICAST);
	drain(rib);
	assert_int_equal(news_of(rib), 1u << 1);
	set(rib, 0, 1);
	drain(rib);
	bgp_rib_refresh(rib, BGP_IPV4_UNICAST); /* nobody has asked since */
	drain(rib);
	assert_int_equal(news_of(rib), 1u << 0);
	bgp_rib_session_down(rib);
	drain(rib);
	assert_int_equal(news_of(rib), 0x7);
	bgp_rib_free(rib);
}

static void the_limit_refuses_one_more_but_not_a_change(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
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
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct ip_prefix out[8], want = v6_prefix_of(1);
	struct bgp_rib_work work;

	(void)state;
	v6_set(rib, 1, 2);
	set(rib, 0, 2);
	set(rib, 1, 2);
	assert_int_equal(bgp_rib_n_sets(rib), 2);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 2);
	assert_int_equal(work.family, BGP_IPV4_UNICAST);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV6_UNICAST);
	assert_int_equal(ip_prefix_cmp(&out[0], &want), 0);
	assert_false(is_dirty(rib));
	bgp_rib_free(rib);
}

static void withdrawals_of_either_family_go_before_announcements_of_both(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct ip_prefix out[8], gone = v6_prefix_of(1);
	struct bgp_rib_work work;

	(void)state;
	v6_set(rib, 1, 0);
	drain(rib);
	set(rib, 0, 0);
	bgp_rib_del(rib, &gone);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV6_UNICAST);
	assert_null(work.attrs);
	assert_int_equal(take(rib, rib_all, out, 8, &work), 1);
	assert_int_equal(work.family, BGP_IPV4_UNICAST);
	assert_non_null(work.attrs);
	bgp_rib_free(rib);
}

static void what_is_not_taken_waits(void **state)
{
	static const struct bgp_families v4 = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)};
	struct bgp_rib *rib = bgp_rib_new(NULL);
	struct bgp_rib_work work;
	struct ip_prefix out[8];

	(void)state;
	v6_set(rib, 1, 0);
	assert_int_equal(take(rib, v4, out, 8, &work), 0);
	set(rib, 0, 0);
	assert_int_equal(take(rib, v4, out, 8, &work), 1);
	assert_false(bgp_rib_dirty(rib, BGP_IPV4_UNICAST));
	assert_true(bgp_rib_dirty(rib, BGP_IPV6_UNICAST));
	assert_int_equal(bgp_rib_n_advertised(rib), 1);
	bgp_rib_free(rib);
}

static void a_refresh_of_one_family_leaves_the_other(void **state)
{
	struct bgp_rib *rib = bgp_rib_new(NULL);

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
		cmocka_unit_test(what_was_sent_with_another_set_is_news_once),
		cmocka_unit_test(the_limit_refuses_one_more_but_not_a_change),
		cmocka_unit_test(a_batch_is_of_one_family_though_the_sets_are_equal),
		cmocka_unit_test(withdrawals_of_either_family_go_before_announcements_of_both),
		cmocka_unit_test(what_is_not_taken_waits),
		cmocka_unit_test(a_refresh_of_one_family_leaves_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

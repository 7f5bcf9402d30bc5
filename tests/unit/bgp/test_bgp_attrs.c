// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Attribute sets: the order over their content, and deep copies. */
#include "bgp/bgp_attrs.h"
#include "unit/bgp/octets.h"

static const uint32_t communities[] = {1, 2, 3};
static const struct large_community large[] = {{1, 2, 3}, {1, 2, 4}};
static const uint64_t extended[] = {1, 2, UINT64_C(1) << 32};

/* One more difference in each, so that any two differ in exactly one field. */
static size_t variants(struct bgp_attrs v[24])
{
	size_t n = 0;

	v[n++] = (struct bgp_attrs){0};
	v[n++] = (struct bgp_attrs){.origin = BGP_ORIGIN_INCOMPLETE};
	v[n++] = (struct bgp_attrs){.prepend = 1};
	v[n++] = (struct bgp_attrs){.has_local_pref = true};
	v[n++] = (struct bgp_attrs){.has_local_pref = true, .local_pref = 7};
	v[n++] = (struct bgp_attrs){.has_med = true};
	v[n++] = (struct bgp_attrs){.has_med = true, .med = UINT32_MAX};
	v[n++] = (struct bgp_attrs){.next_hop = ip_addr_from_v4(1)};
	v[n++] = (struct bgp_attrs){.communities = communities, .n_communities = 1};
	v[n++] = (struct bgp_attrs){.communities = communities, .n_communities = 2};
	v[n++] = (struct bgp_attrs){.communities = communities + 1, .n_communities = 2};
	v[n++] = (struct bgp_attrs){.large = large, .n_large = 1};
	v[n++] = (struct bgp_attrs){.large = large + 1, .n_large = 1};
	v[n++] = (struct bgp_attrs){.large = large, .n_large = 2};
	v[n++] = (struct bgp_attrs){.extended = extended, .n_extended = 2};
	v[n++] = (struct bgp_attrs){.extended = extended + 1, .n_extended = 2};
	v[n++] = (struct bgp_attrs){.extended = extended, .n_extended = 3};
	return n;
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void each_field_takes_part_in_a_total_order(void **state)
{
	struct bgp_attrs v[24];
	size_t n = variants(v);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			int order = bgp_attrs_cmp(&v[i], &v[j]);

			assert_int_equal(order == 0, i == j);
			assert_int_equal(sign(order), -sign(bgp_attrs_cmp(&v[j], &v[i])));
			for (size_t k = 0; k < n; k++)
				if (order < 0 && bgp_attrs_cmp(&v[j], &v[k]) < 0)
					assert_true(bgp_attrs_cmp(&v[i], &v[k]) < 0);
		}
	}
}

static void a_value_that_is_not_there_does_not_count(void **state)
{
	struct bgp_attrs a = {.local_pref = 5, .med = 6}, b = {.local_pref = 7, .med = 8};

	(void)state;
	assert_int_equal(bgp_attrs_cmp(&a, &b), 0);
}

static void a_copy_is_equal_and_shares_nothing(void **state)
{
	struct bgp_attrs v[24];
	size_t n = variants(v);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct arena *arena = arena_new();
		uint32_t own_communities[3];
		struct large_community own_large[2];
		uint64_t own_extended[3];
		struct bgp_attrs in = v[i], copy;

		memcpy(own_communities, communities, sizeof(own_communities));
		memcpy(own_large, large, sizeof(own_large));
		memcpy(own_extended, extended, sizeof(own_extended));
		if (in.communities)
			in.communities = own_communities + (in.communities - communities);
		if (in.large)
			in.large = own_large + (in.large - large);
		if (in.extended)
			in.extended = own_extended + (in.extended - extended);
		copy = bgp_attrs_copy(arena, &in);
		memset(own_communities, 0xff, sizeof(own_communities));
		memset(own_large, 0xff, sizeof(own_large));
		memset(own_extended, 0xff, sizeof(own_extended));
		assert_int_equal(bgp_attrs_cmp(&copy, &v[i]), 0);
		arena_free(arena);
	}
}

static void lists_of_all_kinds_fit_the_size_that_is_said(void **state)
{
	struct bgp_attrs in = {.communities = communities,
			       .n_communities = 3,
			       .large = large,
			       .n_large = 2,
			       .extended = extended,
			       .n_extended = 3};
	_cleanup_(freep) void *room = xmalloc(bgp_attrs_lists_size(&in));
	struct bgp_attrs copy = bgp_attrs_copy_to(room, &in);

	(void)state;
	assert_int_equal(bgp_attrs_lists_size(&in), 3 * 4 + 2 * 12 + 3 * 8);
	assert_int_equal(bgp_attrs_cmp(&copy, &in), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_takes_part_in_a_total_order),
		cmocka_unit_test(a_value_that_is_not_there_does_not_count),
		cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
		cmocka_unit_test(lists_of_all_kinds_fit_the_size_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

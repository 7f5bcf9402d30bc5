// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/nearest: distances, and what counts as meant.
 */
#include "api/nearest.h"

#include "unit/api/api_test.h"

#include <limits.h>

static void the_distance_counts_edits_and_not_case(void **state)
{
	char longest[65] = "";

	(void)state;
	assert_int_equal(api_name_distance("avoidBuggyIPs", "AvoidBuggyIps"), 0);
	assert_int_equal(api_name_distance("peerASN", "peerAS"), 1);
	assert_int_equal(api_name_distance("adresses", "addresses"), 1);
	assert_int_equal(api_name_distance("kitten", "sitting"), 3);
	assert_int_equal(api_name_distance("", "abc"), 3);
	memset(longest, 'a', 64);
	assert_int_equal(api_name_distance(longest, "a"), INT_MAX);
	longest[63] = '\0';
	assert_int_equal(api_name_distance(longest, longest), 0);
}

static void two_edits_are_near_but_not_in_a_short_name(void **state)
{
	(void)state;
	assert_true(api_name_is_near("adreses", "addresses"));
	assert_false(api_name_is_near("adrss", "addresses"));
	assert_true(api_name_is_near("VRF", "vrf"));
	assert_false(api_name_is_near("mtu", "vrf"));
	assert_true(api_name_is_near("pers", "peers"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_distance_counts_edits_and_not_case),
		cmocka_unit_test(two_edits_are_near_but_not_in_a_short_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * loadBalancerSourceRanges: which sources a frontend lets in, by family, and under which name.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* "10.0.0.0/8 192.0.2.0/24", or "open" without ranges. */
static const char *ranges_text(struct arena *arena, const struct lb_frontend *lb)
{
	const char *ret = "";
	char text[IP_PREFIX_TEXT];

	if (!(lb->flags & LB_F_RANGES))
		return "open";
	assert_int_equal(lb->ranges_name, lb_ranges_name(lb->ranges, lb->n_ranges));
	for (size_t i = 0; i < lb->n_ranges; i++)
		ret = arena_printf(arena, "%s%s%s", ret, i ? " " : "",
				   ip_prefix_text(&lb->ranges[i], text));
	return ret;
}

static void ranges_are_those_of_the_family_without_doubles(void **state)
{
	static const struct {
		const char *more, *want;
		bool told;
	} cases[] = {
		{"", "open", false},
		{"loadBalancerSourceRanges: []", "open", false},
		{"loadBalancerSourceRanges: [10.0.0.0/8]", "10.0.0.0/8", false},
		{"loadBalancerSourceRanges: [192.0.2.0/24, 10.0.0.0/8, 192.0.2.0/24]",
		 "10.0.0.0/8 192.0.2.0/24", false},
		{"loadBalancerSourceRanges: [\"2001:db8::/32\", 10.0.0.0/8]", "10.0.0.0/8", false},
		{"loadBalancerSourceRanges: [0.0.0.0/0]", "0.0.0.0/0", false},
		/* nobody's address is on the list */
		{"loadBalancerSourceRanges: [\"2001:db8::/32\"]", "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		fixture_add_service(f, "web", "Local", cases[i].more);
		(void)fixture_converge(f, 10);
		assert_string_equal(
			ranges_text(arena, &fixture_frontend(f, "192.168.100.0", 80)->lb),
			cases[i].want);
		assert_int_equal(fixture_count(f, "NoSourceRange"), cases[i].told);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
		assert_true(fixture_service(f, "web")->announced);
	}
}

/* What changes is only the set; rows, and so flows, stay as they are. */
static void other_ranges_are_another_name_of_the_same_table(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct lb_frontend before, after;

	(void)state;
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/8]");
	(void)fixture_converge(f, 10);
	before = fixture_frontend(f, "192.168.100.0", 80)->lb;
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/9]");
	(void)fixture_converge(f, 10);
	after = fixture_frontend(f, "192.168.100.0", 80)->lb;
	assert_int_equal(before.table, after.table);
	assert_int_not_equal(before.ranges_name, after.ranges_name);
	assert_int_equal(f->store.items[1].ranges_name, after.ranges_name);
	fixture_add_service(f, "web", "Local", "");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.items[1].ranges_name, 0);
	assert_int_equal(f->store.items[1].flags & LB_F_RANGES, 0);
}

/* A range with an error: what was closed stays closed, as it was. */
static void wrong_range_leaves_the_last_good_ones_in_force(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/8]");
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/8, x]");
	(void)fixture_converge(f, 10);
	assert_string_equal(ranges_text(arena, &fixture_frontend(f, "192.168.100.0", 80)->lb),
			    "10.0.0.0/8");
	/* One that was never right is not served at all. */
	fixture_add_service(f, "new", "Local", "loadBalancerSourceRanges: [10.0.0.0]");
	fixture_add_slice(f, "new", "10.244.0.6@node-a");
	(void)fixture_converge(f, 10);
	assert_null(fixture_service(f, "new"));
}

/* Those that are held until everything was read keep the ranges that they have. */
static void frontend_that_is_held_keeps_its_ranges(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct plan_frontend *fe;
	uint64_t name;

	(void)state;
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/8]");
	(void)fixture_converge(f, 10);
	name = fixture_frontend(f, "192.168.100.0", 80)->lb.ranges_name;
	f->synced = false;
	fixture_add_service(f, "web", "Local", "");
	fixture_plan(f);
	fe = fixture_frontend(f, "192.168.100.0", 80);
	assert_true(fe->hold);
	assert_int_equal(fe->lb.ranges_name, name);
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.items[1].ranges_name, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_those_of_the_family_without_doubles),
		cmocka_unit_test(other_ranges_are_another_name_of_the_same_table),
		cmocka_unit_test(wrong_range_leaves_the_last_good_ones_in_force),
		cmocka_unit_test(frontend_that_is_held_keeps_its_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

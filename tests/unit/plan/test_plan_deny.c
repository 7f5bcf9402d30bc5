// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * spec.dataplane.deny: whose lists are this node's.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DENY(list) "spec: {dataplane: {deny: [" list "]}}"

/* "10.0.0.0/8 | 192.0.2.0/24": list by list. */
static const char *denied_text(struct fixture *f, struct arena *arena)
{
	const char *ret = "";
	char text[IP_PREFIX_TEXT];

	fixture_plan(f);
	for (size_t i = 0; i < f->plan.n_denied; i++) {
		const struct lb_denied *d = &f->plan.denied[i];

		for (size_t k = 0; k < d->n; k++)
			ret = arena_printf(arena, "%s%s%s", ret,
					   k   ? " "
					   : i ? " | "
					       : "",
					   ip_prefix_text(&d->sources[k], text));
	}
	return ret;
}

static void lists_of_all_and_of_this_node_add_up(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_string_equal(denied_text(f, arena), "");
	fixture_object(f, "LodestoneConfig", "node-a", "", DENY("192.0.2.0/24, 10.0.0.0/8"));
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8 192.0.2.0/24");
	fixture_object(f, "LodestoneConfig", "default", "", DENY("10.0.0.0/8"));
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8 | 10.0.0.0/8 192.0.2.0/24");
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {deny: []}}");
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8 192.0.2.0/24");
	fixture_drop(f, "LodestoneConfig", "node-a");
	assert_string_equal(denied_text(f, arena), "");
}

static void a_name_that_goes_on_adds_and_others_do_not(void **state)
{
	static const struct {
		const char *name;
		bool counts;
	} cases[] = {
		{"default.one", true},  {"default.one.two", true}, {"node-a.one", true},
		{"default-one", false}, {"node-a1", false},        {"node-b", false},
		{"node-b.one", false},  {"defaul.one", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		fixture_object(f, "LodestoneConfig", cases[i].name, "", DENY("10.0.0.0/8"));
		assert_string_equal(denied_text(f, arena), cases[i].counts ? "10.0.0.0/8" : "");
		assert_null(fixture_problem(f, "NoEffect", NULL));
	}
}

/* It is told that it has none, and it has none. */
static void only_the_list_counts_where_a_name_goes_on(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default.one", "",
		       "spec: {dataplane: {mode: \"off\", deny: [10.0.0.0/8]}}");
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8");
	assert_true(f->plan.dataplane);
	assert_non_null(fixture_problem(f, "NoEffect", "default.one"));
	fixture_object(f, "LodestoneConfig", "node-b.one", "",
		       "spec: {dataplane: {mode: \"off\"}}");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "NoEffect"), 1);
}

/* A node whose name has a dot is no list of another's. */
static void the_nodes_own_object_may_have_a_name_with_dots(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->settings.node_name = "default.example";
	fixture_object(f, "LodestoneConfig", "default.example", "",
		       "spec: {strict: true, dataplane: {deny: [10.0.0.0/8]}}");
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8");
	assert_null(fixture_problem(f, "NoEffect", NULL));
}

/* Gate 5, and names by which lists are told apart. */
static void nothing_is_taken_back_before_all_was_read(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	uint64_t name;

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", DENY("10.0.0.0/8"));
	f->synced = false;
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8");
	assert_true(f->plan.keeps_denied);
	name = f->plan.denied[0].name;
	f->synced = true;
	assert_string_equal(denied_text(f, arena), "10.0.0.0/8");
	assert_false(f->plan.keeps_denied);
	assert_int_equal(f->plan.denied[0].name, name);
	fixture_object(f, "LodestoneConfig", "default", "", DENY("10.0.0.0/9"));
	assert_string_equal(denied_text(f, arena), "10.0.0.0/9");
	assert_int_not_equal(f->plan.denied[0].name, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_all_and_of_this_node_add_up),
		cmocka_unit_test(a_name_that_goes_on_adds_and_others_do_not),
		cmocka_unit_test(only_the_list_counts_where_a_name_goes_on),
		cmocka_unit_test(the_nodes_own_object_may_have_a_name_with_dots),
		cmocka_unit_test(nothing_is_taken_back_before_all_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

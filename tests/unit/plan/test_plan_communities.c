// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rulings 1 to 3, 15 and 16 of metallb.md 7: what the text in `communities:` stands for, and that
 * what stands for nothing holds back its own advertisement alone.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define C(high, low) ((uint32_t)(high) << 16 | (low))

static void define(struct fixture *f, const char *name, const char *items)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Community", name, "",
		       arena_printf(arena, "spec: {communities: [%s]}", items));
	arena_free(arena);
}

static void advertise(struct fixture *f, const char *communities)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", "adv", "",
		       arena_printf(arena, "spec: {communities: [%s]}", communities));
	arena_free(arena);
	fixture_converge(f, 10);
}

/* The last good version goes with its object: what comes next was never good. */
static void forget(struct fixture *f)
{
	fixture_drop(f, "BGPAdvertisement", "adv");
	fixture_converge(f, 10);
}

static void assert_communities(struct fixture *f, const uint32_t *want, size_t n)
{
	const struct bgp_attrs *held = fixture_held(f, "r1", "192.168.100.0/32");

	assert_non_null(held);
	assert_int_equal(held->n_communities, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(held->communities[i], want[i]);
}

static void literals_names_aliases_and_resources_resolve_in_that_order(void **state)
{
	static const struct {
		const char *text;
		uint32_t want[4];
		size_t n;
	} cases[] = {
		{"\"64512:100\"", {C(64512, 100)}, 1},
		{"no-export", {COMMUNITY_NO_EXPORT}, 1},
		{"NO_ADVERTISE", {COMMUNITY_NO_ADVERTISE}, 1},
		{"gold", {C(1, 1)}, 1},
		{"set", {C(1, 1), C(1, 2)}, 2},
		{"both", {C(9, 9)}, 1}, /* alias beats a resource of that name */
		{"gold, set, \"64512:100\", gold2", {C(1, 1), C(1, 2), C(64512, 100)}, 3},
	};
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	define(f, "set", "{name: gold, value: \"1:1\"}, {name: gold2, value: \"1:2\"}");
	define(f, "both", "{name: x, value: \"7:7\"}");
	define(f, "other", "{name: both, value: \"9:9\"}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		advertise(f, cases[i].text);
		assert_communities(f, cases[i].want, cases[i].n);
	}
}

static void large_communities_travel_beside_the_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct bgp_attrs *held;

	(void)state;
	define(f, "set", "{name: l, value: \"large:4200000001:1:100\"}");
	advertise(f, "l, \"64512:1\", \"large:4200000001:1:100\"");
	held = fixture_held(f, "r1", "192.168.100.0/32");
	assert_int_equal(held->n_communities, 1);
	assert_int_equal(held->n_large, 1);
	assert_int_equal(held->large[0].global, 4200000001u);
}

static void resource_expansion_is_said_and_warned_about_if_it_limits(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	define(f, "plain", "{name: gold, value: \"1:1\"}");
	define(f, "limiting", "{name: silver, value: \"1:2\"}, {name: local, value: no-export}");
	advertise(f, "plain");
	assert_int_equal(fixture_problem(f, "ResolvedFromResource", "adv")->severity,
			 SEVERITY_INFO);
	assert_null(fixture_problem(f, "LimitsPropagation", NULL));
	advertise(f, "limiting");
	assert_int_equal(fixture_problem(f, "LimitsPropagation", "adv")->severity,
			 SEVERITY_WARNING);
	advertise(f, "no-export"); /* asked for by name: no surprise */
	assert_null(fixture_problem(f, "LimitsPropagation", NULL));
}

static void unknown_community_holds_back_its_advertisement_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct problem *p;

	(void)state;
	fixture_add_service(f, "web", "Cluster", ""); /* its host route is by "adv" alone */
	fixture_object(f, "BGPAdvertisement", "second", "", "spec: {aggregationLength: 24}");
	forget(f);
	advertise(f, "primary-path");
	p = fixture_problem(f, "UnknownCommunity", "adv");
	assert_int_equal(p->severity, SEVERITY_ERROR);
	assert_non_null(strstr(p->remedy, "primary-path"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	define(f, "late", "{name: primary-path, value: \"1:1\"}");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

static void service_of_a_held_back_advertisement_says_so(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	forget(f);
	advertise(f, "nowhere");
	assert_string_equal(fixture_service(f, "web")->reason, "advertisementHeldBack");
	assert_null(fixture_problem(f, "PoolNotAdvertised", NULL));
}

static void alias_with_two_values_is_an_error_only_for_its_users(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	define(f, "a", "{name: twice, value: \"1:1\"}, {name: same, value: \"3:3\"}");
	define(f, "b", "{name: twice, value: \"1:2\"}, {name: same, value: \"3:3\"}");
	advertise(f, "same");
	assert_null(fixture_problem(f, "AmbiguousAlias", NULL));
	assert_communities(f, (const uint32_t[]){C(3, 3)}, 1);
	forget(f);
	advertise(f, "twice");
	assert_non_null(fixture_problem(f, "AmbiguousAlias", "adv"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

static void what_cannot_be_a_community_has_a_remedy_that_fits(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	forget(f);
	advertise(f, "\"64512:1:2\"");
	assert_non_null(
		strstr(fixture_problem(f, "InvalidCommunity", "adv")->remedy, "large:64512:1:2"));
	advertise(f, "\"70000:1\"");
	assert_non_null(strstr(fixture_problem(f, "InvalidCommunity", "adv")->message, "70000:1"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

/* The same two advertisements for one prefix after the other: each gets what both attach. */
static void advertisements_of_one_prefix_add_up_for_the_next_as_well(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "one", "", "spec: {communities: [\"1:1\"]}");
	fixture_object(f, "BGPAdvertisement", "two", "", "spec: {communities: [\"2:2\"]}");
	fixture_add_service(f, "web2", "Local", "");
	fixture_add_slice(f, "web2", "10.244.0.6@node-a");
	fixture_add_service(f, "web3", "Local", "");
	fixture_add_slice(f, "web3", "10.244.0.7@node-a");
	fixture_converge(f, 10);
	for (unsigned i = 0; i < 3; i++) {
		char prefix[IP_PREFIX_TEXT];
		const struct bgp_attrs *held;

		(void)snprintf(prefix, sizeof(prefix), "192.168.100.%u/32", i);
		held = fixture_held(f, "r1", prefix);
		assert_non_null(held);
		assert_int_equal(held->n_communities, 2);
		assert_int_equal(held->communities[0], C(1, 1));
		assert_int_equal(held->communities[1], C(2, 2));
	}
}

/* As MetalLB does, but that it costs the advertisement alone. */
static void strict_takes_values_and_aliases_that_are_defined_once(void **state)
{
	static const struct {
		const char *text, *reason; /* NULL: it resolves */
	} cases[] = {
		{"\"1:1\"", NULL},
		{"\"large:1:2:3\"", NULL},
		{"once", NULL},
		{"no-export", "UnknownCommunity"},
		{"resource", "UnknownCommunity"},
		{"twice", "AmbiguousAlias"},
		{"well-known", "InvalidCommunity"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		forget(f);
		define(f, "resource",
		       "{name: once, value: \"1:1\"}, {name: twice, value: \"1:1\"}");
		define(f, "other",
		       "{name: twice, value: \"1:1\"}, {name: well-known, value: no-export}");
		fixture_object(f, "LodestoneConfig", "default", "", "spec: {strict: true}");
		advertise(f, cases[i].text);
		assert_int_equal(!fixture_held(f, "r1", "192.168.100.0/32"), !!cases[i].reason);
		if (cases[i].reason)
			assert_non_null(fixture_problem(f, cases[i].reason, "adv"));
		/* What strict refuses is taken without it. */
		fixture_drop(f, "LodestoneConfig", "default");
		fixture_converge(f, 10);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
		/* And then stays, as any last good version. */
		fixture_object(f, "LodestoneConfig", "default", "", "spec: {strict: true}");
		fixture_converge(f, 10);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_names_aliases_and_resources_resolve_in_that_order),
		cmocka_unit_test(large_communities_travel_beside_the_others),
		cmocka_unit_test(resource_expansion_is_said_and_warned_about_if_it_limits),
		cmocka_unit_test(unknown_community_holds_back_its_advertisement_alone),
		cmocka_unit_test(service_of_a_held_back_advertisement_says_so),
		cmocka_unit_test(alias_with_two_values_is_an_error_only_for_its_users),
		cmocka_unit_test(what_cannot_be_a_community_has_a_remedy_that_fits),
		cmocka_unit_test(advertisements_of_one_prefix_add_up_for_the_next_as_well),
		cmocka_unit_test(strict_takes_values_and_aliases_that_are_defined_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

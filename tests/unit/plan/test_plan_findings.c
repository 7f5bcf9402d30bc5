// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is odd about objects beside each other is told, and changes nothing. */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PEER   "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1"
#define ROUTER "r1"

static void put_nodes(struct fixture *f, size_t n)
{
	static const char *const labels[] = {"labels: {os: linux, rack: a}",
					     "labels: {os: linux, rack: b, edge: 'true'}"};

	for (size_t i = 0; i < n; i++)
		fixture_object(f, "Node", i ? "node-b" : "node-a", labels[i], "");
}

/* The reason of the one problem that has to do with selectors, or "". */
static const char *said(const struct fixture *f)
{
	static const char *const reasons[] = {"SelectsNothing", "SelectsAll", "SelectorNeedless"};
	const char *ret = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		n += fixture_count(f, reasons[i]);
		if (fixture_count(f, reasons[i]))
			ret = reasons[i];
	}
	assert_in_range(n, 0, 1);
	return ret;
}

#define IN(key, value) "{matchExpressions: [{key: " key ", operator: In, values: [" value "]}]}"

static void selectors_of_nodes_are_held_against_them(void **state)
{
	static const struct {
		const char *selectors;
		size_t n_nodes;
		const char *reason, *field;
	} cases[] = {
		{"", 2, "", ""},
		{"{matchLabels: {rack: b}}", 2, "", ""},
		{"{matchLabels: {rack: c}}", 2, "SelectsNothing", "spec.nodeSelectors[0]"},
		{"{matchLabels: {rack: a}}, {matchLabels: {rack: c}}", 2, "SelectsNothing",
		 "spec.nodeSelectors[1]"},
		/* This node alone says nothing about the others. */
		{"{matchLabels: {rack: c}}", 1, "", ""},
		{"{matchLabels: {rack: a}}, {matchLabels: {rack: c}}", 1, "", ""},
		/* Alternatives, of which one selects every node. */
		{"{matchLabels: {edge: 'true'}}, {matchLabels: {os: linux}}", 2, "SelectsAll",
		 "spec.nodeSelectors[1]"},
		{"{matchLabels: {os: linux}}", 2, "", ""},
		/* Alternatives, of which one says less than the other. */
		{IN("rack", "a") ", " IN("rack", "a, b, c") ", " IN("rack", "d"), 0,
		 "SelectorNeedless", "spec.nodeSelectors[0]"},
		{IN("rack", "a") ", {matchLabels: {rack: a}}", 0, "SelectorNeedless",
		 "spec.nodeSelectors[1]"},
		{"{matchLabels: {rack: a, edge: 'true'}}, " IN("rack", "a, b"), 1,
		 "SelectorNeedless", "spec.nodeSelectors[0]"},
		{"{matchLabels: {rack: a}}, {matchLabels: {edge: 'true'}}", 2, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const char *list = arena_printf(arena, "nodeSelectors: [%s]", cases[i].selectors);

		put_nodes(f, cases[i].n_nodes);
		fixture_object(f, "BGPPeer", ROUTER, "", arena_printf(arena, PEER ", %s}", list));
		fixture_plan(f);
		if (strcmp(said(f), cases[i].reason) != 0)
			fail_msg("%s: %s", cases[i].selectors, said(f));
		if (cases[i].reason[0])
			assert_string_equal(fixture_problem(f, cases[i].reason, ROUTER)->field,
					    cases[i].field);
		fixture_drop(f, "BGPPeer", ROUTER);
		fixture_object(f, "BGPAdvertisement", "adv", "",
			       arena_printf(arena, "spec: {%s}", list));
		fixture_plan(f);
		assert_string_equal(said(f), cases[i].reason);
	}
}

static void selectors_of_pools_are_held_against_them(void **state)
{
	static const struct {
		const char *spec, *reason;
	} cases[] = {
		{"ipAddressPoolSelectors: [{matchLabels: {tier: gold}}]", ""},
		{"ipAddressPoolSelectors: [{matchLabels: {tier: tin}}]", "SelectsNothing"},
		{"ipAddressPoolSelectors: [{matchLabels: {tier: gold}}, {}]", "SelectorNeedless"},
		/* Services may come any time. */
		{"serviceSelectors: [{matchLabels: {tier: tin}}]", ""},
		{"serviceSelectors: [{matchLabels: {tier: tin}}, {}]", "SelectorNeedless"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		fixture_object(f, "IPAddressPool", "p", "labels: {tier: gold}",
			       "spec: {addresses: [10.1.0.0/24]}");
		fixture_object(f, "BGPAdvertisement", "adv", "",
			       arena_printf(arena, "spec: {%s}", cases[i].spec));
		fixture_plan(f);
		if (strcmp(said(f), cases[i].reason) != 0)
			fail_msg("%s: %s", cases[i].spec, said(f));
	}
}

static void namespaces_of_pools_are_looked_for_where_any_are_known(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "p", "",
		       "spec: {addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [shop, "
		       "web], namespaceSelectors: [{matchLabels: {team: red}}]}}");
	fixture_plan(f);
	assert_null(fixture_problem(f, "UnknownNamespace", NULL));
	assert_string_equal(said(f), "");
	fixture_object(f, "Namespace", "web", "", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "UnknownNamespace"), 1);
	assert_non_null(strstr(fixture_problem(f, "UnknownNamespace", "p")->message, "shop"));
	assert_string_equal(said(f), "SelectsNothing");
	fixture_put(f, "broken", "{");
	fixture_plan(f);
	assert_null(fixture_problem(f, "UnknownNamespace", NULL));
	assert_string_equal(said(f), "");
	world_drop_source(f->world, "broken");
	fixture_object(f, "Namespace", "shop", "labels: {team: red}", "");
	fixture_plan(f);
	assert_null(fixture_problem(f, "UnknownNamespace", NULL));
	assert_string_equal(said(f), "");
}

static void needless_selector_of_services_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "p", "",
		       "spec: {addresses: [10.1.0.0/24], serviceAllocation: {serviceSelectors: "
		       "[{matchLabels: {a: b}}, {matchExpressions: [{key: a, operator: "
		       "Exists}]}]}}");
	fixture_plan(f);
	assert_string_equal(said(f), "SelectorNeedless");
	assert_string_equal(fixture_problem(f, "SelectorNeedless", "p")->field,
			    "spec.serviceAllocation.serviceSelectors[0]");
}

/* What cannot be read may be what a selector is for. */
static void nothing_is_said_of_nodes_that_cannot_be_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	put_nodes(f, 2);
	fixture_object(f, "BGPPeer", ROUTER, "",
		       PEER ", nodeSelectors: [{matchLabels: {rack: c}}]}");
	fixture_put(f, "broken", "{");
	fixture_plan(f);
	assert_string_equal(said(f), "");
	world_drop_source(f->world, "broken");
	fixture_plan(f);
	assert_string_equal(said(f), "SelectsNothing");
}

static void alias_with_another_value_is_told_of_the_newer_object(void **state)
{
	static const struct {
		const char *first, *second;
		size_t n;
	} cases[] = {
		{"{name: a, value: '1:1'}", "{name: a, value: '1:2'}", 1},
		{"{name: a, value: '1:1'}", "{name: a, value: '1:1'}", 0},
		{"{name: a, value: no-export}", "{name: a, value: '65535:65281'}", 0},
		{"{name: a, value: '1:1'}", "{name: b, value: '1:2'}", 0},
		{"{name: a, value: '1:1'}", "{name: b, value: '1:1'}, {name: a, value: '1:3'}", 1},
		{"{name: a, value: '1:1'}, {name: b, value: '1:1'}", "{name: b, value: '1:2'}", 1},
		{"{name: b, value: '1:1'}", "{name: a, value: '1:1'}, {name: a, value: '1:3'}", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		fixture_object(f, "Community", "z-older",
			       "creationTimestamp: '2024-01-01T00:00:00Z'",
			       arena_printf(arena, "spec: {communities: [%s]}", cases[i].first));
		fixture_object(f, "Community", "newer", "creationTimestamp: '2024-01-02T00:00:00Z'",
			       arena_printf(arena, "spec: {communities: [%s]}", cases[i].second));
		fixture_plan(f);
		assert_int_equal(fixture_count(f, "AliasRedefined"), cases[i].n);
		if (cases[i].n)
			assert_non_null(fixture_problem(f, "AliasRedefined", "newer"));
	}
}

static void pool_that_nobody_announces_is_told_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_null(fixture_problem(f, "PoolNotAdvertised", NULL));
	fixture_object(f, "IPAddressPool", "spare", "", "spec: {addresses: [172.16.0.0/24]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {ipAddressPools: [pool-a]}");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "PoolNotAdvertised"), 1);
	assert_non_null(fixture_problem(f, "PoolNotAdvertised", "spare"));
}

static void local_pref_that_nobody_ever_sees_is_told_so(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {localPref: 200}");
	fixture_plan(f);
	assert_non_null(strstr(fixture_problem(f, "LocalPrefOnEbgp", "adv")->message, "no router"));
	fixture_object(f, "BGPPeer", "inner", "",
		       "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.2}");
	fixture_plan(f);
	assert_null(strstr(fixture_problem(f, "LocalPrefOnEbgp", "adv")->message, "no router"));
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {localPref: 200, peers: [inner]}");
	fixture_plan(f);
	assert_null(fixture_problem(f, "LocalPrefOnEbgp", "adv"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_of_nodes_are_held_against_them),
		cmocka_unit_test(selectors_of_pools_are_held_against_them),
		cmocka_unit_test(namespaces_of_pools_are_looked_for_where_any_are_known),
		cmocka_unit_test(needless_selector_of_services_is_told),
		cmocka_unit_test(nothing_is_said_of_nodes_that_cannot_be_read),
		cmocka_unit_test(alias_with_another_value_is_told_of_the_newer_object),
		cmocka_unit_test(pool_that_nobody_announces_is_told_once),
		cmocka_unit_test(local_pref_that_nobody_ever_sees_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

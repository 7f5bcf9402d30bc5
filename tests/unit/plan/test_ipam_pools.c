// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Choice of pools (metallb.md 2.4) and overlaps (ruling 14), seen through the allocator.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *pool_of(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0)
			return f->addresses.items[i].pool;
	return "";
}

static void pinned_pools_come_first_by_priority_and_zero_is_last(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "a-general", "", "spec: {addresses: [10.1.0.0/32]}");
	fixture_object(f, "IPAddressPool", "b-last", "",
		       "spec: {addresses: [10.2.0.0/32], serviceAllocation: {priority: 0}}");
	fixture_object(f, "IPAddressPool", "c-second", "",
		       "spec: {addresses: [10.3.0.0/32], serviceAllocation: {priority: 20}}");
	fixture_object(f, "IPAddressPool", "d-first", "",
		       "spec: {addresses: [10.4.0.0/32], serviceAllocation: {priority: -10}}");
	for (int i = 0; i < 4; i++)
		fixture_add_service(f, (const char *[]){"s1", "s2", "s3", "s4"}[i], "Cluster", "");
	fixture_plan(f);
	assert_string_equal(pool_of(f, "s1"), "d-first");
	assert_string_equal(pool_of(f, "s2"), "c-second");
	assert_string_equal(pool_of(f, "s3"), "b-last");
	assert_string_equal(pool_of(f, "s4"), "a-general");
}

static void service_allocation_admits_by_namespace_or_its_labels_and_by_service(void **state)
{
	static const struct {
		const char *allocation;
		bool admitted;
	} cases[] = {
		{"namespaces: [default]", true},
		{"namespaces: [other]", false},
		{"namespaces: [other], namespaceSelectors: [{matchLabels: {team: blue}}]", true},
		{"namespaceSelectors: [{matchLabels: {team: red}}]", false},
		{"serviceSelectors: [{matchLabels: {tier: gold}}]", true},
		{"serviceSelectors: [{matchLabels: {tier: tin}}]", false},
		{"namespaces: [other], serviceSelectors: [{matchLabels: {tier: gold}}]", false},
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		fixture_object(f, "Namespace", "default", "labels: {team: blue}", "");
		fixture_object(f, "IPAddressPool", "p", "",
			       arena_printf(arena,
					    "spec: {addresses: [10.1.0.0/24], "
					    "serviceAllocation: {%s}}",
					    cases[i].allocation));
		fixture_object(f, "Service", "s", "labels: {tier: gold}",
			       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
		fixture_plan(f);
		assert_string_equal(pool_of(f, "s"), cases[i].admitted ? "p" : "");
	}
	arena_free(arena);
}

static void pool_that_does_not_admit_is_closed_to_requests_too(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(
		f, "IPAddressPool", "p", "",
		"spec: {addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [other]}}");
	fixture_object(f, "Service", "ip", "annotations: {metallb.io/loadBalancerIPs: 10.1.0.1}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
	fixture_object(f, "Service", "name", "annotations: {metallb.io/address-pool: p}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
	fixture_plan(f);
	assert_string_equal(pool_of(f, "ip"), "");
	assert_string_equal(pool_of(f, "name"), "");
}

static void older_pool_keeps_what_two_pools_share(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "a-newer", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       "spec: {addresses: [10.1.0.0/30]}");
	fixture_object(f, "IPAddressPool", "b-older", "creationTimestamp: \"2024-01-01T00:00:00Z\"",
		       "spec: {addresses: [10.1.0.0/31], autoAssign: false}");
	fixture_add_service(f, "s", "Cluster", "");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "OverlapsWith", "a-newer"));
	assert_null(fixture_problem(f, "OverlapsWith", "b-older"));
	assert_string_equal(pool_of(f, "s"), "a-newer");
	assert_int_equal(ip_addr_v4(&f->addresses.items[0].addr), 0x0a010002);
}

static void pool(struct fixture *f, const char *name, const char *addresses)
{
	struct arena *arena = arena_new();

	fixture_object(f, "IPAddressPool", name, "",
		       arena_printf(arena, "spec: {addresses: [%s]}", addresses));
	arena_free(arena);
}

static void overlap_is_told_once_for_the_newer_pool_wherever_it_lies(void **state)
{
	static const struct {
		const char *older, *second, *newer;
		const char *told; /* NULL: nothing; else the words about whom */
	} cases[] = {
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.0-10.1.0.7", NULL},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.16-10.1.0.20", NULL},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.0-10.1.0.8", "pool a,"},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.15-10.1.0.20", "pool a,"},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.0-10.1.0.20", "pool a,"},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.9-10.1.0.9", "pool a,"},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.8-10.1.0.15", "pool a,"},
		{"10.1.0.8-10.1.0.15", NULL, "10.1.0.0-10.1.0.1, 10.1.0.15-10.1.0.16", "pool a,"},
		{"10.1.0.8-10.1.0.9", "10.1.0.12-10.1.0.13", "10.1.0.0-10.1.0.20",
		 "pool a, and with others,"},
		{"10.1.0.12-10.1.0.13", "10.1.0.8-10.1.0.9", "10.1.0.0-10.1.0.20",
		 "pool b, and with others,"},
		{"10.1.0.8-10.1.0.9", "10.1.0.12-10.1.0.13", "10.1.0.12-10.1.0.20", "pool b,"},
		{"10.1.0.8-10.1.0.9, 10.1.0.12-10.1.0.13", NULL, "10.1.0.0-10.1.0.20", "pool a,"},
		{"\"2001:db8::/64\"", NULL, "\"2001:db8:0:0:1::/80\"", "pool a,"},
		{"\"ffff::/16\"", NULL, "255.255.255.0/24, \"ffff:ffff::/32\"", "pool a,"},
		{"\"::/0\"", NULL, "10.0.0.0/8", NULL},
		{"10.0.0.0/8", NULL, "\"::/0\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct problem *p;

		pool(f, "a", cases[i].older);
		if (cases[i].second)
			pool(f, "b", cases[i].second);
		pool(f, "c", cases[i].newer);
		fixture_plan(f);
		p = fixture_problem(f, "OverlapsWith", "c");
		assert_int_equal(fixture_count(f, "OverlapsWith"), cases[i].told != NULL);
		if (cases[i].told)
			assert_non_null(strstr(p->message, cases[i].told));
	}
}

static void ranges_of_ipv6_are_passed_over(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "a", "\"2001:db8::/64\"");
	pool(f, "b", "\"::/0\", 10.1.0.4/32, 255.255.255.255/32, 0.0.0.5/32");
	for (int i = 0; i < 4; i++)
		fixture_add_service(f, (const char *[]){"s1", "s2", "s3", "s4"}[i], "Cluster", "");
	fixture_plan(f);
	assert_int_equal(f->addresses.n, 3);
	assert_int_equal(ip_addr_v4(&f->addresses.items[0].addr), 0x0a010004);
	assert_int_equal(ip_addr_v4(&f->addresses.items[1].addr), 0xffffffff);
	assert_int_equal(ip_addr_v4(&f->addresses.items[2].addr), 5);
	assert_non_null(fixture_problem(f, "PoolExhausted", "s4"));
}

static void pool_pinned_to_one_namespace_is_not_for_the_next(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "p", "",
		       "spec: {addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [a]}}");
	fixture_object(f, "IPAddressPool", "q", "",
		       "spec: {addresses: [10.2.0.0/24], serviceAllocation: {namespaces: [b]}}");
	fixture_put(f, "services",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: a}\n"
		    "spec: {type: LoadBalancer, ports: [{port: 80}]}\n---\n"
		    "apiVersion: v1\nkind: Service\nmetadata: {name: t, namespace: b}\n"
		    "spec: {type: LoadBalancer, ports: [{port: 80}]}\n---\n"
		    "apiVersion: v1\nkind: Service\nmetadata: {name: u, namespace: c}\n"
		    "spec: {type: LoadBalancer, ports: [{port: 80}]}\n");
	fixture_plan(f);
	assert_string_equal(pool_of(f, "s"), "p");
	assert_string_equal(pool_of(f, "t"), "q");
	assert_string_equal(pool_of(f, "u"), "");
}

/* Two objects of one name, in the agent's namespace and in none: the older one is meant. */
static void name_means_the_older_of_two(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "IPAddressPool", "p", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       "spec: {addresses: [10.1.0.0/24]}");
	fixture_put(f, "no namespace",
		    "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p, "
		    "creationTimestamp: \"2024-01-01T00:00:00Z\"}\n"
		    "spec: {addresses: [10.2.0.0/24]}\n");
	fixture_object(f, "Service", "s", "annotations: {metallb.io/address-pool: p}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}");
	fixture_plan(f);
	assert_int_equal(ip_addr_v4(&f->addresses.items[0].addr), 0x0a020000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pinned_pools_come_first_by_priority_and_zero_is_last),
		cmocka_unit_test(
			service_allocation_admits_by_namespace_or_its_labels_and_by_service),
		cmocka_unit_test(pool_that_does_not_admit_is_closed_to_requests_too),
		cmocka_unit_test(older_pool_keeps_what_two_pools_share),
		cmocka_unit_test(overlap_is_told_once_for_the_newer_pool_wherever_it_lies),
		cmocka_unit_test(ranges_of_ipv6_are_passed_over),
		cmocka_unit_test(name_means_the_older_of_two),
		cmocka_unit_test(pool_pinned_to_one_namespace_is_not_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

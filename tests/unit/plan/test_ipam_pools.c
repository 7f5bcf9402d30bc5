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
		{"\"fe00::/7\"", NULL, "255.255.255.0/24, \"feff:ffff::/32\"", "pool a,"},
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
	pool(f, "b", "\"::/0\", 10.1.0.4/32, 255.255.255.254/32, 1.0.0.0/32");
	for (int i = 0; i < 4; i++)
		fixture_add_service(f, (const char *[]){"s1", "s2", "s3", "s4"}[i], "Cluster", "");
	fixture_plan(f);
	assert_int_equal(f->addresses.n, 3);
	assert_int_equal(ip_addr_v4(&f->addresses.items[0].addr), 0x0a010004);
	assert_int_equal(ip_addr_v4(&f->addresses.items[1].addr), 0xfffffffe);
	assert_int_equal(ip_addr_v4(&f->addresses.items[2].addr), 0x01000000);
	assert_non_null(fixture_problem(f, "PoolExhausted", "s4"));
}

static const char *address_of(const struct fixture *f, const char *name, char text[IP_ADDR_TEXT])
{
	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0)
			return ip_addr_text(&f->addresses.items[i].addr, text);
	return "";
}

/* Of each range what lies before, between and behind what is no host's; and it is told. */
static void what_is_no_hosts_is_not_given_and_costs_nothing_else(void **state)
{
	static const struct {
		const char *ranges, *field;
		enum severity severity;
		const char *told;
		const char *first, *second; /* what two Services get */
	} cases[] = {
		{"0.0.0.0/0", "spec.addresses[0]", SEVERITY_WARNING,
		 "holds addresses that no host can have, of 0.0.0.0/8 (this network), "
		 "127.0.0.0/8 (loopback), 169.254.0.0/16 (link-local), 224.0.0.0/4 (multicast), "
		 "255.255.255.255/32 (broadcast); the others are given to Services",
		 "1.0.0.0", "1.0.0.1"},
		{"126.255.255.255-128.0.0.0", "spec.addresses[0]", SEVERITY_WARNING,
		 "of 127.0.0.0/8 (loopback); the others", "126.255.255.255", "128.0.0.0"},
		{"223.255.255.255-224.0.0.9, 10.1.0.1/32", "spec.addresses[0]", SEVERITY_WARNING,
		 "of 224.0.0.0/4 (multicast); the others", "223.255.255.255", "10.1.0.1"},
		{"10.1.0.1/32, 224.0.0.9-224.0.0.20, 10.1.0.2/32", "spec.addresses[1]",
		 SEVERITY_ERROR, "of 224.0.0.0/4 (multicast); none of it is given to a Service",
		 "10.1.0.1", "10.1.0.2"},
		{"169.254.255.255-169.255.0.0", "spec.addresses[0]", SEVERITY_WARNING,
		 "of 169.254.0.0/16 (link-local); the others", "169.255.0.0", ""},
		{"255.255.255.254/31", "spec.addresses[0]", SEVERITY_WARNING,
		 "of 255.255.255.255/32 (broadcast); the others", "255.255.255.254", ""},
		{"127.0.0.1/32", "spec.addresses[0]", SEVERITY_ERROR,
		 "of 127.0.0.0/8 (loopback); none of it", "", ""},
		{"0.255.255.255-1.0.0.0", "spec.addresses[0]", SEVERITY_WARNING,
		 "of 0.0.0.0/8 (this network); the others", "1.0.0.0", ""},
		{"240.0.0.1-240.0.0.2", NULL, SEVERITY_INFO, NULL, "240.0.0.1", "240.0.0.2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct problem *p;
		char text[IP_ADDR_TEXT];

		pool(f, "p", cases[i].ranges);
		fixture_add_service(f, "s1", "Cluster", "");
		fixture_add_service(f, "s2", "Cluster", "");
		fixture_plan(f);
		assert_string_equal(address_of(f, "s1", text), cases[i].first);
		assert_string_equal(address_of(f, "s2", text), cases[i].second);
		p = fixture_problem(f, "NotForHosts", "p");
		assert_int_equal(fixture_count(f, "NotForHosts"), cases[i].told != NULL);
		if (!cases[i].told)
			continue;
		assert_string_equal(p->object.kind, "IPAddressPool");
		assert_string_equal(p->field, cases[i].field);
		assert_int_equal(p->severity, cases[i].severity);
		assert_non_null(strstr(p->message, cases[i].told));
		assert_string_equal(p->remedy, "take these addresses out of it");
	}
}

/* The address of a Service that asks for it, or has it, of a pool of all addresses. */
static const char *given(const char *address, bool has, char text[IP_ADDR_TEXT])
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	pool(f, "p", "0.0.0.0/0, \"::/0\"");
	fixture_object(f, "Service", "s", "",
		       arena_printf(arena, "spec: {type: LoadBalancer, ports: [{port: 80}]%s%s%s",
				    has ? "}\nstatus: {loadBalancer: {ingress: [{ip: \""
					: ", loadBalancerIP: \"",
				    address, has ? "\"}]}}" : "\"}"));
	fixture_plan(f);
	return address_of(f, "s", text);
}

/* IPv6's, too; and what somebody else gave is given up. */
static void what_is_no_hosts_is_not_given_by_request_either(void **state)
{
	static const struct {
		const char *address;
		bool given;
	} cases[] = {
		{"::", false},
		{"::1", false},
		{"::2", true},
		{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"fe80::", false},
		{"fe80::7", false},
		{"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
		{"fec0::", true},
		{"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
		{"ff00::", false},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
		{"10.1.0.4", true},
		{"126.255.255.255", true},
		{"127.0.0.0", false},
		{"128.0.0.0", true},
		{"239.255.255.255", false},
		{"240.0.0.0", true},
		{"255.255.255.255", false},
		{"169.253.255.255", true},
		{"169.254.0.0", false},
	};
	char text[IP_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(given(cases[i].address, false, text),
				    cases[i].given ? cases[i].address : "");
		assert_int_equal(strcmp(given(cases[i].address, true, text), cases[i].address) == 0,
				 cases[i].given);
	}
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
		cmocka_unit_test(what_is_no_hosts_is_not_given_and_costs_nothing_else),
		cmocka_unit_test(what_is_no_hosts_is_not_given_by_request_either),
		cmocka_unit_test(name_means_the_older_of_two),
		cmocka_unit_test(pool_pinned_to_one_namespace_is_not_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

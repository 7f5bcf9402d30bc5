// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses of two families (metallb.md 2.4, 2.5, 2.7): which a Service gets, what of it comes from
 * one pool, and what becomes of the one when the other cannot be had.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define POOL4  "addresses: [10.1.0.0/30]"
#define POOL6  "addresses: [\"2001:db8:1::/64\"]"
#define POOL46 "addresses: [10.2.0.0/30, \"2001:db8:2::/64\"]"
#define PREFER "ipFamilyPolicy: PreferDualStack"
#define BOTH   "ipFamilyPolicy: RequireDualStack"

/* "10.2.0.0 2001:db8:2::", "" without an address. */
static const char *addresses(const struct fixture *f, const char *name)
{
	const char *ret = "";
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0)
			ret = arena_printf(f->arena, "%s%s%s", ret, ret[0] ? " " : "",
					   ip_addr_text(&f->addresses.items[i].addr, text));
	return ret;
}

static void pool(struct fixture *f, const char *name, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "IPAddressPool", name, "", arena_printf(arena, "spec: {%s}", spec));
}

static void service(struct fixture *f, const char *name, const char *annotations, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", name, arena_printf(arena, "annotations: {%s}", annotations),
		       arena_printf(arena, "spec: {type: LoadBalancer, ports: [{port: 80}]%s%s}",
				    spec[0] ? ", " : "", spec));
}

static void families_that_are_wanted_choose_the_pool(void **state)
{
	static const struct {
		const char *spec, *want;
	} cases[] = {
		{"", "10.1.0.0"},
		{"ipFamilies: [IPv4]", "10.1.0.0"},
		{"ipFamilies: [IPv6]", "2001:db8:1::"},
		{"ipFamilyPolicy: SingleStack, ipFamilies: [IPv6]", "2001:db8:1::"},
		{"ipFamilies: [IPv6, IPv4]", "10.2.0.0 2001:db8:2::"},
		{PREFER, "10.2.0.0 2001:db8:2::"},
		{BOTH, "10.2.0.0 2001:db8:2::"},
		{"clusterIPs: [10.96.0.9], " PREFER, "10.1.0.0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		pool(f, "a", POOL4);
		pool(f, "b", POOL6);
		pool(f, "c", POOL46);
		service(f, "s", "", cases[i].spec);
		fixture_plan(f);
		assert_string_equal(addresses(f, "s"), cases[i].want);
		assert_int_equal(f->ipam_problems.n, 0);
	}
}

/* No pool has both: one that prefers takes its first family, one that requires waits. */
static void without_a_pool_of_both_who_prefers_takes_one_and_who_requires_waits(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "a", POOL4);
	pool(f, "b", POOL6);
	service(f, "four", "", PREFER);
	service(f, "six", "", PREFER ", ipFamilies: [IPv6]");
	service(f, "both", "", BOTH);
	fixture_plan(f);
	assert_string_equal(addresses(f, "four"), "10.1.0.0");
	assert_string_equal(addresses(f, "six"), "2001:db8:1::");
	assert_string_equal(addresses(f, "both"), "");
	assert_int_equal(fixture_problem(f, "OneFamilyOnly", "four")->severity, SEVERITY_INFO);
	assert_int_equal(fixture_count(f, "OneFamilyOnly"), 2);
	assert_non_null(
		strstr(fixture_problem(f, "PoolExhausted", "both")->message, "IPv4 and IPv6"));

	/* MetalLB's 2.7: the pool grows a family; no better pool is jumped to. */
	pool(f, "c", POOL46);
	fixture_plan(f);
	assert_string_equal(addresses(f, "both"), "10.2.0.0 2001:db8:2::");
	assert_string_equal(addresses(f, "four"), "10.1.0.0");
	pool(f, "a", "addresses: [10.1.0.0/30, \"2001:db8:a::/64\"]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "four"), "10.1.0.0 2001:db8:a::");
	assert_string_equal(addresses(f, "six"), "2001:db8:1::");
	assert_int_equal(fixture_count(f, "OneFamilyOnly"), 1);
}

/* A word about what is missing alone. */
static void what_the_pool_lacks_is_named(void **state)
{
	static const struct {
		const char *pool, *message;
	} cases[] = {
		{"four", "no free IPv6 address in pool four"},
		{"six", "no free IPv4 address in pool six"},
		{"full", "no free IPv4 and IPv6 address in pool full"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		pool(f, "four", POOL4);
		pool(f, "six", POOL6);
		pool(f, "full", "addresses: [10.9.0.0/32, \"2001:db8:9::/128\"]");
		service(f, "a", "metallb.io/address-pool: full", BOTH);
		service(f, "s",
			arena_printf(f->arena, "metallb.io/address-pool: %s", cases[i].pool), BOTH);
		fixture_plan(f);
		assert_string_equal(addresses(f, "s"), "");
		assert_string_equal(fixture_problem(f, "PoolExhausted", "s")->message,
				    cases[i].message);
	}
}

static void pool_that_has_one_family_left_is_passed_by(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "a", "addresses: [10.1.0.0/32, \"2001:db8:1::/64\"]");
	pool(f, "b", POOL46);
	service(f, "a", "", "");
	service(f, "b", "", BOTH);
	service(f, "c", "", BOTH);
	service(f, "d", "", "ipFamilies: [IPv6]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "a"), "10.1.0.0");
	assert_string_equal(addresses(f, "b"), "10.2.0.0 2001:db8:2::");
	assert_string_equal(addresses(f, "c"), "10.2.0.1 2001:db8:2::1");
	assert_string_equal(addresses(f, "d"), "2001:db8:1::"); /* nothing was taken there */
}

/* The Service wants a family more, or less: what it keeps it keeps. */
static void edit_of_the_families_moves_nothing_that_stays_wanted(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "b", POOL46);
	pool(f, "x", "addresses: [10.1.0.0/30], autoAssign: false");
	service(f, "0", "", "");
	service(f, "s", "", "");
	service(f, "t", "metallb.io/address-pool: x", "");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.1");
	service(f, "s", "", BOTH);
	service(f, "t", "metallb.io/address-pool: x", BOTH);
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.1 2001:db8:2::");
	assert_string_equal(addresses(f, "t"), "10.1.0.0");
	assert_non_null(strstr(fixture_problem(f, "PoolExhausted", "t")->message,
			       "no free IPv6 address in pool x; meanwhile the Service keeps "
			       "10.1.0.0"));
	fixture_drop(f, "Service", "0");
	service(f, "s", "", "ipFamilies: [IPv6]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "2001:db8:2::");
	service(f, "s", "", "ipFamilies: [IPv6, IPv4]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.0 2001:db8:2::");
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
}

/* Each family by itself; the one that is not asked for comes from the pool of the other. */
static void requests_are_by_family(void **state)
{
	static const struct {
		const char *ask, *spec, *want;
	} cases[] = {
		{"\"10.2.0.2,2001:db8:2::7\"", BOTH, "10.2.0.2 2001:db8:2::7"},
		{"\"2001:db8:2::7 , 10.2.0.2\"", PREFER, "10.2.0.2 2001:db8:2::7"},
		{"10.2.0.2", BOTH, "10.2.0.2 2001:db8:2::"},
		{"\"2001:db8:2::7\"", BOTH, "10.2.0.0 2001:db8:2::7"},
		{"\"10.1.0.2,2001:db8:2::7\"", BOTH, "10.1.0.2 2001:db8:2::7"},
		/* Nothing is said about families: what is asked for says it. */
		{"\"10.2.0.2,2001:db8:2::7\"", "", "10.2.0.2 2001:db8:2::7"},
		{"\"2001:db8:2::7\"", "", "2001:db8:2::7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		pool(f, "a", POOL4);
		pool(f, "c", POOL46);
		service(f, "s",
			arena_printf(f->arena, "metallb.universe.tf/loadBalancerIPs: %s",
				     cases[i].ask),
			cases[i].spec);
		fixture_plan(f);
		assert_string_equal(addresses(f, "s"), cases[i].want);
		assert_int_equal(f->ipam_problems.n, 0);
	}
}

static void request_that_fails_costs_the_other_family_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct problem *p;

	(void)state;
	pool(f, "c", POOL46);
	service(f, "s", "metallb.io/loadBalancerIPs: \"10.2.0.2,2001:db8:9::7\"", BOTH);
	service(f, "two", "metallb.io/loadBalancerIPs: \"2001:db8:2::7,2001:db8:2::8\"", BOTH);
	service(f, "one", "metallb.io/loadBalancerIPs: \"2001:db8:9::7\"", BOTH);
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.2");
	p = fixture_problem(f, "AddressNotInPool", "s");
	assert_non_null(strstr(p->message, "2001:db8:9::7"));
	assert_non_null(strstr(p->message, "keeps 10.2.0.2"));
	assert_string_equal(addresses(f, "two"), "");
	assert_non_null(strstr(fixture_problem(f, "InvalidRequest", "two")->message,
			       "more than one IPv6 address"));
	/* It requires both, and one of them it does not get: it takes none. */
	assert_string_equal(addresses(f, "one"), "");
}

static void address_of_a_family_that_is_not_wanted_is_a_warning(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "c", POOL46);
	service(f, "s", "metallb.io/loadBalancerIPs: \"10.2.0.2,2001:db8:2::7\"",
		"ipFamilies: [IPv4]");
	service(f, "t", "a: b", "ipFamilies: [IPv6], loadBalancerIP: 10.2.0.1");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.2");
	assert_int_equal(fixture_problem(f, "FamilyNotWanted", "s")->severity, SEVERITY_WARNING);
	assert_string_equal(addresses(f, "t"), "2001:db8:2::");
	assert_int_equal(fixture_count(f, "FamilyNotWanted"), 2);
}

/* A wish that cannot be read keeps both, also where only the last wish said that both are wanted.
 */
static void wish_that_cannot_be_read_keeps_both(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "c", POOL46);
	service(f, "s", "metallb.io/loadBalancerIPs: \"10.2.0.2,2001:db8:2::7\"", "");
	fixture_plan(f);
	service(f, "s", "metallb.io/loadBalancerIPs: \"10.2.0.2,2001:db8:2::x\"", "");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.2 2001:db8:2::7");
	assert_non_null(strstr(fixture_problem(f, "InvalidRequest", "s")->message,
			       "keeps 10.2.0.2 and 2001:db8:2::7"));
}

static void address_that_no_pool_holds_is_replaced_in_its_family_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "c", POOL46);
	service(f, "s", "", BOTH);
	fixture_plan(f);
	pool(f, "c", "addresses: [10.2.0.0/30, \"2001:db8:3::/64\"]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.0 2001:db8:3::");
	assert_non_null(strstr(fixture_problem(f, "AddressCleared", "s")->message, "2001:db8:2::"));
	/* Split by family: each stays with who holds it now. */
	pool(f, "c", "addresses: [10.2.0.0/30]");
	pool(f, "d", "addresses: [\"2001:db8:3::/64\"]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.0 2001:db8:3::");
	assert_int_equal(f->ipam_problems.n, 0);
}

static void both_move_to_the_pool_that_is_wished_for_or_each_that_can(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "c", POOL46);
	pool(f, "d", "addresses: [10.4.0.0/30, \"2001:db8:4::/64\"], autoAssign: false");
	pool(f, "e", "addresses: [10.5.0.0/30], autoAssign: false");
	service(f, "s", "", BOTH);
	service(f, "t", "", PREFER);
	fixture_plan(f);
	service(f, "s", "metallb.io/address-pool: d", BOTH);
	service(f, "t", "metallb.io/address-pool: e", PREFER);
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.4.0.0 2001:db8:4::");
	assert_string_equal(addresses(f, "t"), "10.5.0.0 2001:db8:2::1");
	assert_non_null(strstr(fixture_problem(f, "PoolExhausted", "t")->message,
			       "no free IPv6 address in pool e"));
	service(f, "s", "metallb.io/address-pool: e", BOTH);
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.4.0.0 2001:db8:4::");
}

/* What shares an IPv4 address shares its IPv6 one by the same rules. */
static void sharing_is_by_family_and_one_key(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	static const char *const ports[] = {"80", "443", "80"};

	(void)state;
	pool(f, "c", POOL46);
	for (size_t i = 0; i < 3; i++)
		fixture_object(f, "Service", (const char *[]){"a", "b", "c"}[i],
			       "annotations: {metallb.io/allow-shared-ip: k}",
			       arena_printf(f->arena,
					    "spec: {type: LoadBalancer, ports: [{port: %s}], %s}",
					    ports[i], i == 1 ? PREFER : BOTH));
	fixture_plan(f);
	assert_string_equal(addresses(f, "a"), "10.2.0.0 2001:db8:2::");
	assert_string_equal(addresses(f, "b"), "10.2.0.0 2001:db8:2::");
	assert_string_equal(addresses(f, "c"), "10.2.0.1 2001:db8:2::1");
}

/* A /64 and all of IPv6 are counted nowhere; the unspecified address and loopback's are nobody's.
 */
static void large_ranges_cost_nothing_and_their_ends_are_safe(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "a", "addresses: [\"feff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127\"]");
	pool(f, "b", "addresses: [\"::/0\"]");
	for (size_t i = 0; i < 4; i++)
		service(f, (const char *[]){"a", "b", "c", "d"}[i],
			i < 2 ? "metallb.io/address-pool: a" : "", "ipFamilies: [IPv6]");
	service(f, "e", "metallb.io/loadBalancerIPs: \"2001:db8::\"", "ipFamilies: [IPv6]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "a"), "feff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	assert_string_equal(addresses(f, "b"), "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_string_equal(addresses(f, "c"), "::2");
	assert_string_equal(addresses(f, "d"), "::3");
	assert_string_equal(addresses(f, "e"), "2001:db8::");
}

/* What a plan takes of memory with one pool of these ranges and a Service of each family. */
static size_t used_with(const char *ranges)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	pool(f, "a", ranges);
	service(f, "four", "", "");
	service(f, "six", "", "ipFamilies: [IPv6]");
	fixture_plan(f);
	assert_string_equal(addresses(f, "four"), "11.0.0.0");
	assert_string_equal(addresses(f, "six"), "2001:db8::");
	return arena_used(f->arena);
}

static void a_pool_takes_as_much_memory_whatever_its_size(void **state)
{
	const size_t small = used_with("addresses: [11.0.0.0/30, \"2001:db8::/126\"]");

	(void)state;
	assert_int_equal(used_with("addresses: [11.0.0.0/8, \"2001:db8::/64\"]"), small);
}

/* In the midst of IPv6 lie the addresses that stand for IPv4: no range of it ends or begins there.
 */
static void what_stands_for_ipv4_is_not_of_ipv6(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "a", "addresses: [\"::fffe:ffff:fffe/127\"]");
	pool(f, "b", "addresses: [\"::/0\"], autoAssign: false");
	service(f, "four", "", "");
	service(f, "s", "metallb.io/loadBalancerIPs: \"::fffe:ffff:ffff\"", "");
	service(f, "t", "metallb.io/loadBalancerIPs: \"::1:0:0:0\"", "");
	service(f, "u", "metallb.io/loadBalancerIPs: \"2001:db8::1\"", "");
	fixture_plan(f);
	assert_string_equal(addresses(f, "four"), "");
	assert_string_equal(addresses(f, "s"), "::fffe:ffff:ffff");
	assert_string_equal(addresses(f, "t"), "::1:0:0:0");
	assert_string_equal(addresses(f, "u"), "2001:db8::1");
}

/* avoidBuggyIPs is about IPv4 alone (metallb.md 1.1). */
static void last_bytes_of_ipv6_are_not_avoided(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "a", "addresses: [10.1.0.0/30, \"2001:db8::ff00/120\"], avoidBuggyIPs: true");
	service(f, "s", "", BOTH);
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.1.0.1 2001:db8::ff00");
}

static void kept_for_a_pool_that_cannot_be_read_by_family(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address given[] = {{"default", "s", ip_addr_from_v4(0x0a020002), "c"},
				       {"default", "s", {{0x20, 1}}, "unreadable"}};

	(void)state;
	f->given = (struct plan_addresses){.items = given, .n = 2};
	pool(f, "c", POOL46);
	service(f, "s", "", BOTH);
	fixture_put(f, "broken.yaml", "kind: [unclosed\n");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.2");
	assert_non_null(strstr(fixture_problem(f, "AddressKept", "s")->message, "2001::"));
	assert_int_equal(fixture_count(f, "PoolExhausted"), 0);
	world_drop_source(f->world, "broken.yaml");
	fixture_plan(f);
	assert_string_equal(addresses(f, "s"), "10.2.0.2 2001:db8:2::");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_that_are_wanted_choose_the_pool),
		cmocka_unit_test(
			without_a_pool_of_both_who_prefers_takes_one_and_who_requires_waits),
		cmocka_unit_test(what_the_pool_lacks_is_named),
		cmocka_unit_test(pool_that_has_one_family_left_is_passed_by),
		cmocka_unit_test(edit_of_the_families_moves_nothing_that_stays_wanted),
		cmocka_unit_test(requests_are_by_family),
		cmocka_unit_test(request_that_fails_costs_the_other_family_nothing),
		cmocka_unit_test(address_of_a_family_that_is_not_wanted_is_a_warning),
		cmocka_unit_test(wish_that_cannot_be_read_keeps_both),
		cmocka_unit_test(address_that_no_pool_holds_is_replaced_in_its_family_alone),
		cmocka_unit_test(both_move_to_the_pool_that_is_wished_for_or_each_that_can),
		cmocka_unit_test(sharing_is_by_family_and_one_key),
		cmocka_unit_test(large_ranges_cost_nothing_and_their_ends_are_safe),
		cmocka_unit_test(a_pool_takes_as_much_memory_whatever_its_size),
		cmocka_unit_test(what_stands_for_ipv4_is_not_of_ipv6),
		cmocka_unit_test(last_bytes_of_ipv6_are_not_avoided),
		cmocka_unit_test(kept_for_a_pool_that_cannot_be_read_by_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What becomes of an address when somebody edits (metallb.md 2.3, 2.7): a Service whose wish cannot
 * be read or fulfilled keeps what it has, and is told; a pool's edit is honoured at once.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEPT "; meanwhile the Service keeps 10.1.0.5"

static const struct plan_address *given_to(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0)
			return &f->addresses.items[i];
	return NULL;
}

static const char *address(const struct fixture *f, const char *name)
{
	const struct plan_address *a = given_to(f, name);

	return a ? ip_addr_text(&a->addr, arena_alloc(f->arena, 1, IP_ADDR_TEXT)) : "";
}

static const char *pool_of(const struct fixture *f, const char *name)
{
	const struct plan_address *a = given_to(f, name);

	return a ? a->pool : "";
}

static void pool(struct fixture *f, const char *name, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "IPAddressPool", name, "", arena_printf(arena, "spec: {%s}", spec));
	arena_free(arena);
}

static void service(struct fixture *f, const char *name, const char *annotations, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name, arena_printf(arena, "annotations: {%s}", annotations),
		       arena_printf(arena, "spec: {type: LoadBalancer, ports: [{port: 80}]%s%s}",
				    spec[0] ? ", " : "", spec));
	arena_free(arena);
}

/* "s" has 10.1.0.5 of pool p, and has it from this agent. */
static struct fixture *with_address(void)
{
	struct fixture *f = fixture_new();

	pool(f, "p", "addresses: [10.1.0.0/24]");
	pool(f, "q", "addresses: [10.2.0.0-10.2.0.255], avoidBuggyIPs: true");
	pool(f, "full", "addresses: [10.3.0.0/32], autoAssign: false");
	pool(f, "closed", "addresses: [10.4.0.0/24], serviceAllocation: {namespaces: [other]}");
	service(f, "s", "metallb.io/loadBalancerIPs: 10.1.0.5", "");
	service(f, "z", "metallb.io/loadBalancerIPs: 10.3.0.0", "");
	f->remembers = true;
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	return f;
}

#define IPS  "metadata.annotations[metallb.io/loadBalancerIPs]"
#define POOL "metadata.annotations[metallb.io/address-pool]"

static void wish_that_fails_costs_nothing_that_one_has(void **state)
{
	static const struct {
		const char *annotations, *spec, *reason, *field;
	} cases[] = {
		{"metallb.io/loadBalancerIPs: 10.1.0.x", "", "InvalidRequest", IPS},
		{"metallb.io/loadBalancerIPs: \"::\"", "", "InvalidRequest", IPS},
		{"metallb.io/loadBalancerIPs: \"10.1.0.7,10.1.0.8\"", "", "InvalidRequest", IPS},
		{"metallb.io/loadBalancerIPs: 10.1.0.7", "loadBalancerIP: 10.1.0.7",
		 "InvalidRequest", IPS},
		{"metallb.io/loadBalancerIPs: 10.9.0.1", "", "AddressNotInPool", IPS},
		{"metallb.io/loadBalancerIPs: 10.4.0.1", "", "AddressNotInPool", IPS},
		{"metallb.io/loadBalancerIPs: 10.2.0.0", "", "AddressAvoided", IPS},
		{"metallb.io/loadBalancerIPs: 10.3.0.0", "", "AddressTaken", IPS},
		{"metallb.io/loadBalancerIPs: 10.2.0.1, metallb.io/address-pool: p", "",
		 "AddressNotInPool", IPS},
		{"metallb.io/loadBalancerIPs: 10.1.0.5, metallb.io/address-pool: q", "",
		 "AddressNotInPool", IPS},
		{"metallb.io/address-pool: nowhere", "", "UnknownPool", POOL},
		{"metallb.io/address-pool: closed", "", "UnknownPool", POOL},
		{"metallb.io/address-pool: full", "", "PoolExhausted", NULL},
		{"", "loadBalancerIP: 10.9.0.1", "AddressNotInPool", "spec.loadBalancerIP"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_address();
		const struct problem *p;

		service(f, "s", cases[i].annotations, cases[i].spec);
		service(f, "a", "", ""); /* takes what is free */
		fixture_plan(f);
		assert_string_equal(address(f, "s"), "10.1.0.5");
		assert_string_equal(pool_of(f, "s"), "p");
		p = fixture_problem(f, cases[i].reason, "s");
		assert_non_null(p);
		assert_int_equal(p->severity, SEVERITY_ERROR);
		assert_non_null(strstr(p->message, KEPT));
		if (cases[i].field)
			assert_string_equal(p->field, cases[i].field);
		assert_string_equal(address(f, "z"), "10.3.0.0");
	}
}

static void wish_that_is_fulfilled_is_no_problem(void **state)
{
	static const char *const annotations[] = {
		"metallb.io/loadBalancerIPs: 10.1.0.5",
		"metallb.io/loadBalancerIPs: 10.1.0.5, metallb.io/address-pool: p",
		"metallb.io/address-pool: p", "metallb.io/loadBalancerIPs: \" , 10.1.0.5 ,\"",
		"metallb.io/loadBalancerIPs: \"\""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(annotations); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_address();

		service(f, "s", annotations[i], "");
		fixture_plan(f);
		assert_string_equal(address(f, "s"), "10.1.0.5");
		assert_int_equal(f->ipam_problems.n, 0);
	}
}

static void both_faults_of_a_wish_are_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "metallb.io/loadBalancerIPs: \"10.1.0.x, 10.1.0.y\"", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "InvalidRequest"), 2);
	service(f, "s", "metallb.io/loadBalancerIPs: 10.9.0.1, metallb.io/address-pool: nowhere",
		"");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "AddressNotInPool"), 1);
	assert_int_equal(fixture_count(f, "UnknownPool"), 1);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	service(f, "s", "metallb.io/loadBalancerIPs: 10.9.0.1, metallb.io/address-pool: nowhere",
		"ipFamilyPolicy: RequireDualStack");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "UnknownPool"), 1); /* for both families */
	/* That it is in another pool says both. */
	service(f, "s", "metallb.io/loadBalancerIPs: 10.2.0.1, metallb.io/address-pool: nowhere",
		"");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "AddressNotInPool"), 1);
	assert_int_equal(fixture_count(f, "UnknownPool"), 0);
}

static void wish_of_another_pool_that_has_room_moves_the_service(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "metallb.io/address-pool: q", "");
	service(f, "t", "metallb.io/loadBalancerIPs: 10.1.0.5", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.2.0.1");
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
	/* Left in this plan, so given to others in the next one. */
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.2.0.1");
	assert_string_equal(address(f, "t"), "10.1.0.5");
}

static void what_is_left_is_free_at_once_for_those_who_take_any(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.5/32]");
	pool(f, "q", "addresses: [10.2.0.5/32]");
	service(f, "s", "", "");
	f->remembers = true;
	fixture_plan(f);
	service(f, "a", "", "");
	service(f, "s", "metallb.io/address-pool: q", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.2.0.5");
	assert_string_equal(address(f, "a"), "10.1.0.5");
}

static void two_services_swap_their_addresses_in_one_plan(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "metallb.io/loadBalancerIPs: 10.3.0.0", "");
	service(f, "z", "metallb.io/loadBalancerIPs: 10.1.0.5", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.3.0.0");
	assert_string_equal(address(f, "z"), "10.1.0.5");
}

/* z asks for what s wants to leave, s cannot leave: z stays as well, and both are told. */
static void wish_gives_way_to_an_owner_whose_own_wish_fails(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "metallb.io/loadBalancerIPs: 10.9.0.1", "");
	service(f, "z", "metallb.io/loadBalancerIPs: 10.1.0.5", "");
	service(f, "b", "metallb.io/loadBalancerIPs: 10.3.0.0", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	assert_string_equal(address(f, "z"), "10.3.0.0");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(fixture_problem(f, "AddressTaken", "z"));
	assert_non_null(fixture_problem(f, "AddressTaken", "b"));
	assert_null(strstr(fixture_problem(f, "AddressTaken", "b")->message, "meanwhile"));
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
}

/* s shares with a, so that only who came by a wish has to go when s comes back. */
static void owner_comes_back_beside_those_it_shares_with(void **state)
{
	static const char key[] = "metallb.io/allow-shared-ip: k";
	_cleanup_(fixture_freep) struct fixture *f = with_address();
	char wish[128];

	(void)state;
	(void)snprintf(wish, sizeof(wish), "%s, metallb.io/loadBalancerIPs: 10.1.0.5", key);
	service(f, "s", wish, "");
	fixture_object(
		f, "Service", "a",
		"annotations: {metallb.io/allow-shared-ip: k, metallb.io/loadBalancerIPs: 10.1.0.5}",
		"spec: {type: LoadBalancer, ports: [{port: 443}]}");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.5");
	service(f, "z", wish, ""); /* port 80, as s */
	(void)snprintf(wish, sizeof(wish), "%s, metallb.io/loadBalancerIPs: 10.9.0.1", key);
	service(f, "s", wish, "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	assert_string_equal(address(f, "a"), "10.1.0.5");
	assert_string_equal(address(f, "z"), "10.3.0.0");
	assert_non_null(fixture_problem(f, "AddressTaken", "z"));
}

static void owner_that_wishes(struct fixture *f, const char *name, const char *owned,
			      const char *wished)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name,
		       arena_printf(arena, "annotations: {metallb.io/loadBalancerIPs: %s}", wished),
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, ports: [{port: 80}]}\n"
				    "status: {loadBalancer: {ingress: [{ip: %s}]}}",
				    owned));
	arena_free(arena);
}

/*
 * a and c have one address by their status and leave it by a wish each, and both have to go back,
 * to b and d who cannot leave: who is back first has it as its owner, not by a wish.
 */
static void who_came_back_is_an_owner_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	owner_that_wishes(f, "a", "10.1.0.5", "10.1.0.6");
	owner_that_wishes(f, "b", "10.1.0.6", "10.9.0.1");
	owner_that_wishes(f, "c", "10.1.0.5", "10.1.0.7");
	owner_that_wishes(f, "d", "10.1.0.7", "10.9.0.2");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.5");
	assert_string_equal(address(f, "b"), "10.1.0.6");
	assert_string_equal(address(f, "c"), "");
	assert_string_equal(address(f, "d"), "10.1.0.7");
}

static void wish_that_fails_does_not_keep_what_no_pool_holds(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	pool(f, "p", "addresses: [10.1.1.0/24]");
	service(f, "s", "metallb.io/loadBalancerIPs: 10.9.0.1", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "");
	assert_non_null(fixture_problem(f, "AddressNotInPool", "s"));
	assert_non_null(fixture_problem(f, "AddressCleared", "s"));
}

/* --- metallb.md 2.7, sentence by sentence --------------------------------------------------- */

static void address_that_vanished_from_its_pool_is_cleared_and_another_given(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "", "");
	pool(f, "p", "addresses: [10.1.0.16/28]");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.16");
	assert_int_equal(fixture_problem(f, "AddressCleared", "s")->severity, SEVERITY_WARNING);
}

static void without_another_address_the_service_waits_and_is_told_both(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/31]");
	service(f, "a", "", "");
	service(f, "b", "", "");
	f->remembers = true;
	fixture_plan(f);
	pool(f, "p", "addresses: [10.1.0.0/32]");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(fixture_problem(f, "AddressCleared", "b"));
	assert_non_null(fixture_problem(f, "PoolExhausted", "b"));
	fixture_drop(f, "IPAddressPool", "p");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "");
	assert_non_null(fixture_problem(f, "AddressCleared", "a"));
	assert_non_null(fixture_problem(f, "NoPool", "a"));
}

static void renamed_pool_keeps_addresses(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "", "");
	fixture_drop(f, "IPAddressPool", "p");
	pool(f, "renamed", "addresses: [10.1.0.0/24]");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	assert_string_equal(pool_of(f, "s"), "renamed");
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
}

static void split_pool_keeps_addresses(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "", "");
	pool(f, "p", "addresses: [10.1.0.128/25]");
	pool(f, "other-half", "addresses: [10.1.0.0/25]");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
	assert_string_equal(pool_of(f, "s"), "other-half");
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
}

/* A better pool is one that would come first now. */
static void service_does_not_jump_to_a_better_pool(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "", "");
	pool(f, "a", "addresses: [10.8.0.0/24], serviceAllocation: {priority: 1}");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.5");
}

static void pool_that_admits_the_service_no_more_is_left(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	service(f, "s", "", "");
	pool(f, "p", "addresses: [10.1.0.0/24], serviceAllocation: {namespaces: [other]}");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.2.0.1");
	assert_non_null(fixture_problem(f, "AddressCleared", "s"));
}

/* The old route goes, the new one comes, and no plan lies between that has neither. */
static void change_of_an_address_is_one_plan(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->remembers = true;
	fixture_plan(f);
	pool(f, "pool-a", "addresses: [192.168.101.0/24]");
	fixture_plan(f);
	assert_string_equal(address(f, "web"), "192.168.101.0");
	assert_non_null(fixture_frontend(f, "192.168.101.0", 80));
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.101.0/32"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/32"));
}

/* --- sharing -------------------------------------------------------------------------------- */

static void shared(struct fixture *f, const char *name, const char *ports, const char *policy)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name, "annotations: {metallb.io/allow-shared-ip: k}",
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
				    "ports: [%s]}",
				    policy, ports));
	arena_free(arena);
}

static void one_port_of_two_protocols_may_share_an_address(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	shared(f, "a", "{port: 53, protocol: TCP}", "Cluster");
	shared(f, "b", "{port: 53, protocol: UDP}", "Cluster");
	shared(f, "c", "{port: 53, protocol: UDP}", "Cluster");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_string_equal(address(f, "b"), "10.1.0.0");
	assert_string_equal(address(f, "c"), "10.1.0.1");
	fixture_plan(f);
	assert_string_equal(address(f, "b"), "10.1.0.0");
}

static void services_of_different_policies_do_not_share(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	shared(f, "a", "{port: 80}", "Cluster");
	shared(f, "b", "{port: 81}", "Local");
	shared(f, "c", "{port: 82}", "Local");
	fixture_plan(f);
	assert_string_equal(address(f, "b"), "10.1.0.1");
	assert_string_equal(address(f, "c"), "10.1.0.1");
}

/* A node that has pods of one only would announce the address, and have nobody for the other. */
static void services_of_policy_local_share_if_they_share_their_pods(void **state)
{
	static const struct {
		const char *policy, *first, *second;
		bool shares;
	} cases[] = {
		{"Local", "{app: a, tier: b}", "{tier: b, app: a}", true},
		{"Local", "{app: a}", "{app: b}", false},
		{"Local", "{app: a}", "{}", false},
		{"Local", "{a: bc}", "{ab: c}", false},
		{"Local", "{}", "{}", true},
		{"Cluster", "{app: a}", "{app: b}", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		pool(f, "p", "addresses: [10.1.0.0/24]");
		shared(f, "a", "{port: 80}",
		       arena_printf(arena, "%s, selector: %s", cases[i].policy, cases[i].first));
		shared(f, "b", "{port: 81}",
		       arena_printf(arena, "%s, selector: %s", cases[i].policy, cases[i].second));
		fixture_plan(f);
		assert_string_equal(address(f, "b"), cases[i].shares ? "10.1.0.0" : "10.1.0.1");
	}
}

/* c is refused at both, for one port each: that says nothing about d at the second. */
static void search_for_one_port_goes_on_right_behind_where_it_is_in_use(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	pool(f, "p", "addresses: [10.1.0.0/31]");
	shared(f, "a", "{port: 80}", "Cluster");
	fixture_plan(f);
	pool(f, "p", "addresses: [10.1.0.1/32]");
	pool(f, "q", "addresses: [10.1.0.0/32], autoAssign: false");
	shared(f, "b", "{port: 53}", "Cluster");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_string_equal(address(f, "b"), "10.1.0.1");
	fixture_drop(f, "IPAddressPool", "q");
	pool(f, "p", "addresses: [10.1.0.0/24]");
	shared(f, "c", "{name: http, port: 80}, {name: dns, port: 53}", "Cluster");
	shared(f, "d", "{port: 80}", "Cluster");
	fixture_plan(f);
	assert_string_equal(address(f, "c"), "10.1.0.2");
	assert_string_equal(address(f, "d"), "10.1.0.1");
}

/* What a Service had that can be seen is not kept for it beside what it has now. */
static void what_a_seen_service_left_is_free_while_documents_are_broken(void **state)
{
	static const char broken[] = "kind: [unclosed\n";
	_cleanup_(fixture_freep) struct fixture *f = with_address();

	(void)state;
	fixture_put(f, "broken", broken);
	service(f, "s", "metallb.io/loadBalancerIPs: 10.1.0.7", "");
	service(f, "t", "metallb.io/loadBalancerIPs: 10.1.0.5", "");
	fixture_plan(f);
	assert_string_equal(address(f, "s"), "10.1.0.7");
	assert_string_equal(address(f, "t"), "10.1.0.5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wish_that_fails_costs_nothing_that_one_has),
		cmocka_unit_test(wish_that_is_fulfilled_is_no_problem),
		cmocka_unit_test(both_faults_of_a_wish_are_told),
		cmocka_unit_test(wish_of_another_pool_that_has_room_moves_the_service),
		cmocka_unit_test(what_is_left_is_free_at_once_for_those_who_take_any),
		cmocka_unit_test(two_services_swap_their_addresses_in_one_plan),
		cmocka_unit_test(wish_gives_way_to_an_owner_whose_own_wish_fails),
		cmocka_unit_test(owner_comes_back_beside_those_it_shares_with),
		cmocka_unit_test(who_came_back_is_an_owner_again),
		cmocka_unit_test(wish_that_fails_does_not_keep_what_no_pool_holds),
		cmocka_unit_test(address_that_vanished_from_its_pool_is_cleared_and_another_given),
		cmocka_unit_test(without_another_address_the_service_waits_and_is_told_both),
		cmocka_unit_test(renamed_pool_keeps_addresses),
		cmocka_unit_test(split_pool_keeps_addresses),
		cmocka_unit_test(service_does_not_jump_to_a_better_pool),
		cmocka_unit_test(pool_that_admits_the_service_no_more_is_left),
		cmocka_unit_test(change_of_an_address_is_one_plan),
		cmocka_unit_test(one_port_of_two_protocols_may_share_an_address),
		cmocka_unit_test(services_of_different_policies_do_not_share),
		cmocka_unit_test(services_of_policy_local_share_if_they_share_their_pods),
		cmocka_unit_test(search_for_one_port_goes_on_right_behind_where_it_is_in_use),
		cmocka_unit_test(what_a_seen_service_left_is_free_while_documents_are_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which address a Service gets (DESIGN 4, metallb.md 2), and what it is told if it gets none.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The Service's address as text, "" if it has none. */
static const char *address(const struct fixture *f, const char *name)
{
	static const char none[] = "";

	for (size_t i = 0; i < f->addresses.n; i++)
		if (strcmp(f->addresses.items[i].name, name) == 0) {
			char *buf = arena_alloc(f->arena, 1, IP_ADDR_TEXT);

			return ip_addr_text(&f->addresses.items[i].addr, buf);
		}
	return none;
}

static void pool(struct fixture *f, const char *name, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "IPAddressPool", name, "", arena_printf(arena, "spec: {%s}", spec));
	arena_free(arena);
}

/* A Service of another port than its neighbours, with annotations and status. */
static void service(struct fixture *f, const char *name, unsigned port, const char *annotations,
		    const char *ingress)
{
	struct arena *arena = arena_new();

	fixture_object(f, "Service", name, arena_printf(arena, "annotations: {%s}", annotations),
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, ports: [{port: %u, protocol: TCP}]}"
				    "\nstatus: {loadBalancer: {ingress: [%s%s%s]}}",
				    port, ingress[0] ? "{ip: " : "", ingress,
				    ingress[0] ? "}" : ""));
	arena_free(arena);
}

static void lowest_free_address_in_order_of_names(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.8-10.1.0.9, 10.1.0.0/30]");
	for (int i = 3; i >= 0; i--)
		service(f, (const char *[]){"a", "b", "c", "d"}[i], 80, "", "");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.8");
	assert_string_equal(address(f, "b"), "10.1.0.9");
	assert_string_equal(address(f, "c"), "10.1.0.0");
	assert_string_equal(address(f, "d"), "10.1.0.1");
}

static void buggy_addresses_are_avoided_also_when_asked_for(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.255-10.1.1.1], avoidBuggyIPs: true");
	service(f, "a", 80, "", "");
	service(f, "b", 80, "metallb.io/loadBalancerIPs: 10.1.1.0", "");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.1.1");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(fixture_problem(f, "AddressAvoided", "b"));
}

static void owners_come_before_newcomers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address given = {.ns = "default", .name = "y", .pool = "p"};

	(void)state;
	given.addr = ip_addr_from_v4(0x0a010001);
	f->given = (struct plan_addresses){.items = &given, .n = 1};
	pool(f, "p", "addresses: [10.1.0.0/30]");
	service(f, "a", 80, "", "");
	service(f, "b", 80, "metallb.io/loadBalancerIPs: 10.1.0.0", "");
	service(f, "y", 80, "", "");
	service(f, "z", 80, "", "10.1.0.0");
	fixture_plan(f);
	assert_string_equal(address(f, "z"), "10.1.0.0");
	assert_string_equal(address(f, "y"), "10.1.0.1");
	assert_string_equal(address(f, "a"), "10.1.0.2");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(strstr(fixture_problem(f, "AddressTaken", "b")->message, "default/z"));
}

static void address_given_once_stays_when_lower_ones_become_free(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/30]");
	service(f, "a", 80, "", "");
	service(f, "b", 80, "", "");
	f->remembers = true;
	fixture_plan(f);
	fixture_drop(f, "Service", "a");
	fixture_plan(f);
	assert_string_equal(address(f, "b"), "10.1.0.1");
}

static void requests_by_annotation_and_by_field_are_honoured(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	service(f, "a", 80, "metallb.universe.tf/loadBalancerIPs: 10.1.0.7", "");
	fixture_add_service(f, "b", "Cluster", "loadBalancerIP: 10.1.0.8");
	service(f, "c", 80, "metallb.io/loadBalancerIPs: 10.9.0.8", "");
	service(f, "d", 80, "metallb.io/loadBalancerIPs: \"10.1.0.9, 10.1.0.10\"", "");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.7");
	assert_string_equal(address(f, "b"), "10.1.0.8");
	assert_string_equal(address(f, "c"), "");
	assert_non_null(fixture_problem(f, "AddressNotInPool", "c"));
	assert_string_equal(address(f, "d"), "");
	assert_non_null(fixture_problem(f, "InvalidRequest", "d"));
}

static void request_and_field_together_are_refused(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	fixture_object(f, "Service", "a", "annotations: {metallb.io/loadBalancerIPs: 10.1.0.7}",
		       "spec: {type: LoadBalancer, loadBalancerIP: 10.1.0.7, "
		       "ports: [{port: 80, protocol: TCP}]}");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "");
	assert_non_null(fixture_problem(f, "InvalidRequest", "a"));
}

static void annotation_names_the_pool(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "general", "addresses: [10.1.0.0/24]");
	pool(f, "manual", "addresses: [10.2.0.0/24], autoAssign: false");
	service(f, "a", 80, "metallb.universe.tf/address-pool: manual", "");
	service(f, "b", 80, "metallb.io/address-pool: nowhere", "");
	service(f, "c", 80, "metallb.io/address-pool: manual", "10.1.0.9");
	fixture_plan(f);
	assert_string_equal(address(f, "c"), "10.2.0.0"); /* the wish counts more than the status */
	assert_string_equal(address(f, "a"), "10.2.0.1"); /* owners come first */
	assert_string_equal(address(f, "b"), "");
	assert_non_null(fixture_problem(f, "UnknownPool", "b"));
}

static void pool_without_room_is_an_error_of_the_service(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/31]");
	service(f, "a", 80, "", "");
	service(f, "b", 80, "", "");
	service(f, "c", 80, "", "");
	fixture_plan(f);
	assert_string_equal(address(f, "b"), "10.1.0.1");
	assert_string_equal(address(f, "c"), "");
	assert_int_equal(fixture_problem(f, "PoolExhausted", "c")->severity, SEVERITY_ERROR);
	assert_non_null(fixture_problem(f, "PoolExhausted", "c")->remedy);
	assert_int_equal(fixture_count(f, "PoolExhausted"), 1);
}

static void no_pool_at_all_is_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	service(f, "a", 80, "", "");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "NoPool", "a"));
}

static void address_that_no_pool_holds_any_more_is_replaced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	service(f, "a", 80, "", "10.9.0.1");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_non_null(fixture_problem(f, "AddressCleared", "a"));
}

static void sharing_needs_equal_keys_and_different_ports(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	service(f, "a", 80, "metallb.io/allow-shared-ip: k", "");
	service(f, "b", 443, "metallb.io/allow-shared-ip: k", "");
	service(f, "c", 80, "metallb.io/allow-shared-ip: k", "");
	service(f, "d", 8080, "metallb.io/allow-shared-ip: other", "");
	service(f, "e", 9090, "", "");
	service(f, "f", 9091, "metallb.io/loadBalancerIPs: 10.1.0.0", "");
	fixture_plan(f);
	assert_string_equal(address(f, "f"), "10.1.0.0"); /* asked for: before all who take any */
	assert_string_equal(address(f, "a"), "10.1.0.1");
	assert_string_equal(address(f, "b"), "10.1.0.1");
	assert_string_equal(address(f, "c"), "10.1.0.2");
	assert_string_equal(address(f, "d"), "10.1.0.3");
	assert_string_equal(address(f, "e"), "10.1.0.4");
}

static void address_given_here_is_a_warning_when_other_agents_exist(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/24]");
	service(f, "given", 80, "", "");
	service(f, "status", 80, "", "10.1.0.9");
	service(f, "asked", 80, "metallb.io/loadBalancerIPs: 10.1.0.7", "");
	fixture_object(f, "Node", "node-a", "", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "AddressGivenHere"), 0);
	fixture_object(f, "Node", "node-b", "", "");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "AddressGivenHere"), 1);
	assert_int_equal(fixture_problem(f, "AddressGivenHere", "given")->severity,
			 SEVERITY_WARNING);
	/* As long as it is so; also where the object names an address that is not to be had. */
	f->given = f->addresses;
	fixture_object(f, "Service", "old", "",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}\n"
		       "status: {loadBalancer: {ingress: [{ip: 10.9.0.1}]}}");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "AddressGivenHere"), 2);
	assert_non_null(fixture_problem(f, "AddressGivenHere", "given"));
	assert_non_null(fixture_problem(f, "AddressGivenHere", "old"));
}

static void broken_document(struct fixture *f)
{
	static const char text[] = "kind: [unclosed\n";

	world_put_source(f->world, "broken.yaml", text, strlen(text));
}

/* A restart while the Service's own document is broken. */
static void address_of_a_service_that_cannot_be_read_is_not_given_to_another(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address given[] = {{.ns = "default", .name = "gone", .pool = "p"},
				       {.ns = "default", .name = "mate", .pool = "p"}};

	(void)state;
	given[0].addr = given[1].addr = ip_addr_from_v4(0x0a010000);
	f->given = (struct plan_addresses){.items = given, .n = 2};
	pool(f, "p", "addresses: [10.1.0.0/30]");
	service(f, "a", 80, "", "");
	service(f, "b", 80, "metallb.io/loadBalancerIPs: 10.1.0.0", "");
	service(f, "mate", 81, "metallb.io/allow-shared-ip: key", "");
	broken_document(f);
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.1");
	assert_string_equal(address(f, "b"), "");
	assert_non_null(strstr(fixture_problem(f, "AddressTaken", "b")->message, "default/"));
	assert_string_equal(address(f, "mate"), "10.1.0.0"); /* shared it before, shares it now */

	f->given.n = 1;
	world_drop_source(f->world, "broken.yaml");
	fixture_plan(f);
	assert_string_equal(address(f, "b"), "10.1.0.0"); /* now it is certain that it is gone */
}

/* A Service that was given an address of a pool that cannot be read, and has this one or none. */
static void plan_without_its_pool(struct fixture *f, struct plan_address *given,
				  const char *ingress)
{
	*given = (struct plan_address){.ns = "default", .name = "a", .pool = "unreadable"};
	given->addr = ip_addr_from_v4(0x0a020000);
	f->given = (struct plan_addresses){.items = given, .n = 1};
	pool(f, "p", "addresses: [10.1.0.0/30]");
	service(f, "a", 80, "", ingress);
	broken_document(f);
	fixture_plan(f);
}

static void service_whose_pool_cannot_be_read_gets_no_other_address(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address given;

	(void)state;
	plan_without_its_pool(f, &given, "");
	assert_string_equal(address(f, "a"), "");
	assert_non_null(fixture_problem(f, "AddressKept", "a"));

	world_drop_source(f->world, "broken.yaml");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
}

/* The status says where it is, whatever was given before: of which pool that is nobody knows. */
static void pool_of_what_was_given_before_counts_no_more(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address given;
	const char *message;

	(void)state;
	plan_without_its_pool(f, &given, "10.3.0.0");
	assert_string_equal(address(f, "a"), "");
	message = fixture_problem(f, "AddressKept", "a")->message;
	assert_non_null(strstr(message, "10.3.0.0"));
	assert_null(strstr(message, "unreadable"));

	world_drop_source(f->world, "broken.yaml");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_non_null(fixture_problem(f, "AddressCleared", "a"));
	assert_int_equal(fixture_count(f, "AddressKept"), 0);
}

static void address_in_the_status_waits_for_a_pool_that_cannot_be_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	pool(f, "p", "addresses: [10.1.0.0/30]");
	service(f, "a", 80, "metallb.io/ip-allocated-from-pool: unreadable", "10.2.0.0");
	broken_document(f);
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "");
	assert_int_equal(fixture_count(f, "AddressCleared"), 0);
	assert_non_null(strstr(fixture_problem(f, "AddressKept", "a")->message,
			       "until pool unreadable can be read"));

	pool(f, "unreadable", "addresses: [10.2.0.0/30]");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.2.0.0");

	/* A pool that can be read and does not hold it any more is waited for by nobody. */
	pool(f, "unreadable", "addresses: [10.4.0.0/30]");
	fixture_plan(f);
	assert_string_equal(address(f, "a"), "10.1.0.0");
	assert_non_null(fixture_problem(f, "AddressCleared", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_free_address_in_order_of_names),
		cmocka_unit_test(buggy_addresses_are_avoided_also_when_asked_for),
		cmocka_unit_test(owners_come_before_newcomers),
		cmocka_unit_test(address_given_once_stays_when_lower_ones_become_free),
		cmocka_unit_test(requests_by_annotation_and_by_field_are_honoured),
		cmocka_unit_test(request_and_field_together_are_refused),
		cmocka_unit_test(annotation_names_the_pool),
		cmocka_unit_test(pool_without_room_is_an_error_of_the_service),
		cmocka_unit_test(no_pool_at_all_is_said),
		cmocka_unit_test(address_that_no_pool_holds_any_more_is_replaced),
		cmocka_unit_test(sharing_needs_equal_keys_and_different_ports),
		cmocka_unit_test(address_given_here_is_a_warning_when_other_agents_exist),
		cmocka_unit_test(address_of_a_service_that_cannot_be_read_is_not_given_to_another),
		cmocka_unit_test(service_whose_pool_cannot_be_read_gets_no_other_address),
		cmocka_unit_test(pool_of_what_was_given_before_counts_no_more),
		cmocka_unit_test(address_in_the_status_waits_for_a_pool_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

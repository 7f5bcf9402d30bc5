// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ipam_rebuild(): after the loss of what was given, each Service has the address that the store
 * serves for it, and the allocator gives it that again, whoever came meanwhile.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static struct lb_actual stored(const char *name, const char *vip, uint16_t port, uint32_t flags)
{
	struct lb_actual ret = {.key = {.addr = addr(vip), .port = port, .proto = 6},
				.flags = flags};

	ret.seed = port ? lb_seed("default", name) : 0;
	return ret;
}

static struct plan_addresses rebuild(const struct fixture *f, const struct lb_actual *all, size_t n,
				     struct arena *arena)
{
	struct plan_addresses ret;

	ipam_rebuild(f->world, &f->settings, all, n, arena, &ret);
	return ret;
}

static void services_have_what_the_store_serves_for_them(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct lb_actual all[] = {
		stored("", "192.168.100.5", 0, 0), /* the VIP itself has no seed */
		stored("web", "192.168.100.5", 80, 0),
		stored("api", "192.168.100.9", 81, 0), /* that port it has not */
		stored("gone", "192.168.100.7", 80, 0),
		stored("web", "2001:db8::5", 80, 0),
	};
	struct plan_addresses got;

	(void)state;
	fixture_add_service(f, "web", "Cluster", "");
	fixture_add_service(f, "api", "Cluster", "");
	fixture_add_service(f, "theirs", "Cluster", "loadBalancerClass: x");
	got = rebuild(f, all, ARRAY_SIZE(all), arena);
	assert_int_equal(got.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct ip_addr want = addr(i ? "2001:db8::5" : "192.168.100.5");

		assert_string_equal(got.items[i].ns, "default");
		assert_string_equal(got.items[i].name, "web");
		assert_true(ip_addr_equal(&got.items[i].addr, &want));
		assert_string_equal(got.items[i].pool, "");
	}
	assert_int_equal(rebuild(f, NULL, 0, arena).n, 0);
}

/* While one leaves and another is served already. */
static void of_two_addresses_the_one_that_takes_flows_counts_then_the_lowest(void **state)
{
	static const struct {
		uint32_t flags[2];
		const char *want;
	} cases[] = {
		{{0, 0}, "192.168.100.5"},
		{{LB_F_CLOSED, 0}, "192.168.100.6"},
		{{0, LB_F_CLOSED}, "192.168.100.5"},
		{{LB_F_CLOSED, LB_F_CLOSED}, "192.168.100.5"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_add_service(f, "web", "Cluster", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lb_actual all[] = {
			stored("web", "192.168.100.6", 80, cases[i].flags[1]),
			stored("web", "192.168.100.5", 80, cases[i].flags[0]),
		};
		const struct ip_addr want = addr(cases[i].want);
		const struct plan_addresses got = rebuild(f, all, 2, arena);

		assert_int_equal(got.n, 1);
		assert_true(ip_addr_equal(&got.items[0].addr, &want));
	}
}

/* A Service that sorts before would have been given it otherwise. */
static void who_came_meanwhile_takes_no_address(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct ip_addr vip = addr("192.168.100.0");

	(void)state;
	fixture_add_service(f, "aaa", "Cluster", "");
	f->given = rebuild(f, (const struct lb_actual[]){stored("web", "192.168.100.0", 80, 0)}, 1,
			   arena);
	fixture_plan(f);
	assert_int_equal(f->addresses.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(ip_addr_equal(&f->addresses.items[i].addr, &vip),
				 strcmp(f->addresses.items[i].name, "web") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_have_what_the_store_serves_for_them),
		cmocka_unit_test(of_two_addresses_the_one_that_takes_flows_counts_then_the_lowest),
		cmocka_unit_test(who_came_meanwhile_takes_no_address),
	};

	return cmocka_run_group_tests_name("ipam_rebuild", tests, NULL, NULL);
}

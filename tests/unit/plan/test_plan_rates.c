// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodestone.io/rate-limit: which VIP has which limit, and which frontends ask for it.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A Service of this port on an address that it may share; limit "": none. */
static void put(struct fixture *f, const char *name, const char *address, unsigned port,
		const char *limit)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(
		f, "Service", name,
		arena_printf(arena,
			     "annotations: {metallb.io/allow-shared-ip: k, "
			     "metallb.io/loadBalancerIPs: %s%s%s%s}",
			     address, limit[0] ? ", lodestone.io/rate-limit: \"" : "", limit,
			     limit[0] ? "\"" : ""),
		arena_printf(arena, "spec: {type: LoadBalancer, ports: [{port: %u}]}", port));
	fixture_add_slice(f, name, "10.244.0.5@node-a");
	fixture_plan(f);
}

/* "192.168.100.7 5000, ..." */
static const char *rates_text(struct fixture *f, struct arena *arena)
{
	const char *ret = "";
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < f->plan.n_rates; i++)
		ret = arena_printf(arena, "%s%s%s %u", ret, i ? ", " : "",
				   ip_addr_text(&f->plan.rates[i].vip.addr, text),
				   f->plan.rates[i].packets);
	return ret;
}

static bool asks(const struct fixture *f, const char *vip, uint16_t port)
{
	return fixture_frontend(f, vip, port)->lb.flags & LB_F_RATE;
}

static void a_vip_has_the_limit_of_its_service(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	put(f, "a", "192.168.100.7", 80, "");
	assert_string_equal(rates_text(f, arena), "");
	assert_false(asks(f, "192.168.100.7", 80));
	put(f, "b", "192.168.100.9", 80, "2M");
	put(f, "a", "192.168.100.7", 80, "5k");
	assert_string_equal(rates_text(f, arena), "192.168.100.7 5000, 192.168.100.9 2000000");
	assert_true(asks(f, "192.168.100.7", 80));
	assert_int_equal(fixture_service(f, "a")->rate_limit, 5000);
	assert_int_equal(fixture_service(f, "web")->rate_limit, 0);
	fixture_drop(f, "Service", "a");
	fixture_plan(f);
	assert_string_equal(rates_text(f, arena), "192.168.100.9 2000000");
}

static void of_two_limits_of_a_vip_the_lowest_counts(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	put(f, "a", "192.168.100.7", 80, "5k");
	put(f, "b", "192.168.100.7", 90, "5k");
	put(f, "c", "192.168.100.7", 100, "");
	assert_string_equal(rates_text(f, arena), "192.168.100.7 5000");
	assert_true(asks(f, "192.168.100.7", 90));
	assert_false(asks(f, "192.168.100.7", 100)); /* who asks for none has none */
	assert_int_equal(fixture_count(f, "RateLimitShared"), 0);
	put(f, "b", "192.168.100.7", 90, "4k");
	assert_string_equal(rates_text(f, arena), "192.168.100.7 4000");
	assert_int_equal(fixture_count(f, "RateLimitShared"), 1);
	assert_non_null(fixture_problem(f, "RateLimitShared", "a"));
	put(f, "d", "192.168.100.7", 110, "6k");
	assert_int_equal(fixture_count(f, "RateLimitShared"), 2);
	assert_non_null(fixture_problem(f, "RateLimitShared", "d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vip_has_the_limit_of_its_service),
		cmocka_unit_test(of_two_limits_of_a_vip_the_lowest_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

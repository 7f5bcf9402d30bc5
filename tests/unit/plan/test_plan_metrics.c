// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * spec.metrics.address: MetalLB's port on all addresses unless something is said, and the node's
 * own object before that of all. spec.statusPage.address likewise, but for the address.
 */
#include "plan/plan_metrics.h"

#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ADDRESS(text) "spec: {metrics: {address: \"" text "\"}}"

static void expect(struct fixture *f, const char *addr, uint16_t port, bool is_off)
{
	const struct api_listen have = plan_metrics_address(f->world, "node-a");
	struct ip_addr want = {.b = {0}};

	assert_true(!addr[0] || ip_addr_parse(addr, &want));
	assert_true(ip_addr_equal(&have.addr, &want));
	assert_int_equal(have.port, port);
	assert_int_equal(have.is_off, is_off);
}

static void the_nodes_own_object_goes_before_that_of_all(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	expect(f, "", 7472, false);
	fixture_object(f, "LodestoneConfig", "node-b", "", ADDRESS("off"));
	expect(f, "", 7472, false);
	fixture_object(f, "LodestoneConfig", "default", "", ADDRESS("192.0.2.1"));
	expect(f, "192.0.2.1", 7472, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", "spec: {strict: true}");
	expect(f, "192.0.2.1", 7472, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", ADDRESS(":9000"));
	expect(f, "", 9000, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", ADDRESS("off"));
	expect(f, "", 7472, true);
	fixture_drop(f, "LodestoneConfig", "node-a");
	expect(f, "192.0.2.1", 7472, false);
}

static void expect_page(struct fixture *f, const char *addr, uint16_t port, bool is_off)
{
	const struct api_listen have = plan_page_address(f->world, "node-a");
	struct ip_addr want;

	assert_true(ip_addr_parse(addr, &want));
	assert_true(ip_addr_equal(&have.addr, &want));
	assert_int_equal(have.port, port);
	assert_int_equal(have.is_off, is_off);
}

#define PAGE(text) "spec: {statusPage: {address: \"" text "\"}}"

static void the_page_is_this_machines_unless_something_is_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	expect_page(f, "127.0.0.1", 17480, false);
	fixture_object(f, "LodestoneConfig", "default", "", ADDRESS("192.0.2.1"));
	expect_page(f, "127.0.0.1", 17480, false);
	fixture_object(f, "LodestoneConfig", "default", "", PAGE(":9000"));
	expect_page(f, "127.0.0.1", 9000, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", PAGE("192.0.2.7"));
	expect_page(f, "192.0.2.7", 17480, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", PAGE("[::]:9001"));
	expect_page(f, "127.0.0.1", 9001, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", PAGE("0.0.0.0:9001"));
	expect_page(f, "0.0.0.0", 9001, false);
	fixture_object(f, "LodestoneConfig", "node-a", "", PAGE("off"));
	expect_page(f, "127.0.0.1", 17480, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nodes_own_object_goes_before_that_of_all),
		cmocka_unit_test(the_page_is_this_machines_unless_something_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

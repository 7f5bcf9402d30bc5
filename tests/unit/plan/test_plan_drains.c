// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Gate 4 of DESIGN 1: a backend that is gone keeps its flows until its drain is over, and nobody
 * else's.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_backends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static void departed_target_drains_until_its_deadline(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.5")->state, LB_BACKEND_DRAINING);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.6")->state, LB_BACKEND_READY);
	assert_int_equal(f->deadline, f->now + PLAN_DRAIN_DEFAULT_NS);
	assert_int_equal(fixture_service(f, "web")->n_backends, 2);
	assert_string_equal(plan_backend_at(fixture_service(f, "web"), 1).state, "draining");
	fixture_converge(f, 10);

	f->now += PLAN_DRAIN_DEFAULT_NS - 1;
	fixture_converge(f, 10);
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.5"));
	f->now += 1;
	fixture_converge(f, 10);
	assert_null(fixture_target(f, VIP, 80, "10.244.0.5"));
	assert_int_equal(f->ledger.n_drains, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
}

/* What the store's walk says of each target counts for that one alone. */
static void a_drain_is_over_with_the_last_flow(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.7@node-a");
	fixture_converge(f, 10);
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 2);
	assert_int_equal(f->store.items[1].n_targets, 3);
	f->store.items[1].targets[0].state = LB_BACKEND_IDLE;
	f->now += NSEC_PER_SEC;
	fixture_plan(f);
	assert_int_equal(f->ledger.n_drains, 2); /* until the store has done it */
	fixture_converge(f, 10);
	assert_null(fixture_target(f, VIP, 80, "10.244.0.5"));
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.7"));
	assert_int_equal(f->ledger.n_drains, 1);
	f->store.items[1].targets[1].state = LB_BACKEND_IDLE;
	fixture_converge(f, 10);
	assert_null(fixture_target(f, VIP, 80, "10.244.0.7"));
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.6"));
	assert_int_equal(f->ledger.n_drains, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
}

/* It is serving: whoever ends it says so. */
static void an_endpoint_that_is_idle_stays_as_long_as_the_slices_name_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a- 10.244.0.6@node-a");
	fixture_converge(f, 10);
	f->store.items[1].targets[0].state = LB_BACKEND_IDLE;
	fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.5")->state, LB_BACKEND_DRAINING);
}

/* Its flows had the time of their drain; nobody gives them another one. */
static void a_frontend_goes_two_seconds_after_its_last_target_has_drained(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "");
	fixture_converge(f, 10);
	f->now += PLAN_DRAIN_DEFAULT_NS;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	f->now = f->deadline;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

static void drain_time_is_a_setting(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {drainSeconds: 7}");
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	assert_int_equal(f->deadline, f->now + 7 * NSEC_PER_SEC);
}

static void target_that_comes_back_leaves_the_ledger(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 1);
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 0);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.5")->state, LB_BACKEND_READY);
}

static void store_that_fails_does_not_begin_a_drain_anew(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	f->now += PLAN_DRAIN_DEFAULT_NS;
	f->store.fail_every = 1;
	for (int i = 0; i < 3; i++) {
		fixture_plan(f);
		assert_null(fixture_target(f, VIP, 80, "10.244.0.5"));
		fixture_apply(f);
		f->now += NSEC_PER_SEC;
	}
	f->store.fail_every = 0;
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 0);
}

static void last_local_endpoint_gone_withdraws_at_once_and_drains(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.1.5@node-b");
	fixture_plan(f);
	assert_null(fixture_route(f, VIP "/32"));
	assert_false(fixture_service(f, "web")->announced);
	assert_string_equal(fixture_service(f, "web")->reason, "noLocalEndpoints");
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.5")->state, LB_BACKEND_DRAINING);
	assert_false(fixture_frontend(f, VIP, 80)->hold);
	fixture_converge(f, 10);
	f->now += PLAN_DRAIN_DEFAULT_NS;
	fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

static void service_that_takes_over_a_port_inherits_no_backend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address one = {.ns = "default", .name = "old", .pool = "pool-a"};
	const struct plan_addresses read_back = {.items = &one, .n = 1};

	(void)state;
	if (!ip_addr_parse(VIP, &one.addr))
		fail();
	f->read_back = &read_back;
	fixture_basics(f);
	fixture_add_service(f, "old", "Local", "");
	fixture_add_slice(f, "old", "10.244.0.5@node-a 10.244.0.6@node-a");
	fixture_converge(f, 10);
	fixture_add_slice(f, "old", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.5")->state, LB_BACKEND_DRAINING);

	fixture_add_service(f, "new", "Local", "");
	fixture_add_slice(f, "new", "10.244.0.7@node-a");
	one.name = "new";
	fixture_plan(f);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.7")->state, LB_BACKEND_READY);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.7")->owner,
			 lb_seed("default", "new"));
	assert_null(fixture_target(f, VIP, 80, "10.244.0.5"));
	assert_null(fixture_target(f, VIP, 80, "10.244.0.6"));
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 0);
}

static void drain_of_an_owner_that_is_not_known_is_kept(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_drain drain = {.until = f->now + 1};

	(void)state;
	drain.frontend = fixture_frontend(f, VIP, 80)->lb.key;
	drain.target = *fixture_target(f, VIP, 80, "10.244.0.5");
	drain.target.addr = ip_addr_from_v4(0x0af40009);
	drain.target.owner = 0; /* as a former run's file has it */
	f->ledger.drains = &drain;
	f->ledger.n_drains = 1;
	fixture_plan(f);
	assert_int_equal(fixture_target(f, VIP, 80, "10.244.0.9")->state, LB_BACKEND_DRAINING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(departed_target_drains_until_its_deadline),
		cmocka_unit_test(a_drain_is_over_with_the_last_flow),
		cmocka_unit_test(an_endpoint_that_is_idle_stays_as_long_as_the_slices_name_it),
		cmocka_unit_test(a_frontend_goes_two_seconds_after_its_last_target_has_drained),
		cmocka_unit_test(drain_time_is_a_setting),
		cmocka_unit_test(target_that_comes_back_leaves_the_ledger),
		cmocka_unit_test(store_that_fails_does_not_begin_a_drain_anew),
		cmocka_unit_test(last_local_endpoint_gone_withdraws_at_once_and_drains),
		cmocka_unit_test(service_that_takes_over_a_port_inherits_no_backend),
		cmocka_unit_test(drain_of_an_owner_that_is_not_known_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

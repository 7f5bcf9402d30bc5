// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A node that is drained: nothing is announced from it, XDP is left as by `mode: off`, and it stays
 * so until that is taken back. Asked for by the operator's command or by the Node's annotation.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP         "192.168.100.0"
#define N_FRONTENDS 2 /* of "web": the VIP and its port */

enum way { BY_COMMAND, BY_NODE, BY_TAINT };

static void set_drained(struct fixture *f, enum way way, bool drained)
{
	if (way == BY_COMMAND)
		f->settings.drained = drained;
	else if (way == BY_TAINT)
		fixture_object(f, "Node", "node-a", "",
			       drained ? "spec: {taints: [{key: ToBeDeletedByClusterAutoscaler}]}"
				       : "");
	else
		fixture_object(f, "Node", "node-a",
			       drained ? "annotations: {lodestone.io/drain: \"true\"}" : "", "");
}

static void withdraw(struct fixture *f, enum way way)
{
	set_drained(f, way, true);
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(f->plan.drained && f->plan.leaving);
	assert_false(f->plan.dataplane);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->n_devices, 1);
}

static void hand_back(struct fixture *f)
{
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.items[1].flags & LB_F_SHARED, LB_F_HANDING_BACK);
}

static void a_drained_node_withdraws_serves_to_the_end_and_stays_away(void **state)
{
	(void)state;
	for (enum way way = BY_COMMAND; way <= BY_TAINT; way++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		withdraw(f, way);
		assert_string_equal(fixture_service(f, "web")->reason, "nodeDrained");
		assert_int_equal(fixture_problem(f, "NodeDrained", NULL)->severity, SEVERITY_INFO);
		assert_int_equal(fixture_problem(f, "DataPlaneLeaving", NULL)->severity,
				 SEVERITY_INFO);
		hand_back(f);
		f->store.items[1].idle = true;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 0);
		assert_int_equal(f->n_devices, 0);
		assert_false(f->plan.leaving || f->pinned);
		for (int i = 0; i < 3; i++) {
			f->now += 3600 * NSEC_PER_SEC;
			(void)fixture_converge(f, 10);
			assert_null(fixture_held(f, "r1", VIP "/32"));
			assert_int_equal(f->plan.n_routes, 0);
			assert_int_equal(f->store.n + f->n_devices, 0);
		}
		assert_string_equal(fixture_service(f, "web")->reason, "nodeDrained");
		assert_null(fixture_problem(f, "DataPlaneLeaving", NULL));

		set_drained(f, way, false);
		(void)fixture_converge(f, 10);
		assert_non_null(fixture_held(f, "r1", VIP "/32"));
		assert_int_equal(f->store.n, N_FRONTENDS);
		assert_true(fixture_service(f, "web")->announced);
		assert_null(fixture_problem(f, "NodeDrained", NULL));
		assert_false(f->plan.drained);
	}
}

/* Before it is drained the routers hear that it will be: the routes stay, with a community. */
static void first_it_is_announced_that_it_leaves(void **state)
{
	(void)state;
	for (enum way way = BY_COMMAND; way <= BY_TAINT; way++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		f->settings.drain_told = false;
		assert_false(fixture_plan_peer(f, "r1")->bgp.graceful_shutdown);
		set_drained(f, way, true);
		(void)fixture_converge(f, 10);
		assert_true(f->plan.leaves && !f->plan.drained && f->plan.dataplane);
		assert_true(fixture_plan_peer(f, "r1")->bgp.graceful_shutdown);
		assert_non_null(fixture_held(f, "r1", VIP "/32"));
		assert_string_equal(fixture_service(f, "web")->reason, "announced");
		f->settings.drain_told = true;
		(void)fixture_converge(f, 10);
		assert_true(f->plan.drained);
		assert_null(fixture_held(f, "r1", VIP "/32"));
		f->settings.drain_told = false; /* taken back: of no more use */
		set_drained(f, way, false);
		(void)fixture_converge(f, 10);
		assert_false(f->plan.leaves);
		assert_false(fixture_plan_peer(f, "r1")->bgp.graceful_shutdown);
	}
}

static void what_does_not_end_has_the_drain_time(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	withdraw(f, BY_COMMAND);
	hand_back(f);
	f->now += PLAN_DRAIN_DEFAULT_NS - 1;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	f->now++;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_null(fixture_held(f, "r1", VIP "/32"));
}

/* What the kernel got meanwhile stays with it. */
static void taken_back_in_between_it_takes_over_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	withdraw(f, BY_NODE);
	hand_back(f);
	set_drained(f, BY_NODE, false);
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.items[1].flags & LB_F_SHARED, LB_F_TAKING_OVER);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void who_was_asked_twice_is_told_twice(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	set_drained(f, BY_NODE, true);
	set_drained(f, BY_COMMAND, true);
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_count(f, "NodeDrained"), 2);
	set_drained(f, BY_COMMAND, false);
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_count(f, "NodeDrained"), 1);
	assert_true(f->plan.drained);
	assert_null(fixture_held(f, "r1", VIP "/32"));
}

/* Where the kernel forwards, only the routes go. */
static void with_mode_off_the_routes_are_withdrawn(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	set_drained(f, BY_COMMAND, true);
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_false(f->plan.leaving);
	set_drained(f, BY_COMMAND, false);
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void a_node_that_was_drained_before_it_began_begins_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	set_drained(f, BY_COMMAND, true);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n + f->n_devices, 0);
	assert_false(f->pinned);
	assert_true(f->plan.end_of_rib);
}

/* Until all was read it is not known whether the node is drained, and what is there stays. */
static void before_all_is_read_nothing_is_withdrawn(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->synced = false;
	set_drained(f, BY_COMMAND, true);
	f->now += 3600 * NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(f->store.n, N_FRONTENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_it_is_announced_that_it_leaves),
		cmocka_unit_test(a_drained_node_withdraws_serves_to_the_end_and_stays_away),
		cmocka_unit_test(what_does_not_end_has_the_drain_time),
		cmocka_unit_test(taken_back_in_between_it_takes_over_again),
		cmocka_unit_test(who_was_asked_twice_is_told_twice),
		cmocka_unit_test(with_mode_off_the_routes_are_withdrawn),
		cmocka_unit_test(a_node_that_was_drained_before_it_began_begins_nothing),
		cmocka_unit_test(before_all_is_read_nothing_is_withdrawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

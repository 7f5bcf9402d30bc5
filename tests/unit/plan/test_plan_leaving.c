// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is in the kernel when the plan first sees it, and what leaves it: the gates complete and
 * unheld after a restart of the agent, routers that keep stale routes, and `mode: off`.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP         "192.168.100.0"
#define DRAIN       (7 * NSEC_PER_SEC)
#define OFF         "spec: {drainSeconds: 7, dataplane: {mode: \"off\"}}"
#define RESTART     (120 * NSEC_PER_SEC)
#define N_FRONTENDS 2 /* of "web": the VIP and its port */

/* A new process that has read the same documents. */
static void restart(struct fixture *f)
{
	struct world *world = f->world;

	f->world = world_new();
	fixture_restart(f);
	world_free(f->world);
	f->world = world;
}

static size_t count_calls(struct fixture *f)
{
	const size_t before = f->store.n_calls;

	(void)fixture_converge(f, 10);
	return f->store.n_calls - before;
}

/* Puts into the store what it has once more, for the same address in that domain. */
static void copy_to_domain(struct fixture *f, uint16_t domain)
{
	const struct lb_store store = fake_store_ops(&f->store);
	const size_t n = f->store.n;

	for (size_t i = 0; i < n; i++) {
		struct lb_frontend lb = {.key = f->store.items[i].key,
					 .table = f->store.items[i].table};

		assert_int_equal(lb.key.domain, 0); /* those of the domain come later */
		lb.key.domain = domain;
		assert_int_equal(store.ops->put(store.ctx, f->now, &lb), 0);
	}
}

/* --- complete (5) --------------------------------------------------------------------------- */

static void restart_that_sees_nothing_takes_nothing_away(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_restart(f);
	f->synced = false;
	f->node.n_links = f->node.n_addrs = 0; /* the node cannot be read either */
	for (int i = 0; i < 3; i++) {
		fixture_plan(f);
		assert_int_equal(f->plan.n_devices, 1);
		assert_true(f->plan.devices[0].xdp && f->plan.devices[0].tc);
		assert_string_equal(f->plan.devices[0].name, "eth0");
		assert_int_equal(f->plan.n_frontends, N_FRONTENDS);
		assert_false(f->plan.end_of_rib);
		(void)fixture_apply(f);
		f->now += 3600 * NSEC_PER_SEC;
	}
	assert_int_equal(f->store.n, N_FRONTENDS);
}

/* So that the pods' sockets stay witnesses of their flows. */
static void what_is_held_keeps_its_targets_in_the_plan(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct plan_frontend *fe;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	f->synced = false;
	fixture_plan(f);
	fe = fixture_frontend(f, VIP, 80);
	assert_true(fe->hold);
	assert_int_equal(fe->lb.n_targets, 1);
	assert_int_equal(fe->lb.targets[0].addr.b[15], 5);
	fixture_drop(f, "Service", "web");
	fixture_plan(f);
	fe = fixture_frontend(f, VIP, 80);
	assert_true(fe->hold && fe->leaving);
	assert_int_equal(fe->lb.n_targets, 1);
}

static void
what_a_former_process_programmed_is_tested_and_announced_before_all_is_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	restart(f);
	f->synced = false;
	assert_int_equal(count_calls(f), 1); /* the test; nothing is written */
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_false(f->plan.end_of_rib);
}

static void attachments_stay_as_they_are_until_all_is_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->devices[0].generic = true;
	f->devices[1] = (struct plan_actual_device){.ifindex = 3, .name = "eth1", .tc = true};
	f->devices[2] = (struct plan_actual_device){.ifindex = 4, .name = "eth2", .xdp = true};
	f->devices[3] = (struct plan_actual_device){.ifindex = 5, .name = "eth3"};
	f->n_devices = 4;
	f->synced = false;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 3);
	assert_true(f->plan.devices[0].allow_generic);
	assert_true(f->plan.devices[1].tc);
	assert_false(f->plan.devices[1].xdp);
	assert_false(f->plan.devices[1].allow_generic);
	assert_true(f->plan.devices[2].xdp);
	assert_false(f->plan.devices[2].tc);
	f->synced = true;
	fixture_plan(f);
	assert_int_equal(f->plan.n_devices, 1);
}

/* --- unheld (2) after a restart ------------------------------------------------------------- */

static void service_removed_meanwhile_is_closed_two_seconds_after_the_restart(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	restart(f);
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_true(f->plan.end_of_rib);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	assert_int_equal(f->store.items[1].flags & LB_F_CLOSED, 0);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
	assert_true(f->store.items[1].flags & LB_F_CLOSED);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

static void stale_routes_of_a_router_hold_a_vip_until_end_of_rib(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	restart(f);
	fixture_peer(f, "r1")->stale_until = f->now + RESTART;
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->deadline, f->now + RESTART);
	f->now += 100 * NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	fixture_peer(f, "r1")->stale_until = 0; /* End-of-RIB was sent */
	(void)fixture_converge(f, 10);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

static void stale_routes_end_by_themselves(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_peer(f, "r1")->down = true;
	fixture_peer(f, "r1")->stale_until = f->now + RESTART;
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	f->now += RESTART;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_true(f->store.items[1].flags & LB_F_CLOSED);
}

/* --- mode off ------------------------------------------------------------------------------- */

static void mode_off_withdraws_then_drains_then_detaches_then_announces(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	fixture_peer(f, "r1")->stuck = true;
	for (int i = 0; i < 3; i++) {
		(void)fixture_converge(f, 10); /* the withdraw does not get out */
		assert_true(f->plan.leaving);
		assert_false(f->plan.dataplane);
		assert_int_equal(f->plan.n_routes, 0);
		assert_int_equal(f->store.n, N_FRONTENDS);
		assert_int_equal(f->plan.n_devices, 1);
		assert_string_equal(fixture_service(f, "web")->reason, "dataPlaneLeaving");
		assert_false(fixture_service(f, "web")->announced);
		assert_non_null(fixture_problem(f, "DataPlaneLeaving", "node-a"));
		f->now += 60 * NSEC_PER_SEC;
	}
	fixture_peer(f, "r1")->stuck = false;
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS); /* what begins goes back */

	/* Maps are kept up to date as long as they serve. */
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	f->now += PLAN_UNHELD_NS + DRAIN - 1;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->store.items[1].n_targets, 2);
	assert_true(f->n_devices == 1 && f->devices[0].xdp);
	assert_null(fixture_held(f, "r1", VIP "/32"));

	f->now += 1;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_int_equal(f->n_devices, 0);
	assert_false(f->pinned);
	assert_false(f->plan.leaving);
	assert_int_equal(f->ledger.n_leaving, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(fixture_service(f, "web")->announced);
	assert_null(fixture_problem(f, "DataPlaneLeaving", NULL));
}

/* --- another version ------------------------------------------------------------------------ */

/* What is pinned serves whatever it serves; nothing of it is seen. */
static struct fixture *strange(const char *config)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_object(f, "LodestoneConfig", "default", "", config);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	f->strange_abi = 1;
	return f;
}

static void another_version_is_left_as_mode_off_leaves_it_then_replaced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = strange("spec: {drainSeconds: 7}");

	(void)state;
	(void)fixture_converge(f, 10);
	fixture_peer(f, "r1")->stale_until = f->now + RESTART;
	(void)fixture_converge(f, 10); /* routes of the former agent are there still */
	assert_int_equal(f->deadline, f->now + RESTART);
	fixture_peer(f, "r1")->stale_until = 0;
	for (nsec_t left = PLAN_UNHELD_NS + DRAIN; left > 0; left = left > 1 ? 1 : 0) {
		(void)fixture_converge(f, 10);
		assert_true(f->plan.leaving && f->plan.strange && !f->plan.dataplane);
		assert_int_equal(f->plan.n_routes, 0);
		assert_int_equal(f->store.n, 0);
		assert_int_equal(f->plan.n_devices, 0);
		assert_string_equal(fixture_service(f, "web")->reason, "dataPlaneLeaving");
		assert_non_null(fixture_problem(f, "DataPlaneLeaving", "node-a"));
		assert_int_equal(f->deadline, f->now + left);
		f->now += left > 1 ? left - 1 : 1;
	}
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 0);
	assert_false(f->plan.leaving);
	assert_true(f->plan.dataplane);
	assert_int_equal(f->ledger.n_leaving, 0);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

/* A route that cannot be withdrawn is a route that still brings packets. */
static void another_version_waits_for_every_route(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->strange_abi = 3; /* as if it had come from somewhere */
	fixture_peer(f, "r1")->stuck = true;
	(void)fixture_converge(f, 10);
	f->now += 600 * NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 3);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	fixture_peer(f, "r1")->stuck = false;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS + 60 * NSEC_PER_SEC);
}

static void another_version_stays_until_all_is_known(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = strange("spec: {drainSeconds: 7}");

	(void)state;
	f->synced = false;
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS + DRAIN;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 1);
	f->synced = true;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 1);
	f->now += PLAN_UNHELD_NS + DRAIN;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void with_mode_off_another_version_is_left_for_good(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = strange(OFF);

	(void)state;
	(void)fixture_converge(f, 10);
	assert_true(f->plan.strange);
	f->now += PLAN_UNHELD_NS + DRAIN;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->strange_abi, 0);
	assert_false(f->plan.leaving || f->plan.dataplane || f->pinned);
	assert_int_equal(f->store.n, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

/* At no step is something detached that still has frontends, or a route that has none of both. */
static void mode_off_detaches_after_the_last_frontend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	for (int i = 0; i < 400; i++) {
		fixture_plan(f);
		if (f->store.n)
			assert_int_equal(f->plan.n_devices, 1);
		(void)fixture_apply(f);
		if (f->pinned)
			assert_true(i < 2 || !fixture_held(f, "r1", VIP "/32"));
		f->store.fail_at = i % 3 ? 0 : f->store.n_calls + 1;
		f->now += 100 * NSEC_PER_MSEC;
	}
	assert_false(f->pinned);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void mode_off_at_a_restart_leaves_by_the_same_gates(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	restart(f);
	fixture_peer(f, "r1")->stale_until = f->now + RESTART;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	(void)fixture_converge(f, 10);
	assert_true(f->plan.leaving);
	assert_true(f->plan.end_of_rib); /* which is the withdraw */
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->n_devices, 1);
	fixture_peer(f, "r1")->stale_until = 0;
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS + DRAIN;
	(void)fixture_converge(f, 10);
	assert_false(f->pinned);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void mode_off_waits_for_the_first_complete_picture(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	f->synced = false;
	f->now += 3600 * NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->n_devices, 1);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void mode_off_begins_no_frontend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	fixture_add_service(f, "late", "Local", "");
	fixture_add_slice(f, "late", "10.244.0.7@node-a");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
}

static void attachments_without_frontends_wait_for_stale_routes_only(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	restart(f);
	fake_store_done(&f->store); /* maps of another version, say, that could not be taken over */
	fixture_peer(f, "r1")->stale_until = f->now + RESTART;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	(void)fixture_converge(f, 10);
	assert_int_equal(f->n_devices, 1);
	fixture_peer(f, "r1")->stale_until = 0;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->n_devices, 0);
	assert_false(f->pinned);
}

static void leftovers_that_cannot_be_taken_over_keep_the_routes_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	f->dataplane_failure = "operation not permitted";
	fixture_plan(f);
	assert_int_equal(f->plan.n_routes, 0);
	assert_int_equal(fixture_problem(f, "DataPlaneFailed", NULL)->severity, SEVERITY_ERROR);
	assert_non_null(
		strstr(fixture_problem(f, "DataPlaneFailed", NULL)->message, "not permitted"));
	f->pinned = false; /* somebody cleaned up */
	f->dataplane_failure = NULL;
	fake_store_done(&f->store);
	f->n_devices = 0;
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void mode_on_again_in_between_serves_on(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	fixture_drop(f, "LodestoneConfig", "default");
	assert_int_equal(count_calls(f), 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(f->ledger.n_leaving, 0);
}

static void vip_of_another_domain_leaves_without_touching_this_one(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	copy_to_domain(f, 1);
	assert_int_equal(f->store.n, 2 * N_FRONTENDS);
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2 * N_FRONTENDS);
	assert_false(f->plan.frontends[0].leaving);
	assert_true(f->plan.frontends[N_FRONTENDS].leaving);
	f->now += PLAN_UNHELD_NS;
	assert_int_equal(count_calls(f), N_FRONTENDS);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->store.items[0].key.domain, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void route_of_this_domain_holds_no_vip_of_another(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	copy_to_domain(f, 1);
	fixture_peer(f, "r1")->stuck = true; /* and so keeps its route */
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(f->store.items[0].key.domain, 0);
	fixture_peer(f, "r1")->stuck = false;
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_true(f->store.items[1].flags & LB_F_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restart_that_sees_nothing_takes_nothing_away),
		cmocka_unit_test(what_is_held_keeps_its_targets_in_the_plan),
		cmocka_unit_test(
			what_a_former_process_programmed_is_tested_and_announced_before_all_is_read),
		cmocka_unit_test(attachments_stay_as_they_are_until_all_is_read),
		cmocka_unit_test(service_removed_meanwhile_is_closed_two_seconds_after_the_restart),
		cmocka_unit_test(stale_routes_of_a_router_hold_a_vip_until_end_of_rib),
		cmocka_unit_test(stale_routes_end_by_themselves),
		cmocka_unit_test(another_version_is_left_as_mode_off_leaves_it_then_replaced),
		cmocka_unit_test(another_version_waits_for_every_route),
		cmocka_unit_test(another_version_stays_until_all_is_known),
		cmocka_unit_test(with_mode_off_another_version_is_left_for_good),
		cmocka_unit_test(mode_off_withdraws_then_drains_then_detaches_then_announces),
		cmocka_unit_test(mode_off_detaches_after_the_last_frontend),
		cmocka_unit_test(mode_off_at_a_restart_leaves_by_the_same_gates),
		cmocka_unit_test(mode_off_waits_for_the_first_complete_picture),
		cmocka_unit_test(mode_off_begins_no_frontend),
		cmocka_unit_test(attachments_without_frontends_wait_for_stale_routes_only),
		cmocka_unit_test(leftovers_that_cannot_be_taken_over_keep_the_routes_back),
		cmocka_unit_test(mode_on_again_in_between_serves_on),
		cmocka_unit_test(vip_of_another_domain_leaves_without_touching_this_one),
		cmocka_unit_test(route_of_this_domain_holds_no_vip_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

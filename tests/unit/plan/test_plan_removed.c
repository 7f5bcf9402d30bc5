// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows of a Service, or of a port of one, that is gone: they are served until the last one has
 * ended, or for the time of a drain, whatever becomes of the node meanwhile.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP         "192.168.100.0"
#define DRAIN       (7 * NSEC_PER_SEC)
#define OFF         "spec: {drainSeconds: 7, dataplane: {mode: \"off\"}}"
#define N_FRONTENDS 2 /* of "web": the VIP and its port */

static size_t count_calls(struct fixture *f)
{
	const size_t before = f->store.n_calls;

	(void)fixture_converge(f, 10);
	return f->store.n_calls - before;
}

static const struct fake_frontend *web(struct fixture *f)
{
	assert_true(f->store.n >= N_FRONTENDS);
	assert_int_equal(f->store.items[1].key.port, 80);
	return &f->store.items[1];
}

/* Withdrawn, and what the routers sent meanwhile has begun. */
static void remove_web(struct fixture *f)
{
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
}

static void a_removed_service_takes_no_new_flow_and_goes_with_its_last(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const uint64_t table = web(f)->table;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.6@node-a-");
	(void)fixture_converge(f, 10);
	f->store.items[1].targets[1].state = LB_BACKEND_IDLE;
	remove_web(f);
	assert_int_equal(web(f)->flags, LB_F_CLOSED | LB_F_REJECT);
	assert_int_equal(web(f)->n_targets, 2);
	assert_int_equal(web(f)->targets[0].state, LB_BACKEND_READY);
	assert_int_equal(web(f)->targets[1].state, LB_BACKEND_DRAINING);
	assert_int_equal(web(f)->rows_log2, LB_DEFAULT_ROWS_LOG2);
	assert_int_equal(web(f)->seed, lb_seed("default", "web"));
	assert_true(web(f)->table != table);
	assert_int_equal(count_calls(f), 0); /* nor is it tested: its pods may be gone */
	assert_int_equal(f->deadline, f->now + PLAN_DRAIN_DEFAULT_NS);
	f->now += NSEC_PER_SEC;
	f->store.items[1].idle = true;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_int_equal(f->ledger.n_leaving, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
}

/* Its rows go by the client's address as long as they are there. */
static void a_removed_service_with_affinity_is_closed_as_well(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "web", "Local", "sessionAffinity: ClientIP");
	(void)fixture_converge(f, 10);
	remove_web(f);
	assert_int_equal(web(f)->flags, LB_F_AFFINITY | LB_F_CLOSED | LB_F_REJECT);
	assert_int_equal(f->n_failed, 0);
}

static void what_a_removed_service_keeps_has_the_drain_time(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {drainSeconds: 7}");
	remove_web(f);
	f->store.fail_every = 1;
	f->now += DRAIN - 1;
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_frontend(f, VIP, 80));
	f->now += 1;
	fixture_plan(f);
	assert_null(fixture_frontend(f, VIP, 80));
	assert_null(fixture_frontend(f, VIP, 0));
	f->store.fail_every = 0;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

/* Another has its address at once, but nobody behind it: that says nothing of the flows. */
static void a_successor_without_endpoints_does_not_cut_them(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_drop(f, "Service", "web");
	fixture_object(f, "Service", "next", "",
		       "spec: {type: LoadBalancer, loadBalancerIP: " VIP
		       ", externalTrafficPolicy: Local, ports: [{port: 80}]}");
	(void)fixture_converge(f, 10);
	f->now = f->deadline;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, N_FRONTENDS);
	assert_int_equal(web(f)->flags, LB_F_CLOSED | LB_F_REJECT);
	f->now += PLAN_DRAIN_DEFAULT_NS;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

static void a_service_that_comes_back_takes_flows_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	remove_web(f);
	fixture_add_service(f, "web", "Local", "");
	(void)fixture_converge(f, 10);
	assert_int_equal(web(f)->flags, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(f->ledger.n_leaving, 0);
}

/* Each port has its own flows; the VIP goes with the last. */
static void a_port_that_is_removed_drains_beside_those_that_stay(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 443, protocol: TCP, targetPort: 8080}]}");
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 3);
	assert_int_equal(web(f)->flags, LB_F_CLOSED | LB_F_REJECT);
	assert_int_equal(f->store.items[2].flags, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	f->store.items[1].idle = true;
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2);
	assert_int_equal(f->store.items[1].key.port, 443);
	f->store.items[1].idle = true;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

/* Conntrack is not read for its sake any more: what has no entry is the kernel's, from now on. */
static void a_removed_service_that_is_shared_is_handed_back(void **state)
{
	static const uint32_t shared[] = {LB_F_KERNEL_FLOWS, LB_F_TAKING_OVER, LB_F_HANDING_BACK};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		f->store.items[0].flags |= shared[i];
		f->store.items[1].flags |= shared[i];
		fixture_drop(f, "Service", "web");
		(void)fixture_converge(f, 10);
		assert_int_equal(web(f)->flags, LB_F_HANDING_BACK);
		assert_int_equal(f->store.items[0].flags & LB_F_SHARED, LB_F_HANDING_BACK);
		f->store.items[1].idle = true;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, N_FRONTENDS);
		f->now += PLAN_UNHELD_NS;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 0);
	}
}

/* One that is removed before or meanwhile is served to its end with the others, not less long. */
static void with_mode_off_a_removed_service_is_handed_back_with_the_others(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		f->remembers = true;
		fixture_add_service(f, "younger", "Local", "");
		fixture_add_slice(f, "younger", "10.244.0.7@node-a");
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 2 * N_FRONTENDS);
		if (before)
			remove_web(f);
		fixture_object(f, "LodestoneConfig", "default", "", OFF);
		fixture_drop(f, "Service", "web");
		(void)fixture_converge(f, 10);
		f->now += PLAN_UNHELD_NS;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 2 * N_FRONTENDS);
		assert_int_equal(web(f)->flags & LB_F_SHARED, LB_F_HANDING_BACK);
		assert_int_equal(f->store.items[0].flags & LB_F_SHARED, LB_F_HANDING_BACK);
		f->store.items[3].idle = true;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 2 * N_FRONTENDS);
		assert_true(f->plan.leaving);
		f->store.items[1].idle = true;
		(void)fixture_converge(f, 10);
		assert_int_equal(f->store.n, 0);
		assert_false(f->plan.leaving);
	}
}

/* The kernel may have got flows of it meanwhile. */
static void a_removed_service_stays_handed_back_when_mode_off_is_taken_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", OFF);
	fixture_drop(f, "Service", "web");
	(void)fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	(void)fixture_converge(f, 10);
	fixture_drop(f, "LodestoneConfig", "default");
	(void)fixture_converge(f, 10);
	assert_int_equal(web(f)->flags, LB_F_HANDING_BACK);
	f->store.items[1].idle = true;
	(void)fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_service_takes_no_new_flow_and_goes_with_its_last),
		cmocka_unit_test(a_removed_service_with_affinity_is_closed_as_well),
		cmocka_unit_test(what_a_removed_service_keeps_has_the_drain_time),
		cmocka_unit_test(a_successor_without_endpoints_does_not_cut_them),
		cmocka_unit_test(a_service_that_comes_back_takes_flows_again),
		cmocka_unit_test(a_port_that_is_removed_drains_beside_those_that_stay),
		cmocka_unit_test(a_removed_service_that_is_shared_is_handed_back),
		cmocka_unit_test(with_mode_off_a_removed_service_is_handed_back_with_the_others),
		cmocka_unit_test(a_removed_service_stays_handed_back_when_mode_off_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

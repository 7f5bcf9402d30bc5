// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The gates of DESIGN 1 as they meet frontends, step by step against actual state: what may be
 * programmed, what must stay and for how long, and what the ledger remembers.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static const struct lb_target *target(const struct fixture *f, const char *address)
{
	const struct plan_frontend *fe = fixture_frontend(f, VIP, 80);
	struct ip_addr a;

	if (!ip_addr_parse(address, &a))
		fail();
	for (size_t i = 0; fe && i < fe->lb.n_targets; i++)
		if (ip_addr_equal(&fe->lb.targets[i].addr, &a))
			return &fe->lb.targets[i];
	return NULL;
}

/* --- gate 1 --------------------------------------------------------------------------------- */

static void route_waits_until_its_vip_is_programmed_and_tested(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->store.fail_tests = true;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	for (int i = 0; i < 4; i++) {
		fixture_plan(f);
		assert_null(fixture_route(f, VIP "/32"));
		assert_string_equal(fixture_service(f, "web")->reason,
				    i ? "notProgrammed" : "dataPlaneNotReady");
		fixture_apply(f);
	}
	assert_non_null(fake_store_find(&f->store, &fixture_frontend(f, VIP, 80)->lb.key));
	f->store.fail_tests = false;
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(fixture_service(f, "web")->announced);
}

static void pending_update_of_a_tested_frontend_withdraws_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.6@node-a");
	for (int i = 0; i < 3; i++) {
		f->store.fail_at = f->store.n_calls + 1;
		fixture_plan(f);
		assert_non_null(fixture_route(f, VIP "/32"));
		fixture_apply(f);
		assert_non_null(fixture_held(f, "r1", VIP "/32"));
	}
}

static void new_peer_gets_a_route_only_once_the_update_is_in(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	assert_int_equal(fixture_route(f, VIP "/32")->peers, 1);
	fixture_converge(f, 10);
	assert_int_equal(fixture_route(f, VIP "/32")->peers, 3);
}

static void device_that_fails_later_withdraws_the_routes_at_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->device_failure = "a program in front of ours ends the chain";
	fixture_plan(f);
	fixture_apply(f);
	fixture_plan(f);
	assert_null(fixture_route(f, VIP "/32"));
	assert_string_equal(fixture_service(f, "web")->reason, "dataPlaneNotReady");
	assert_non_null(fixture_problem(f, "ForeignProgram", "eth0"));
	fixture_apply(f);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	f->device_failure = NULL;
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void mode_off_announces_without_data_plane(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_converge(f, 10);
	assert_false(f->plan.dataplane);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_devices, 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(f->plan.end_of_rib);
}

/* --- gate 2 --------------------------------------------------------------------------------- */

static void frontend_outlives_its_route_by_two_seconds(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_drop(f, "Service", "web");
	fixture_peer(f, "r1")->stuck = true;
	fixture_plan(f);
	fixture_apply(f);
	f->now += 60 * NSEC_PER_SEC;
	fixture_plan(f);
	assert_null(fixture_route(f, VIP "/32"));
	assert_true(fixture_frontend(f, VIP, 80)->hold);
	assert_true(fixture_frontend(f, VIP, 0)->hold);
	fixture_apply(f);
	assert_int_equal(f->store.n, 2);

	fixture_peer(f, "r1")->stuck = false;
	fixture_apply(f);
	assert_null(fixture_held(f, "r1", VIP "/32"));
	fixture_plan(f);
	assert_true(fixture_frontend(f, VIP, 80)->hold);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	fixture_apply(f);

	f->now = f->deadline;
	fixture_plan(f);
	assert_null(fixture_frontend(f, VIP, 80));
	assert_int_equal(f->ledger.n_leaving, 2); /* until the store has done it */
	fixture_apply(f);
	assert_int_equal(f->store.n, 0);
	fixture_plan(f);
	assert_int_equal(f->ledger.n_leaving, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
}

static void lost_session_holds_no_frontend(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_drop(f, "Service", "web");
	fixture_peer(f, "r1")->down = true;
	fixture_plan(f);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
}

static void aggregate_wanted_by_another_vip_holds_nothing_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {aggregationLength: 24}");
	fixture_add_service(f, "other", "Local", "");
	fixture_add_slice(f, "other", "10.244.0.5@node-a");
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	f->given = (struct plan_addresses){0};
	fixture_drop(f, "Service", "web");
	fixture_plan(f);
	assert_true(fixture_frontend(f, "192.168.100.1", 80)->hold);
	assert_int_equal(f->deadline, f->now + PLAN_UNHELD_NS);
	fixture_apply(f);
	f->now = f->deadline;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
}

static void port_removed_from_a_vip_that_stays_leaves_after_two_seconds(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 443, protocol: TCP}]}");
	fixture_converge(f, 10);
	assert_non_null(fixture_frontend(f, VIP, 443));
	assert_true(fixture_frontend(f, VIP, 80)->hold);
	f->now += PLAN_UNHELD_NS;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void vip_leaves_with_the_last_of_its_frontends(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_drop(f, "Service", "web");
	fixture_converge(f, 10); /* the VIP begins to wait */
	f->synced = false;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 443, protocol: TCP}]}");
	fixture_plan(f); /* one more frontend, while the ledger stands still */
	fixture_apply(f);
	f->synced = true;
	fixture_drop(f, "Service", "web");
	f->now += 60 * NSEC_PER_SEC;
	fixture_converge(f, 10);
	f->now += NSEC_PER_SEC;
	fixture_plan(f);
	assert_non_null(fixture_frontend(f, VIP, 443));
	assert_non_null(fixture_frontend(f, VIP, 0));
	f->now += NSEC_PER_SEC;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

/* --- gate 4 --------------------------------------------------------------------------------- */

static void departed_target_drains_until_its_deadline(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	assert_int_equal(target(f, "10.244.0.5")->state, LB_BACKEND_DRAINING);
	assert_int_equal(target(f, "10.244.0.6")->state, LB_BACKEND_READY);
	assert_int_equal(f->deadline, f->now + PLAN_DRAIN_DEFAULT_NS);
	assert_int_equal(fixture_service(f, "web")->n_backends, 2);
	assert_string_equal(fixture_service(f, "web")->backends[1].state, "draining");
	fixture_converge(f, 10);

	f->now += PLAN_DRAIN_DEFAULT_NS - 1;
	fixture_converge(f, 10);
	assert_non_null(target(f, "10.244.0.5"));
	f->now += 1;
	fixture_converge(f, 10);
	assert_null(target(f, "10.244.0.5"));
	assert_int_equal(f->ledger.n_drains, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
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
	assert_int_equal(target(f, "10.244.0.5")->state, LB_BACKEND_READY);
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
		assert_null(target(f, "10.244.0.5"));
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
	assert_int_equal(target(f, "10.244.0.5")->state, LB_BACKEND_DRAINING);
	assert_false(fixture_frontend(f, VIP, 80)->hold);
	fixture_converge(f, 10);
	f->now += PLAN_DRAIN_DEFAULT_NS;
	fixture_converge(f, 10);
	f->now += PLAN_UNHELD_NS;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

/* --- gate 5 --------------------------------------------------------------------------------- */

static size_t n_begins(struct fixture *f)
{
	fixture_plan(f);
	for (size_t i = 1; i < f->plan.n_begins; i++)
		assert_true(plan_vip_cmp(&f->plan.begins[i - 1], &f->plan.begins[i]) < 0);
	return f->plan.n_begins;
}

/* Of these conntrack is asked, which costs the loop up to a second. */
static void a_plan_says_which_vips_it_is_about_to_begin(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	assert_int_equal(n_begins(f), 0);
	fixture_add_slice(f, "web", "10.244.0.5@node-b");
	fixture_converge(f, 10);
	assert_int_equal(n_begins(f), 0);
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_add_service(f, "b", "Local", "");
	fixture_add_slice(f, "b", "10.244.0.6@node-a");
	assert_int_equal(n_begins(f), 2);

	f->taken[0] = (struct plan_taken){.vip = f->plan.begins[0], .flows = 1};
	f->node.n_taken = 1; /* and goes on asking about it */
	assert_int_equal(n_begins(f), 2);
	fixture_converge(f, 10);
	assert_int_equal(n_begins(f), 1);
	assert_true(plan_vip_equal(&f->plan.begins[0], &f->taken[0].vip));
	f->node.n_taken = 0;
	assert_int_equal(n_begins(f), 1);
	fixture_converge(f, 10);
	assert_int_equal(n_begins(f), 0);

	fixture_add_service(f, "c", "Local", "");
	fixture_add_slice(f, "c", "10.244.0.7@node-a");
	assert_int_equal(n_begins(f), 1);
	f->settings.dataplane = false;
	assert_int_equal(n_begins(f), 0);
}

static void ports_of_one_vip_begin_together(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: a, "
		       "port: 80, targetPort: 8080}, {name: b, port: 81, targetPort: 8080}]}");
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: a, port: 8080}, {name: b, port: 8080}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
	assert_int_equal(n_begins(f), 1);
	assert_non_null(fixture_frontend(f, VIP, 80));
	assert_non_null(fixture_frontend(f, VIP, 81));
}

static void before_the_first_picture_nothing_is_taken_away(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->synced = false;
	fixture_drop(f, "Service", "web");
	f->now += 3600 * NSEC_PER_SEC;
	fixture_plan(f);
	assert_true(fixture_route(f, VIP "/32")->hold);
	assert_true(fixture_frontend(f, VIP, 80)->hold);
	assert_true(fixture_frontend(f, VIP, 0)->hold);
	assert_false(f->plan.end_of_rib);
	assert_int_equal(fixture_apply(f), 0);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void before_the_first_picture_the_ledger_stands_still(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	f->synced = false;
	fixture_drop(f, "EndpointSlice", "web");
	f->now += 3600 * NSEC_PER_SEC;
	fixture_plan(f);
	assert_int_equal(f->ledger.n_drains, 1);
	assert_int_equal(f->ledger.n_leaving, 0);
}

static void end_of_rib_waits_for_vips_that_are_on_their_way(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	fixture_plan(f);
	assert_false(f->plan.end_of_rib);
	fixture_converge(f, 10);
	assert_true(f->plan.end_of_rib);
	/* A data plane that failed will not come: the router may forget. */
	f->dataplane_failure = "verifier says no";
	fixture_plan(f);
	assert_true(f->plan.end_of_rib);
	assert_null(fixture_route(f, VIP "/32"));
	assert_non_null(fixture_problem(f, "DataPlaneFailed", NULL));
}

/* --- conflicts and takeover ----------------------------------------------------------------- */

static void older_service_wins_a_port_and_the_other_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	/* The allocator keeps them apart; what is read back from an API server need not. */
	struct plan_address both[] = {
		{.ns = "default", .name = "aa-new", .pool = "pool-a"},
		{.ns = "default", .name = "zz-old", .pool = "pool-a"},
	};
	const struct plan_addresses read_back = {.items = both, .n = ARRAY_SIZE(both)};

	(void)state;
	if (!ip_addr_parse(VIP, &both[0].addr))
		fail();
	both[1].addr = both[0].addr;
	f->read_back = &read_back;
	fixture_basics(f);
	fixture_object(f, "Service", "zz-old", "creationTimestamp: \"2024-01-01T00:00:00Z\"",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 80, protocol: TCP}]}");
	fixture_object(f, "Service", "aa-new", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 80, protocol: TCP}]}");
	fixture_add_slice(f, "zz-old", "10.244.0.5@node-a");
	fixture_add_slice(f, "aa-new", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(fixture_problem(f, "PortConflict", "aa-new")->severity, SEVERITY_ERROR);
	assert_null(fixture_problem(f, "PortConflict", "zz-old"));
	assert_string_equal(fixture_service(f, "aa-new")->reason, "portConflict");
	assert_true(fixture_service(f, "zz-old")->announced);
	assert_non_null(target(f, "10.244.0.5"));
	assert_null(target(f, "10.244.0.6"));
	assert_int_equal(f->store.n, 2);
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
	assert_int_equal(target(f, "10.244.0.5")->state, LB_BACKEND_DRAINING);

	fixture_add_service(f, "new", "Local", "");
	fixture_add_slice(f, "new", "10.244.0.7@node-a");
	one.name = "new";
	fixture_plan(f);
	assert_int_equal(target(f, "10.244.0.7")->state, LB_BACKEND_READY);
	assert_int_equal(target(f, "10.244.0.7")->owner, lb_seed("default", "new"));
	assert_null(target(f, "10.244.0.5"));
	assert_null(target(f, "10.244.0.6"));
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_drains, 0);
}

static void drain_of_an_owner_that_is_not_known_is_kept(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_drain drain = {.until = f->now + 1};

	(void)state;
	drain.frontend = fixture_frontend(f, VIP, 80)->lb.key;
	drain.target = *target(f, "10.244.0.5");
	drain.target.addr = ip_addr_from_v4(0x0af40009);
	drain.target.owner = 0; /* as a former run's file has it */
	f->ledger.drains = &drain;
	f->ledger.n_drains = 1;
	fixture_plan(f);
	assert_int_equal(target(f, "10.244.0.9")->state, LB_BACKEND_DRAINING);
}

static void vip_with_translated_flows_is_not_begun(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	if (!ip_addr_parse(VIP, &f->taken[0].vip.addr))
		fail();
	f->taken[0].flows = 3;
	f->node.n_taken = 1;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
	assert_null(fixture_route(f, VIP "/32"));
	assert_string_equal(fixture_service(f, "web")->reason, "conntrackHoldsFlows");
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_ERROR);
	assert_non_null(strstr(fixture_problem(f, "ConntrackHoldsFlows", "web")->remedy,
			       "conntrack -D -d " VIP));
	f->node.n_taken = 0;
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
}

static void vip_that_is_served_is_never_given_back_to_conntrack(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	if (!ip_addr_parse(VIP, &f->taken[0].vip.addr))
		fail();
	f->node.n_taken = 1;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_non_null(target(f, "10.244.0.6"));
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_waits_until_its_vip_is_programmed_and_tested),
		cmocka_unit_test(pending_update_of_a_tested_frontend_withdraws_nothing),
		cmocka_unit_test(new_peer_gets_a_route_only_once_the_update_is_in),
		cmocka_unit_test(device_that_fails_later_withdraws_the_routes_at_once),
		cmocka_unit_test(mode_off_announces_without_data_plane),
		cmocka_unit_test(frontend_outlives_its_route_by_two_seconds),
		cmocka_unit_test(lost_session_holds_no_frontend),
		cmocka_unit_test(aggregate_wanted_by_another_vip_holds_nothing_back),
		cmocka_unit_test(port_removed_from_a_vip_that_stays_leaves_after_two_seconds),
		cmocka_unit_test(vip_leaves_with_the_last_of_its_frontends),
		cmocka_unit_test(departed_target_drains_until_its_deadline),
		cmocka_unit_test(drain_time_is_a_setting),
		cmocka_unit_test(target_that_comes_back_leaves_the_ledger),
		cmocka_unit_test(store_that_fails_does_not_begin_a_drain_anew),
		cmocka_unit_test(last_local_endpoint_gone_withdraws_at_once_and_drains),
		cmocka_unit_test(a_plan_says_which_vips_it_is_about_to_begin),
		cmocka_unit_test(ports_of_one_vip_begin_together),
		cmocka_unit_test(before_the_first_picture_nothing_is_taken_away),
		cmocka_unit_test(before_the_first_picture_the_ledger_stands_still),
		cmocka_unit_test(end_of_rib_waits_for_vips_that_are_on_their_way),
		cmocka_unit_test(older_service_wins_a_port_and_the_other_is_told),
		cmocka_unit_test(service_that_takes_over_a_port_inherits_no_backend),
		cmocka_unit_test(drain_of_an_owner_that_is_not_known_is_kept),
		cmocka_unit_test(vip_with_translated_flows_is_not_begun),
		cmocka_unit_test(vip_that_is_served_is_never_given_back_to_conntrack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

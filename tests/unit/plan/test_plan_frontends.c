// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Gates 1, 2 and 5 of DESIGN 1 as they meet frontends, step by step against actual state: what may
 * be programmed, what must stay and for how long, and what the ledger remembers; and ports that two
 * want.
 */
#include "base/limits.h"
#include "base/strbuf.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

/* --- rows ----------------------------------------------------------------------------------- */

static void rows_are_as_many_as_the_service_asks_for(void **state)
{
	static const char spec[] = "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
				   "ports: [{port: 80, protocol: TCP}]}";
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	uint64_t table = fixture_frontend(f, VIP, 80)->lb.table;

	(void)state;
	assert_int_equal(fixture_frontend(f, VIP, 80)->lb.rows_log2, LB_DEFAULT_ROWS_LOG2);
	fixture_object(f, "Service", "web", "annotations: {lodestone.io/rows: \"32768\"}", spec);
	fixture_plan(f);
	assert_int_equal(fixture_frontend(f, VIP, 80)->lb.rows_log2, 15);
	assert_true(fixture_frontend(f, VIP, 80)->lb.table != table); /* so it is made anew */
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_true(fixture_converge(f, 10) < 10);
	assert_true(fixture_service(f, "web")->announced);
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

static void frontend_outlives_its_route_by_two_seconds_and_the_drain_time(void **state)
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
	fixture_converge(f, 10);
	assert_false(fixture_frontend(f, VIP, 80)->hold);
	assert_int_equal(f->deadline, f->now + PLAN_DRAIN_DEFAULT_NS);

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
	/* With policy Local each would have a route of its own besides, which goes first. */
	fixture_add_service(f, "other", "Cluster", "");
	fixture_add_slice(f, "other", "10.244.0.5@node-a");
	fixture_add_service(f, "web", "Cluster", "");
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
	assert_int_equal(f->deadline, f->now + PLAN_DRAIN_DEFAULT_NS);
	f->now = f->deadline;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 2);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
}

static void port_removed_from_a_vip_that_stays_leaves_after_its_drain(void **state)
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
	assert_false(fixture_frontend(f, VIP, 80)->hold);
	f->now += PLAN_DRAIN_DEFAULT_NS;
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
	f->now += NSEC_PER_SEC + PLAN_DRAIN_DEFAULT_NS;
	fixture_converge(f, 10);
	assert_int_equal(f->store.n, 0);
}

/* --- gate 5 --------------------------------------------------------------------------------- */

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

/* --- conflicts ----------------------------------------------------------------- */

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
	fixture_object(f, "Service", "aa-new",
		       "creationTimestamp: \"2024-01-02T00:00:00Z\", "
		       "annotations: {lodestone.io/med: \"9\"}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "ports: [{port: 80, protocol: TCP}]}");
	fixture_add_slice(f, "zz-old", "10.244.0.5@node-a");
	fixture_add_slice(f, "aa-new", "10.244.0.6@node-a");
	fixture_converge(f, 10);
	assert_int_equal(fixture_problem(f, "PortConflict", "aa-new")->severity, SEVERITY_ERROR);
	assert_null(fixture_problem(f, "PortConflict", "zz-old"));
	assert_string_equal(fixture_service(f, "aa-new")->reason, "portConflict");
	assert_true(fixture_service(f, "zz-old")->announced);
	/* Nor does it say anything of the route. */
	assert_false(f->plan.attrs[fixture_route(f, VIP "/32")->attrs].has_med);
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.5"));
	assert_null(fixture_target(f, VIP, 80, "10.244.0.6"));
	assert_int_equal(f->store.n, 2);
}

/* 11 Services of 931 ports are one frontend more than a node has. */
static void the_frontend_after_the_last_is_left_out_and_told(void **state)
{
	enum { N_SERVICES = 11, N_PORTS = 931 };
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct strbuf ports, names;
	size_t n = 0;

	(void)state;
	_Static_assert(N_SERVICES * N_PORTS == LIMIT_SERVICES + 1, "one too many");
	fixture_basics(f);
	strbuf_init(&ports, 1 << 18);
	strbuf_init(&names, 1 << 18);
	strbuf_add(&ports, "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [");
	strbuf_add(&names, "addressType: IPv4\nendpoints: [{addresses: [10.244.0.5], nodeName: "
			   "node-a}]\nports: [");
	for (int i = 0; i < N_PORTS; i++) {
		strbuf_printf(&ports, "{name: p%d, port: %d, targetPort: 80},", i, 1000 + i);
		strbuf_printf(&names, "{name: p%d, port: 80},", i);
	}
	strbuf_add(&ports, "]}");
	strbuf_add(&names, "]");
	for (int i = 0; i < N_SERVICES; i++) {
		char name[16], label[64];

		snprintf(name, sizeof(name), "s%02d", i);
		snprintf(label, sizeof(label), "labels: {kubernetes.io/service-name: %s}", name);
		fixture_object(f, "Service", name, "", ports.data);
		fixture_object(f, "EndpointSlice", name, label, names.data);
	}
	fixture_plan(f);
	for (size_t i = 0; i < f->plan.n_frontends; i++)
		n += f->plan.frontends[i].lb.key.port != 0;
	assert_int_equal(n, LIMIT_SERVICES);
	assert_int_equal(fixture_count(f, "TooManyServices"), 1);
	assert_non_null(fixture_problem(f, "TooManyServices", "s10"));
	strbuf_done(&ports);
	strbuf_done(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_as_many_as_the_service_asks_for),
		cmocka_unit_test(route_waits_until_its_vip_is_programmed_and_tested),
		cmocka_unit_test(pending_update_of_a_tested_frontend_withdraws_nothing),
		cmocka_unit_test(new_peer_gets_a_route_only_once_the_update_is_in),
		cmocka_unit_test(device_that_fails_later_withdraws_the_routes_at_once),
		cmocka_unit_test(mode_off_announces_without_data_plane),
		cmocka_unit_test(frontend_outlives_its_route_by_two_seconds_and_the_drain_time),
		cmocka_unit_test(lost_session_holds_no_frontend),
		cmocka_unit_test(aggregate_wanted_by_another_vip_holds_nothing_back),
		cmocka_unit_test(port_removed_from_a_vip_that_stays_leaves_after_its_drain),
		cmocka_unit_test(vip_leaves_with_the_last_of_its_frontends),
		cmocka_unit_test(before_the_first_picture_nothing_is_taken_away),
		cmocka_unit_test(before_the_first_picture_the_ledger_stands_still),
		cmocka_unit_test(end_of_rib_waits_for_vips_that_are_on_their_way),
		cmocka_unit_test(older_service_wins_a_port_and_the_other_is_told),
		cmocka_unit_test(the_frontend_after_the_last_is_left_out_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

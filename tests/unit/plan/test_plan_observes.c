// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A node that only looks on: its sessions and routes are planned as ever and nothing else is. By
 * the LodestoneConfig or by the Node's label, which goes before it.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_explain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static void set_label(struct fixture *f, const char *value)
{
	char meta[96];

	(void)snprintf(meta, sizeof(meta), "labels: {lodestone.io/announces: \"%s\"}", value);
	fixture_object(f, "Node", "node-a", value ? meta : "", "");
}

static void set_config(struct fixture *f, const char *name, const char *spec)
{
	fixture_object(f, "LodestoneConfig", name, "", spec);
}

static void hang_up(struct fixture *f)
{
	for (size_t i = 0; i < f->n_peers; i++)
		f->peers[i].down = true;
}

/* What each way of the Service is said to lack. */
static const char *way_reason(struct fixture *f)
{
	struct plan_explain ret = {.what = EXPLAIN_SERVICE, .ns = "default", .name = "web"};

	f->explain = &ret;
	fixture_plan(f);
	f->explain = NULL;
	assert_true(ret.n == 1 && ret.items[0].ways.n > 0);
	return ret.items[0].ways.items[0].reason;
}

/* All that it would do stands in the plan, and none of it is for a sink. */
static void assert_looks_on(struct fixture *f)
{
	assert_true(f->plan.observes);
	assert_false(f->plan.dataplane || f->plan.leaving);
	assert_int_equal(f->store.n + f->n_devices, 0);
	assert_int_equal(f->plan.blackholes.n, 0);
	assert_non_null(fixture_plan_peer(f, "r1"));
	assert_non_null(fixture_route(f, VIP "/32"));
	assert_false(fixture_service(f, "web")->announced);
	assert_string_equal(fixture_service(f, "web")->reason, "nodeObserves");
	assert_string_equal(way_reason(f), "nodeObserves");
	assert_int_equal(fixture_problem(f, "NodeObserves", NULL)->severity, SEVERITY_INFO);
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL));
}

static void a_node_that_looks_on_plans_routes_and_leaves_the_kernel(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	set_label(f, "false");
	hang_up(f);
	(void)fixture_converge(f, 10);
	assert_true(f->plan.observes && f->plan.leaving); /* what is served is left by the gates */
	for (int i = 0; i < 4; i++) {
		f->now += 60 * NSEC_PER_SEC;
		(void)fixture_converge(f, 10);
	}
	assert_looks_on(f);
	assert_false(f->plan.stands_back);
	set_label(f, "true");
	(void)fixture_converge(f, 10);
	assert_false(f->plan.observes);
	assert_true(f->plan.dataplane);
	assert_null(fixture_problem(f, "NodeObserves", NULL));
}

static void the_label_goes_before_the_settings(void **state)
{
	static const struct {
		const char *all, *own, *label;
		bool observes, stands_back;
	} cases[] = {
		{"spec: {observe: true}", NULL, "", true, true},
		{"spec: {observe: true}", NULL, "false", true, true},
		{"spec: {observe: true}", NULL, "true", false, true},
		{"spec: {observe: true}", NULL, "perhaps", true, true},
		{"spec: {observe: true}", "spec: {observe: false}", "", false, true},
		{"spec: {observe: true}", "spec: {strict: false}", "", true, true},
		{"spec: {observe: false}", "spec: {observe: true}", "", true, false},
		{"spec: {observe: false}", "spec: {observe: true}", "true", false, false},
		{"spec: {}", NULL, "false", true, false},
		{"spec: {}", NULL, "", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		fixture_basics(f);
		set_config(f, "default", cases[i].all);
		if (cases[i].own)
			set_config(f, "node-a", cases[i].own);
		set_label(f, cases[i].label);
		fixture_plan(f);
		assert_int_equal(f->plan.observes, cases[i].observes);
		assert_int_equal(f->plan.stands_back, cases[i].stands_back);
	}
}

static void neither_bfd_nor_vrfs_are_begun(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_object(f, "BFDProfile", "fast", "", "spec: {receiveInterval: 100}");
	fixture_object(f, "BGPPeer", "r1", "annotations: {lodestone.io/create-vrf: \"77\"}",
		       "spec: {myASN: 64513, peerASN: 64512, peerAddress: 192.168.1.1, vrf: red, "
		       "bfdProfile: fast}");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 1);
	set_label(f, "false");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 0);
	assert_false(fixture_plan_peer(f, "r1")->bfd.is_wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_looks_on_plans_routes_and_leaves_the_kernel),
		cmocka_unit_test(the_label_goes_before_the_settings),
		cmocka_unit_test(neither_bfd_nor_vrfs_are_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

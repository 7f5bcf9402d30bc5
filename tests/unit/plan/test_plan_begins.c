// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When a VIP may begin: not before somebody asked whether the kernel translates flows for it, and
 * not while it does.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP "192.168.100.0"

static void a_vip_that_nobody_asked_about_waits_and_is_asked_about(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_vip asked[2];

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "a", "Local", "");
	fixture_add_slice(f, "a", "10.244.0.5@node-a");
	fixture_add_service(f, "b", "Local", "");
	fixture_add_slice(f, "b", "10.244.0.6@node-a");
	f->node.ask_first = true;
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_begins, 2);
	assert_int_equal(fixture_count(f, "ConntrackHoldsFlows"), 0);

	asked[0] = f->plan.begins[1];
	f->node.asked = asked;
	f->node.n_asked = 1;
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 2); /* the VIP and its port */
	assert_true(ip_addr_equal(&f->plan.frontends[0].lb.key.addr, &asked[0].addr));
	assert_int_equal(f->plan.n_begins, 2);

	asked[1] = asked[0];
	asked[0] = f->plan.begins[0];
	f->node.n_asked = 2;
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 4);
	assert_int_equal(f->plan.n_begins, 0);
}

/* The answer is good for a while, the service for as long as it is there. */
static void what_is_served_is_not_asked_about_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->node.ask_first = true;
	fixture_plan(f);
	assert_int_equal(f->plan.n_frontends, 2);
	assert_int_equal(f->plan.n_begins, 0);
}

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
	assert_non_null(fixture_target(f, VIP, 80, "10.244.0.6"));
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_int_equal(fixture_problem(f, "ConntrackHoldsFlows", "web")->severity,
			 SEVERITY_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vip_that_nobody_asked_about_waits_and_is_asked_about),
		cmocka_unit_test(what_is_served_is_not_asked_about_again),
		cmocka_unit_test(a_plan_says_which_vips_it_is_about_to_begin),
		cmocka_unit_test(ports_of_one_vip_begin_together),
		cmocka_unit_test(vip_with_translated_flows_is_not_begun),
		cmocka_unit_test(vip_that_is_served_is_never_given_back_to_conntrack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

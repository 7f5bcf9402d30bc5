// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When a VIP may begin: not before somebody asked whether the kernel translates flows for it.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vip_that_nobody_asked_about_waits_and_is_asked_about),
		cmocka_unit_test(what_is_served_is_not_asked_about_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

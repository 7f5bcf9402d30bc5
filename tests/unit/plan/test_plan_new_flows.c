// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Limits of new flows: the default, the configuration's, and what a Service says of itself.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t limit_of_web(struct fixture *f)
{
	(void)fixture_converge(f, 10);
	return fixture_frontend(f, "192.168.100.0", 80)->lb.limit;
}

static void configure(struct fixture *f, const char *dataplane)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "LodestoneConfig", "default", "",
		       arena_printf(arena, "spec: {dataplane: {%s}}", dataplane));
}

static void annotate(struct fixture *f, const char *annotations)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", "web", arena_printf(arena, "annotations: {%s}", annotations),
		       "spec: {type: LoadBalancer, ports: [{port: 80, targetPort: 8080}]}");
}

static void without_a_word_the_limit_is_generous(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_true(limit_of_web(f) == lb_limit(100000, 500, false));
}

static void the_configuration_says_it_for_all(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	configure(f, "newFlows: 2000, newFlowsPerSource: 9, sourceCheck: true");
	assert_true(limit_of_web(f) == lb_limit(2000, 9, true));
	configure(f, "newFlows: 0");
	assert_true(limit_of_web(f) == lb_limit(0, 500, false));
	configure(f, "newFlowsPerSource: 0");
	assert_true(limit_of_web(f) == lb_limit(100000, 0, false));
}

static void a_service_says_it_for_itself(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	annotate(f, "lodestone.io/new-flows: \"30\", lodestone.io/source-check: \"true\"");
	assert_true(limit_of_web(f) == lb_limit(30, 500, true));
	configure(f, "newFlows: 2000, sourceCheck: true");
	assert_true(limit_of_web(f) == lb_limit(30, 500, true));
	annotate(f, "lodestone.io/source-check: \"false\"");
	assert_true(limit_of_web(f) == lb_limit(2000, 500, false));
	annotate(f, "lodestone.io/new-flows: \"0\"");
	assert_true(limit_of_web(f) == lb_limit(0, 500, false));
}

/* It is put anew, but nothing is withdrawn for it. */
static void a_change_withdraws_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	configure(f, "newFlows: 2000");
	for (int i = 0; i < 3; i++) {
		fixture_plan(f);
		(void)fixture_apply(f);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	}
	assert_true(limit_of_web(f) == lb_limit(2000, 500, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_the_limit_is_generous),
		cmocka_unit_test(the_configuration_says_it_for_all),
		cmocka_unit_test(a_service_says_it_for_itself),
		cmocka_unit_test(a_change_withdraws_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

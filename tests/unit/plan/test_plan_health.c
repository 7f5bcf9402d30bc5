// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Health-check node ports: who is answered for, with how many endpoints, and in which words.
 */
#include "plan/plan_health.h"

#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void add_service(struct fixture *f, const char *name, const char *policy, unsigned port)
{
	char more[64];

	(void)snprintf(more, sizeof(more), "healthCheckNodePort: %u", port);
	fixture_add_service(f, name, policy, more);
}

static struct fixture *asked(void)
{
	struct fixture *f = fixture_announced();

	add_service(f, "web", "Local", 30100);
	return f;
}

static void ready_endpoints_here_are_counted(void **state)
{
	static const struct {
		const char *endpoints;
		uint32_t want;
	} cases[] = {
		{"", 0},
		{"10.244.0.5@node-a", 1},
		{"10.244.0.5@node-a 10.244.0.6@node-a 10.244.0.7@node-b", 2},
		{"10.244.0.5@node-a 10.244.0.6@node-a- 10.244.0.7@node-ax", 1},
		/* Still served, but whoever asks is to go elsewhere (KEP-1669). */
		{"10.244.0.5@node-a-", 0},
		{"10.244.0.5", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = asked();

		fixture_add_slice(f, "web", cases[i].endpoints);
		fixture_converge(f, 10);
		assert_int_equal(f->plan.n_health, 1);
		assert_int_equal(f->plan.health[0].port, 30100);
		assert_string_equal(f->plan.health[0].ns, "default");
		assert_string_equal(f->plan.health[0].name, "web");
		assert_int_equal(f->plan.health[0].endpoints, cases[i].want);
		assert_true(f->plan.health[0].is_serving);
	}
}

static void a_pod_counts_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	fixture_object(f, "EndpointSlice", "web-2", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: a, port: 1}, {name: b, port: 2}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
	fixture_object(f, "EndpointSlice", "web-6", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv6\nports: [{name: a, port: 1}]\n"
		       "endpoints: [{addresses: [\"2001:db8::5\"], nodeName: node-a}]");
	fixture_plan(f);
	assert_int_equal(f->plan.health[0].endpoints, 1);
	fixture_object(f, "EndpointSlice", "web-6", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv6\nports: [{name: a, port: 1}]\n"
		       "endpoints: [{addresses: [\"2001:db8::5\"], nodeName: node-a}, "
		       "{addresses: [\"2001:db8::6\"], nodeName: node-a}]");
	fixture_plan(f);
	assert_int_equal(f->plan.health[0].endpoints, 2);
	/* Without a port nobody serves. */
	fixture_object(f, "EndpointSlice", "web-6", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv6\nports: [{name: a, port: ~}]\n"
		       "endpoints: [{addresses: [\"2001:db8::5\"], nodeName: node-a}, "
		       "{addresses: [\"2001:db8::6\"], nodeName: node-a}]");
	fixture_plan(f);
	assert_int_equal(f->plan.health[0].endpoints, 1);
}

static void policy_cluster_is_not_asked(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	add_service(f, "web", "Cluster", 30100);
	fixture_plan(f);
	assert_int_equal(f->plan.n_health, 0);
}

static void many_services_are_in_order_of_ports_and_a_double_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	add_service(f, "zoo", "Local", 30050);
	add_service(f, "api", "Local", 30100);
	add_service(f, "low", "Local", 30200);
	fixture_plan(f);
	assert_int_equal(f->plan.n_health, 3);
	assert_string_equal(f->plan.health[0].name, "zoo");
	assert_string_equal(f->plan.health[1].name, "api");
	assert_string_equal(f->plan.health[2].name, "low");
	assert_int_equal(fixture_count(f, "HealthCheckPortConflict"), 1);
	assert_int_equal(fixture_problem(f, "HealthCheckPortConflict", "web")->severity,
			 SEVERITY_ERROR);
}

/* One Service with two ports is one that is asked, and no conflict. */
static void a_service_of_many_ports_is_asked_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
		       "healthCheckNodePort: 30100, "
		       "ports: [{name: a, port: 80}, {name: b, port: 443}]}");
	fixture_plan(f);
	assert_int_equal(f->plan.n_health, 1);
	assert_int_equal(fixture_count(f, "HealthCheckPortConflict"), 0);
}

static void what_cannot_be_served_is_not_healthy(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	fixture_converge(f, 10);
	assert_true(f->plan.health[0].is_serving);
	f->dataplane_failure = "refused";
	fixture_plan(f);
	assert_false(f->plan.health[0].is_serving);
	assert_int_equal(f->plan.health[0].endpoints, 1);
}

/* 503 while it is left; then the port is kube-proxy's again. */
static void mode_off_says_so_until_it_is_left(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = asked();

	(void)state;
	fixture_converge(f, 10);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
	fixture_plan(f);
	assert_true(f->plan.leaving);
	assert_int_equal(f->plan.n_health, 1);
	assert_false(f->plan.health[0].is_serving);
	for (int i = 0; i < 200; i++) {
		f->now += NSEC_PER_SEC;
		(void)fixture_converge(f, 10);
	}
	assert_false(f->plan.leaving);
	assert_int_equal(f->plan.n_health, 0);
}

static void answer_is_kube_proxys(void **state)
{
	static const struct {
		struct plan_health h;
		int status;
		const char *body;
	} cases[] = {
		{{30100, "shop", "web", 3, true},
		 200,
		 "{\n\t\"service\": {\n\t\t\"namespace\": \"shop\",\n\t\t\"name\": \"web\"\n\t},\n"
		 "\t\"localEndpoints\": 3,\n\t\"serviceProxyHealthy\": true\n}"},
		{{30100, "shop", "web", 0, true},
		 503,
		 "{\n\t\"service\": {\n\t\t\"namespace\": \"shop\",\n\t\t\"name\": \"web\"\n\t},\n"
		 "\t\"localEndpoints\": 0,\n\t\"serviceProxyHealthy\": true\n}"},
		{{30100, "", "a\"\\\n\x1f ", 1, false},
		 503,
		 "{\n\t\"service\": {\n\t\t\"namespace\": \"\",\n"
		 "\t\t\"name\": \"a\\\"\\\\\\u000a\\u001f \"\n\t},\n"
		 "\t\"localEndpoints\": 1,\n\t\"serviceProxyHealthy\": false\n}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf body;

		strbuf_init(&body, 4096);
		assert_int_equal(plan_health_answer(&cases[i].h, &body), cases[i].status);
		assert_string_equal(body.data, cases[i].body);
		strbuf_done(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_endpoints_here_are_counted),
		cmocka_unit_test(a_pod_counts_once),
		cmocka_unit_test(policy_cluster_is_not_asked),
		cmocka_unit_test(many_services_are_in_order_of_ports_and_a_double_is_told),
		cmocka_unit_test(a_service_of_many_ports_is_asked_once),
		cmocka_unit_test(what_cannot_be_served_is_not_healthy),
		cmocka_unit_test(mode_off_says_so_until_it_is_left),
		cmocka_unit_test(answer_is_kube_proxys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

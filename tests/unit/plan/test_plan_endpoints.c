// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which endpoints become targets and in which state (kubernetes.md 3.2): readiness, termination,
 * locality, doubles in several slices, named ports.
 */
#include "base/limits.h"
#include "base/strbuf.h"
#include "fake/plan_fixture.h"
#include "plan/plan_backends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* "10.244.0.5:8080r 10.244.0.6:8080d": the frontend's targets as text. */
static const char *targets_text(const struct fixture *f, char *buf, size_t cap)
{
	const struct plan_frontend *fe = fixture_frontend(f, "192.168.100.0", 80);
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; fe && i < fe->lb.n_targets; i++) {
		const struct lb_target *t = &fe->lb.targets[i];
		char text[IP_ADDR_TEXT];

		len += (size_t)snprintf(buf + len, cap - len, "%s%s:%u%s", i ? " " : "",
					ip_addr_text(&t->addr, text), t->port,
					t->state == LB_BACKEND_READY ? "r" : "d");
	}
	return buf;
}

static struct fixture *service(const char *policy, const char *endpoints)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_add_service(f, "web", policy, "");
	fixture_add_slice(f, "web", endpoints);
	fixture_plan(f);
	return f;
}

static void states_and_locality_choose_the_targets(void **state)
{
	static const struct {
		const char *policy, *endpoints, *want;
	} cases[] = {
		{"Local", "10.244.0.5@node-a", "10.244.0.5:8080r"},
		{"Local", "10.244.0.6@node-a 10.244.0.5@node-a",
		 "10.244.0.5:8080r 10.244.0.6:8080r"},
		{"Local", "10.244.0.5@node-a 10.244.0.6@node-b", "10.244.0.5:8080r"},
		{"Local", "10.244.0.5", ""}, /* no node: never local */
		{"Local", "10.244.0.5@node-ax", ""},
		{"Local", "10.244.0.5@node-a 10.244.0.6@node-a-",
		 "10.244.0.5:8080r 10.244.0.6:8080d"},
		/* None ready here: the terminating one serves on. */
		{"Local", "10.244.0.6@node-a- 10.244.0.7@node-b", "10.244.0.6:8080r"},
		/* None ready here, but elsewhere: new flows go there. */
		{"Cluster", "10.244.0.6@node-a- 10.244.0.7@node-b", "10.244.0.6:8080d"},
		{"Cluster", "10.244.0.6@node-a- 10.244.0.7@node-b-", "10.244.0.6:8080r"},
		{"Cluster", "10.244.0.6@node-a 10.244.0.7@node-b 10.244.0.8", "10.244.0.6:8080r"},
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			service(cases[i].policy, cases[i].endpoints);

		assert_string_equal(targets_text(f, buf, sizeof(buf)), cases[i].want);
	}
}

/* A condition as the API may send it. */
enum said { SAID_NOT, SAID_FALSE, SAID_TRUE, N_SAID };

struct conditions {
	enum said ready, serving, terminating;
};
#define N_CONDITIONS (N_SAID * N_SAID * N_SAID)

static struct conditions conditions_of(unsigned i)
{
	return (struct conditions){i % N_SAID, i / N_SAID % N_SAID, i / N_SAID / N_SAID};
}

/* As kube-proxy's endpointslicecache reads them. */
static bool is_ready(const struct conditions *c)
{
	return c->ready != SAID_FALSE;
}

static bool serves_on(const struct conditions *c)
{
	return c->serving != SAID_FALSE && c->terminating == SAID_TRUE;
}

static const char *conditions_text(struct arena *arena, const struct conditions *c)
{
	static const char *const words[N_SAID] = {"~", "false", "true"};

	return arena_printf(arena, "conditions: {ready: %s, serving: %s, terminating: %s}",
			    words[c->ready], words[c->serving], words[c->terminating]);
}

/* What CategorizeEndpoints makes of the one here, beside one elsewhere: KEP-1669. */
static const char *as_kube_proxy(const struct conditions *here, const struct conditions *there,
				 bool local)
{
	const bool any_ready = is_ready(here) || (!local && is_ready(there));

	if (is_ready(here) || (!any_ready && serves_on(here)))
		return "10.244.0.5:8080r";
	return serves_on(here) ? "10.244.0.5:8080d" : "";
}

static void all_conditions_choose_as_kube_proxy_does(void **state)
{
	static const char *const policies[] = {"Cluster", "Local"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	char buf[256];

	(void)state;
	fixture_basics(f);
	for (unsigned i = 0; i < 2 * N_CONDITIONS * N_CONDITIONS; i++) {
		const struct conditions here = conditions_of(i % N_CONDITIONS);
		const struct conditions there = conditions_of(i / N_CONDITIONS % N_CONDITIONS);
		const unsigned policy = i / N_CONDITIONS / N_CONDITIONS;

		if (i % (N_CONDITIONS * N_CONDITIONS) == 0)
			fixture_add_service(f, "web", policies[policy], "");
		fixture_object(
			f, "EndpointSlice", "web", "labels: {kubernetes.io/service-name: web}",
			arena_printf(arena,
				     "addressType: IPv4\nports: [{name: \"\", port: 8080}]\n"
				     "endpoints: [{addresses: [10.244.0.5], nodeName: node-a, %s}, "
				     "{addresses: [10.244.1.6], nodeName: node-b, %s}]",
				     conditions_text(arena, &here),
				     conditions_text(arena, &there)));
		fixture_plan(f);
		assert_string_equal(targets_text(f, buf, sizeof(buf)),
				    as_kube_proxy(&here, &there, policy));
		arena_reset(arena);
	}
}

/* The controller has folded it into `ready` (publishNotReadyAddresses): the slice is trusted. */
static void what_is_ready_while_it_terminates_takes_new_flows(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = service("Local", "10.244.0.6@node-a");
	char buf[256];

	(void)state;
	fixture_object(f, "EndpointSlice", "web", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: \"\", port: 8080}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a, "
		       "conditions: {ready: true, serving: false, terminating: true}}]");
	fixture_plan(f);
	assert_string_equal(targets_text(f, buf, sizeof(buf)), "10.244.0.5:8080r");
}

static void remote_endpoints_are_a_warning_once_and_only_for_cluster(void **state)
{
	_cleanup_(fixture_freep) struct fixture *cluster =
		service("Cluster", "10.244.0.5@node-a 10.244.1.6@node-b 10.244.1.7@node-b");
	_cleanup_(fixture_freep) struct fixture *local =
		service("Local", "10.244.0.5@node-a 10.244.1.6@node-b");
	const struct plan_service *row;

	(void)state;
	assert_int_equal(fixture_count(cluster, "RemoteEndpoints"), 1);
	assert_int_equal(fixture_problem(cluster, "RemoteEndpoints", "web")->severity,
			 SEVERITY_WARNING);
	assert_int_equal(fixture_count(local, "RemoteEndpoints"), 0);
	row = fixture_service(cluster, "web");
	assert_int_equal(row->n_backends, 3);
	assert_string_equal(plan_backend_at(row, 0).state, "ready");
	assert_string_equal(plan_backend_at(row, 1).state, "remote");
	assert_string_equal(plan_backend_at(row, 1).node, "node-b");
}

static void endpoint_in_two_slices_counts_once_and_ready(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		service("Local", "10.244.0.5@node-a- 10.244.0.9@node-a");
	char buf[256];

	(void)state;
	fixture_object(f, "EndpointSlice", "web-2", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
	fixture_plan(f);
	assert_string_equal(targets_text(f, buf, sizeof(buf)), "10.244.0.5:8080r 10.244.0.9:8080r");
}

/* An annotation of the slice; of doubles that are alike the heavier one counts. */
static void a_slice_says_the_weight_of_its_endpoints(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		service("Local", "10.244.0.5@node-a 10.244.0.9@node-a");
	const struct lb_frontend *front;

	(void)state;
	fixture_object(f, "EndpointSlice", "web-2",
		       "labels: {kubernetes.io/service-name: web}, "
		       "annotations: {lodestone.io/weight: \"3\"}",
		       "addressType: IPv4\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		       "endpoints: [{addresses: [10.244.0.9], nodeName: node-a},"
		       " {addresses: [10.244.0.10], nodeName: node-a}]");
	fixture_plan(f);
	front = &fixture_frontend(f, "192.168.100.0", 80)->lb;
	assert_int_equal(front->n_targets, 3);
	assert_int_equal(front->targets[0].weight, 1);
	assert_int_equal(front->targets[1].weight, 3);
	assert_int_equal(front->targets[2].weight, 3);
}

static void named_port_resolves_through_each_slice(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	char buf[256];

	(void)state;
	fixture_basics(f);
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: "
		       "[{name: http, port: 80, protocol: TCP, targetPort: web}]}");
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: admin, port: 1, protocol: TCP}, "
		       "{name: http, port: 8080, protocol: TCP}]\n"
		       "endpoints: [{addresses: [10.244.0.5], nodeName: node-a}]");
	fixture_object(f, "EndpointSlice", "web-2", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: http, port: 9090, protocol: TCP}]\n"
		       "endpoints: [{addresses: [10.244.0.6], nodeName: node-a}]");
	fixture_object(f, "EndpointSlice", "web-3", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv4\nports: [{name: http, port: 53, protocol: UDP}]\n"
		       "endpoints: [{addresses: [10.244.0.7], nodeName: node-a}]");
	fixture_plan(f);
	assert_string_equal(targets_text(f, buf, sizeof(buf)), "10.244.0.5:8080r 10.244.0.6:9090r");
}

static void ipv6_endpoints_are_not_behind_an_ipv4_address(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = service("Local", "10.244.0.5@node-a");
	char buf[256];

	(void)state;
	fixture_object(f, "EndpointSlice", "web-6", "labels: {kubernetes.io/service-name: web}",
		       "addressType: IPv6\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		       "endpoints: [{addresses: [\"2001:db8::5\"], nodeName: node-a}]");
	fixture_plan(f);
	assert_string_equal(targets_text(f, buf, sizeof(buf)), "10.244.0.5:8080r");
	assert_int_equal(fixture_service(f, "web")->n_backends, 1);
}

/* Endpoints 10.1.0.1 and up on this node, from the first to the one before `end`, in one slice. */
static void put_slice(struct fixture *f, uint32_t first, uint32_t end)
{
	char source[32];
	struct strbuf text;

	(void)snprintf(source, sizeof(source), "slice-%u", first);
	strbuf_init(&text, 4 << 20);
	strbuf_printf(&text,
		      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
		      "metadata: {namespace: default, name: %s,"
		      " labels: {kubernetes.io/service-name: web}}\n"
		      "ports: [{port: 8080, protocol: TCP}]\nendpoints:\n",
		      source);
	for (uint32_t i = first; i < end; i++)
		strbuf_printf(&text, "- {addresses: [10.1.%u.%u], nodeName: node-a}\n", i / 250,
			      1 + i % 250);
	fixture_put(f, source, text.data);
	strbuf_done(&text);
}

/* Of one that is left out the Service is told; as many as there may be are none too many. */
static void endpoints_beyond_the_limit_are_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	put_slice(f, 0, 20000);
	put_slice(f, 20000, LIMIT_BACKENDS);
	fixture_plan(f);
	assert_null(fixture_problem(f, "TooManyBackends", "web"));
	put_slice(f, LIMIT_BACKENDS, LIMIT_BACKENDS + 1);
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "TooManyBackends", "web"));
	assert_int_equal(f->plan.services[0].n_backends, LIMIT_BACKENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_beyond_the_limit_are_told),
		cmocka_unit_test(states_and_locality_choose_the_targets),
		cmocka_unit_test(all_conditions_choose_as_kube_proxy_does),
		cmocka_unit_test(what_is_ready_while_it_terminates_takes_new_flows),
		cmocka_unit_test(remote_endpoints_are_a_warning_once_and_only_for_cluster),
		cmocka_unit_test(endpoint_in_two_slices_counts_once_and_ready),
		cmocka_unit_test(a_slice_says_the_weight_of_its_endpoints),
		cmocka_unit_test(named_port_resolves_through_each_slice),
		cmocka_unit_test(ipv6_endpoints_are_not_behind_an_ipv4_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

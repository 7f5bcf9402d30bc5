// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which way packets go, as it is explained: each endpoint that status has stands in one line of its
 * port, and what it is reached by there is what it is reached by; each word for real servers has
 * its sentence; what gets nothing says why.
 */
#include "plan/plan_backends.h"
#include "plan/plan_explain.h"

#include "api/decode.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *text(const char *s)
{
	return s ? s : "";
}

#define SERVER "192.168.1.1"

static void put_node(struct fixture *f, const char *name, const char *address)
{
	fixture_object(f, "Node", name, "",
		       arena_printf(f->arena,
				    "status: {addresses: [{type: InternalIP, address: \"%s\"}]}",
				    address));
}

static void put_service(struct fixture *f, const char *forwarding, const char *policy)
{
	fixture_object(f, "Service", "web",
		       forwarding[0] ? arena_printf(f->arena,
						    "annotations: {lodestone.io/forwarding: %s}",
						    forwarding)
				     : "",
		       arena_printf(f->arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
				    "ports: [{name: a, port: 80}, {name: b, port: 81}]}",
				    policy));
}

/* At port 80 of the slice, which is where it is one of the two, and 8081 the other. */
static void put_slice(struct fixture *f, const char *endpoints)
{
	fixture_object(f, "EndpointSlice", "web-1", "labels: {kubernetes.io/service-name: web}",
		       arena_printf(f->arena,
				    "addressType: IPv4\nports: [{name: a, port: 80}, {name: b, "
				    "port: 8081}]\nendpoints: [%s]",
				    endpoints));
}

#define AT(address, node) "{addresses: [" address "], nodeName: " node "}"
#define ON_NONE           "{addresses: [" SERVER "]}"

/* node-a is this one; node-b answers, node-c does not, of node-d no address is known. */
static struct fixture *nodes(const char *forwarding, const char *policy, const char *endpoints)
{
	struct fixture *f = fixture_new();
	static const char *const names[] = {"node-a", "node-b", "node-c"};
	static const char *const addresses[] = {"10.0.0.10", "10.0.0.11", "10.0.0.12"};

	fixture_basics(f);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put_node(f, names[i], addresses[i]);
	f->n_remotes = 2;
	for (size_t i = 0; i < 2; i++)
		assert_true(ip_addr_parse(addresses[i + 1], &f->remotes[i].addr));
	f->remotes[0].state = REMOTE_ANSWERS;
	f->remotes[1].state = REMOTE_SILENT;
	put_service(f, forwarding, policy);
	put_slice(f, endpoints);
	(void)fixture_converge(f, 10);
	return f;
}

static const struct plan_explained *ask(struct fixture *f, enum plan_explain_what what,
					const char *name)
{
	static struct plan_explain ret;

	ret = (struct plan_explain){.what = what, .ns = "default", .name = name};
	f->explain = &ret;
	fixture_plan(f);
	f->explain = NULL;
	assert_int_equal(ret.n, 1);
	return &ret.items[0];
}

static const struct plan_forwarding *line(const struct plan_explained *e, uint16_t port,
					  const char *way, const char *reason)
{
	for (size_t i = 0; i < e->forwarding.n; i++) {
		const struct plan_forwarding *f = &e->forwarding.items[i];

		if (f->port == port && strcmp(text(f->way), way) == 0 &&
		    strcmp(text(f->reason), reason) == 0)
			return f;
	}
	return NULL;
}

static void each_way_has_a_line(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = nodes(
		"dsr-gue", "Cluster",
		AT("10.244.0.5", "node-a") ", " AT("10.244.0.6", "node-a") ", " AT(
			"10.244.1.5", "node-b") ", " AT("10.244.2.5",
							"node-c") ", " AT("10.244.3.5",
									  "node-d") ", " ON_NONE);
	const struct plan_explained *e = ask(f, EXPLAIN_SERVICE, "web");
	const struct plan_forwarding *l;

	(void)state;
	assert_non_null(strstr(e->policy, "policy Cluster"));
	assert_non_null(strstr(e->policy, "the Service's annotation"));
	l = line(e, 80, "here", "");
	assert_int_equal(l->n, 2);
	assert_int_equal(l->n_new, 2);
	assert_string_equal(l->protocol, "TCP");
	assert_int_equal(line(e, 80, "tunnel", "")->n, 1);
	l = line(e, 80, "tunnel", "nodeSilent");
	assert_int_equal(l->n, 1);
	assert_int_equal(l->n_new, 0);
	assert_non_null(strstr(l->message, "node-c"));
	assert_non_null(strstr(line(e, 80, "", "remoteEndpoints")->message, "node-d"));
	assert_int_equal(line(e, 80, "dsr-gue", "")->n_new, 1);
	/* At the other port it listens elsewhere, which nothing turns. */
	assert_null(line(e, 81, "dsr-gue", ""));
	assert_non_null(strstr(line(e, 81, "", "serverPort")->message, "port 8081"));
	assert_int_equal(e->forwarding.n, 10);
}

static void who_said_it_is_told(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = nodes("", "Cluster", ON_NONE);
	const struct plan_explained *e = ask(f, EXPLAIN_SERVICE, "web");

	(void)state;
	assert_string_equal(e->policy, "policy Cluster: to endpoints on every node");
	assert_non_null(line(e, 80, "", "endpointWithoutNode"));
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {forwarding: dsr-gue}}");
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_non_null(strstr(e->policy, "as LodestoneConfig says"));
	fixture_object(f, "IPAddressPool", "pool-a",
		       "annotations: {lodestone.io/forwarding: dsr-ipip}",
		       "spec: {addresses: [192.168.100.0/24]}");
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_non_null(strstr(e->policy, "of pool pool-a"));
	assert_non_null(line(e, 80, "dsr-ipip", ""));
	/* Of those of no node nothing is said where there are none. */
	put_slice(f, AT("10.244.0.5", "node-a"));
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_string_equal(e->policy, "policy Cluster: to endpoints on every node");
}

/* It drains there, and which node that was is not known any more. */
static void a_node_that_has_gone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		nodes("", "Cluster", AT("10.244.0.5", "node-a") ", " AT("10.244.1.5", "node-b"));
	const struct plan_forwarding *l;

	(void)state;
	fixture_drop(f, "Node", "node-b");
	put_slice(f, AT("10.244.0.5", "node-a"));
	fixture_plan(f);
	l = line(ask(f, EXPLAIN_SERVICE, "web"), 80, "tunnel", "");
	assert_non_null(l);
	assert_int_equal(l->n, 1);
	assert_int_equal(l->n_new, 0);
}

static void policy_local_and_mode_off(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f =
		nodes("", "Local", AT("10.244.0.5", "node-a") ", " AT("10.244.1.5", "node-b"));
	const struct plan_explained *e = ask(f, EXPLAIN_SERVICE, "web");

	(void)state;
	assert_string_equal(e->policy, "policy Local: to endpoints on this node alone");
	assert_int_equal(e->forwarding.n, 2); /* one for each port */
	/* Of a peer it is asked what is announced to it, and nothing else. */
	e = ask(f, EXPLAIN_PEER, "r1");
	assert_null(e->policy);
	assert_int_equal(e->forwarding.n, 0);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
	(void)fixture_converge(f, 40);
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_non_null(strstr(e->policy, "the kernel or the CNI"));
	assert_int_equal(e->forwarding.n, 0);
}

/* Whatever word there is for real servers, with its own line and sentence. */
static void each_word_has_a_sentence(void **state)
{
	const char *last = "";

	(void)state;
	for (const struct api_word *w = api_forwarding_words; w->text; w++) {
		_cleanup_(fixture_freep) struct fixture *f = nodes(w->text, "Cluster", ON_NONE);
		const struct plan_explained *e = ask(f, EXPLAIN_SERVICE, "web");
		const struct plan_forwarding *l = line(e, 80, w->text, "");

		if (!plan_backend_at(fixture_service(f, "web"), 0).way[0]) {
			assert_non_null(e->forwarding.items[0].reason);
			continue;
		}
		assert_non_null(l);
		assert_non_null(strstr(l->message, "on no node, "));
		assert_string_not_equal(l->message, last);
		last = l->message;
	}
	assert_string_not_equal(last, "");
}

/* --- the property ----------------------------------------------------------------------------- */

static void check_row(const struct plan_service *row, const struct plan_explained *e)
{
	size_t n = 0, n_new = 0, n_ready = 0;

	for (size_t i = 0; i < e->forwarding.n; i++) {
		const struct plan_forwarding *l = &e->forwarding.items[i];

		if (l->port != row->port)
			continue;
		assert_true(l->n > 0 && l->n_new <= l->n && l->message[0]);
		assert_true(l->way || l->reason);
		n += l->n;
		n_new += l->n_new;
	}
	assert_int_equal(n, row->n_backends);
	for (size_t i = 0; i < row->n_backends; i++) {
		const struct plan_service_backend b = plan_backend_at(row, i);

		n_ready += strcmp(b.state, "ready") == 0 && strcmp(b.node, "node-c") != 0;
		if (strcmp(b.state, "remote") != 0)
			assert_true(line(e, row->port, b.way[0] ? b.way : "here", "") ||
				    line(e, row->port, b.way, "nodeSilent"));
	}
	assert_int_equal(n_new, n_ready);
}

static void every_endpoint_is_in_one_line(void **state)
{
	static const char *const words[] = {"", "dsr-l2", "dsr-ipip", "dsr-gue"};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (unsigned round = 0; round < 40; round++) {
		struct strbuf slice;
		_cleanup_(fixture_freep) struct fixture *f = NULL;

		strbuf_init(&slice, 1 << 14);
		for (unsigned i = 0, n = (unsigned)rng_below(&rng, 12); i < n; i++) {
			const unsigned node = (unsigned)rng_below(&rng, 5);

			strbuf_printf(&slice, "%s{addresses: [10.9.0.%u]", i ? ", " : "", i + 1);
			if (node < 4)
				strbuf_printf(&slice, ", nodeName: node-%c", 'a' + node);
			if (rng_below(&rng, 3) == 0)
				strbuf_add(&slice, ", conditions: {ready: false, serving: true, "
						   "terminating: true}");
			strbuf_add(&slice, "}");
		}
		f = nodes(words[rng_below(&rng, 4)], rng_below(&rng, 4) ? "Cluster" : "Local",
			  slice.data ? slice.data : "");
		strbuf_done(&slice);
		for (size_t i = 0; i < f->plan.n_services; i++)
			check_row(&f->plan.services[i], ask(f, EXPLAIN_SERVICE, "web"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_has_a_line),
		cmocka_unit_test(who_said_it_is_told),
		cmocka_unit_test(a_node_that_has_gone),
		cmocka_unit_test(policy_local_and_mode_off),
		cmocka_unit_test(each_word_has_a_sentence),
		cmocka_unit_test(every_endpoint_is_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

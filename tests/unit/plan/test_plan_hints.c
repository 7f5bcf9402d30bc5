// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Topology hints, where the settings ask for them: kube-proxy's rule, row by row. This node is
 * node-a, in zone a.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_backends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* An endpoint on this node, or (far) on node-b; what it says of itself. */
struct endpoint {
	bool far, terminating;
	const char *zones, *nodes; /* "a b"; NULL: no hint */
};

/* The first that says nothing at all ends a list. */
static bool is_there(const struct endpoint *e)
{
	return e->far || e->terminating || e->zones || e->nodes;
}

static const char *list(struct arena *arena, const char *names)
{
	const char *ret = "";

	for (const char *at = names ? names : ""; *at;) {
		const size_t len = strcspn(at, " ");

		ret = arena_printf(arena, "%s%s{name: %.*s}", ret, ret[0] ? ", " : "", (int)len,
				   at);
		at += len + (at[len] == ' ');
	}
	return ret;
}

static struct fixture *planned(const char *policy, const char *config, const char *labels,
			       const struct endpoint *endpoints, size_t n)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct fixture *f = fixture_new();
	const char *text = "addressType: IPv4\nports: [{name: \"\", port: 8080}]\nendpoints:\n";

	for (size_t i = 0; i < n && is_there(&endpoints[i]); i++)
		text = arena_printf(
			arena,
			"%s- {addresses: [10.244.%d.%zu], nodeName: %s, conditions: {ready: %s, "
			"terminating: %s}, hints: {forZones: [%s], forNodes: [%s]}}\n",
			text, endpoints[i].far, i + 1, endpoints[i].far ? "node-b" : "node-a",
			endpoints[i].terminating ? "false" : "true",
			endpoints[i].terminating ? "true" : "false",
			list(arena, endpoints[i].zones), list(arena, endpoints[i].nodes));
	fixture_basics(f);
	if (config[0])
		fixture_object(f, "LodestoneConfig", "default", "", config);
	fixture_object(f, "Node", "node-a", labels, "");
	fixture_add_service(f, "web", policy, "");
	fixture_object(f, "EndpointSlice", "web", "labels: {kubernetes.io/service-name: web}",
		       text);
	fixture_plan(f);
	return f;
}

/* "1r 2d": of the targets here the last octet and the state. */
static const char *targets_text(const struct fixture *f, char *buf, size_t cap)
{
	const struct plan_frontend *fe = fixture_frontend(f, "192.168.100.0", 80);
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; fe && i < fe->lb.n_targets; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%u%s", i ? " " : "",
					fe->lb.targets[i].addr.b[15],
					fe->lb.targets[i].state == LB_BACKEND_READY ? "r" : "d");
	return buf;
}

#define ASKED  "spec: {dataplane: {topologyHints: true}}"
#define ZONE_A "labels: {topology.kubernetes.io/zone: a}"

static const struct {
	const char *policy, *config, *labels;
	struct endpoint endpoints[3];
	const char *want;
} cases[] = {
	/* not asked for */
	{"Cluster", "", ZONE_A, {{.zones = "a"}, {.zones = "b"}}, "1r 2r"},
	{"Cluster",
	 "spec: {dataplane: {topologyHints: false}}",
	 ZONE_A,
	 {{.zones = "a"}, {.zones = "b"}},
	 "1r 2r"},
	/* zones */
	{"Cluster", ASKED, ZONE_A, {{.zones = "a"}, {.zones = "b"}}, "1r 2d"},
	{"Cluster", ASKED, ZONE_A, {{.zones = "b a"}, {.zones = "b"}}, "1r 2d"},
	{"Cluster", ASKED, ZONE_A, {{.zones = "b"}, {.far = true, .zones = "a"}}, "1d"},
	/* one says nothing: all count */
	{"Cluster", ASKED, ZONE_A, {{.zones = "b"}, {.zones = "a"}, {.far = true}}, "1r 2r"},
	/* ... but not one that is not ready */
	{"Cluster",
	 ASKED,
	 ZONE_A,
	 {{.zones = "b"}, {.zones = "a"}, {.far = true, .terminating = true}},
	 "1d 2r"},
	/* none is for us */
	{"Cluster", ASKED, ZONE_A, {{.zones = "b"}, {.zones = "c"}}, "1r 2r"},
	{"Cluster", ASKED, "", {{.zones = "a"}, {.zones = "b"}}, "1r 2r"},
	/* nodes go before zones */
	{"Cluster",
	 ASKED,
	 ZONE_A,
	 {{.zones = "b", .nodes = "node-a"}, {.zones = "a", .nodes = "node-b"}},
	 "1r 2d"},
	/* ... if one is for this one, else zones count */
	{"Cluster",
	 ASKED,
	 ZONE_A,
	 {{.zones = "b", .nodes = "node-c"}, {.zones = "a", .nodes = "node-b"}},
	 "1d 2r"},
	{"Cluster", ASKED, ZONE_A, {{.zones = "b", .nodes = "node-a"}, {.zones = "a"}}, "1d 2r"},
	{"Cluster", ASKED, "", {{.nodes = "node-a"}, {.nodes = "node-b"}}, "1r 2d"},
	/* none ready: what terminates stands in, whomever it is for */
	{"Cluster",
	 ASKED,
	 ZONE_A,
	 {{.terminating = true, .zones = "a"}, {.terminating = true, .zones = "b"}},
	 "1r 2r"},
	{"Cluster",
	 ASKED,
	 ZONE_A,
	 {{.zones = "b"}, {.terminating = true, .zones = "a"}, {.zones = "a"}},
	 "1d 2d 3r"},
	/* policy Local knows no zones */
	{"Local", ASKED, ZONE_A, {{.zones = "a"}, {.zones = "b"}}, "1r 2r"},
};

static void hints_choose_as_kube_proxy_does(void **state)
{
	char buf[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			planned(cases[i].policy, cases[i].config, cases[i].labels,
				cases[i].endpoints, ARRAY_SIZE(cases[i].endpoints));

		if (strcmp(targets_text(f, buf, sizeof(buf)), cases[i].want) != 0)
			fail_msg("case %zu: %s, not %s", i, buf, cases[i].want);
	}
}

static void status_tells_who_is_meant_for_others(void **state)
{
	static const struct endpoint endpoints[] = {{.zones = "a"}, {.zones = "b"}};
	_cleanup_(fixture_freep) struct fixture *f =
		planned("Cluster", ASKED, ZONE_A, endpoints, 2);
	const struct plan_service *row = fixture_service(f, "web");

	(void)state;
	assert_string_equal(plan_backend_at(row, 0).state, "ready");
	assert_string_equal(plan_backend_at(row, 1).state, "notHinted");
}

/* All that are for this node's zone are elsewhere: routers are not to send here. */
static void node_without_an_endpoint_that_is_meant_for_it_does_not_announce(void **state)
{
	static const struct endpoint endpoints[] = {{.zones = "b"}, {.far = true, .zones = "a"}};
	_cleanup_(fixture_freep) struct fixture *f =
		planned("Cluster", ASKED, ZONE_A, endpoints, 2);

	(void)state;
	assert_string_equal(fixture_service(f, "web")->reason, "noReachableEndpoints");
}

/* An object of the node overrides the one of all. */
static void a_node_may_be_set_otherwise(void **state)
{
	static const struct endpoint endpoints[] = {{.zones = "a"}, {.zones = "b"}};
	_cleanup_(fixture_freep) struct fixture *f =
		planned("Cluster", ASKED, ZONE_A, endpoints, 2);
	char buf[64];

	(void)state;
	fixture_object(f, "LodestoneConfig", "node-a", "",
		       "spec: {dataplane: {topologyHints: false}}");
	fixture_plan(f);
	assert_string_equal(targets_text(f, buf, sizeof(buf)), "1r 2r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hints_choose_as_kube_proxy_does),
		cmocka_unit_test(status_tells_who_is_meant_for_others),
		cmocka_unit_test(node_without_an_endpoint_that_is_meant_for_it_does_not_announce),
		cmocka_unit_test(a_node_may_be_set_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ports that take no new flow: without anybody who is ready, on a VIP that stays for another port's
 * sake; and paused ones. Who is told, and who only dropped, is kube-proxy's rule.
 */
#include "dual.h"

#define CLOSED (LB_F_CLOSED | LB_F_PAUSED | LB_F_REJECT)

/* Service "web" with two ports: 80, served here, and 9153, whose endpoints are these. */
static void two_ports_in(struct fixture *f, const char *policy, const char *endpoints)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", "web", "",
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
				    "ports: [{name: \"\", port: 80, targetPort: 8080}, "
				    "{name: metrics, port: 9153}]}",
				    policy));
	fixture_object(f, "EndpointSlice", "web-2", "labels: {kubernetes.io/service-name: web}",
		       arena_printf(arena,
				    "addressType: IPv4\nports: [{name: metrics, port: 9153}]\n"
				    "endpoints: [%s]",
				    endpoints));
	(void)fixture_converge(f, 10);
}

static struct fixture *two_ports(const char *policy, const char *endpoints)
{
	struct fixture *f = fixture_announced();

	two_ports_in(f, policy, endpoints);
	return f;
}

static const struct lb_frontend *metrics(const struct fixture *f)
{
	const struct plan_frontend *fe = fixture_frontend(f, "192.168.100.0", 9153);

	return fe ? &fe->lb : NULL;
}

#define HERE    "{addresses: [10.244.0.9], nodeName: node-a}"
#define THERE   "{addresses: [10.244.9.9], nodeName: node-b}"
#define UNREADY "{addresses: [10.244.0.9], nodeName: node-a, conditions: {ready: false}}"

static void port_without_endpoints_is_closed_and_told_as_by_kube_proxy(void **state)
{
	static const struct {
		const char *policy, *endpoints;
		uint32_t want;
	} cases[] = {
		{"Cluster", HERE, 0},
		{"Local", HERE, 0},
		{"Cluster", "", LB_F_CLOSED | LB_F_REJECT},
		{"Cluster", UNREADY, LB_F_CLOSED | LB_F_REJECT},
		{"Local", "", LB_F_CLOSED},
		/* Others have some; that we cannot send there is no news for the client. */
		{"Cluster", THERE, LB_F_CLOSED},
		{"Local", THERE, LB_F_CLOSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f =
			two_ports(cases[i].policy, cases[i].endpoints);

		assert_non_null(metrics(f));
		assert_int_equal(metrics(f)->flags & CLOSED, cases[i].want);
		assert_int_equal(metrics(f)->n_targets, cases[i].want ? 0 : 1);
		assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.flags & CLOSED, 0);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
	}
}

/* Each family by its own endpoints: one is closed beside the other, and told by the same rule. */
static void each_family_is_closed_by_itself(void **state)
{
	static const struct {
		const char *policy, *endpoints;
		uint32_t want;
	} cases[] = {
		{"Cluster", "{addresses: [\"fd00::9\"], nodeName: node-a}", 0},
		{"Cluster", "", LB_F_CLOSED | LB_F_REJECT},
		{"Local", "", LB_F_CLOSED},
		{"Cluster", "{addresses: [\"fd00::9\"], nodeName: node-b}", LB_F_CLOSED},
		{"Local", "{addresses: [\"fd00::9\"], nodeName: node-b}", LB_F_CLOSED},
	};
	struct dual d;

	(void)state;
	dual_begin(&d);
	fixture_give_ipv6(d.f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		two_ports_in(d.f, cases[i].policy, HERE);
		fixture_object(d.f, "EndpointSlice", "web-7",
			       "labels: {kubernetes.io/service-name: web}",
			       arena_printf(d.f->arena,
					    "addressType: IPv6\nports: [{name: metrics, port: "
					    "9153}]\nendpoints: [%s]",
					    cases[i].endpoints));
		d.f->now += PLAN_DRAIN_DEFAULT_NS + NSEC_PER_SEC;
		(void)fixture_converge(d.f, 10);
		assert_int_equal(fixture_frontend(d.f, "2001:db8:1::1", 9153)->lb.flags & CLOSED,
				 cases[i].want);
		assert_int_equal(metrics(d.f)->flags & CLOSED, 0);
		assert_int_equal(fixture_frontend(d.f, "2001:db8:1::1", 80)->lb.flags & CLOSED, 0);
	}
	fixture_free(d.f);
}

/* Its pods are gone: living connections have their drain time, and nobody else comes in. */
static void port_that_drains_is_closed_for_new_flows(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_ports("Cluster", HERE);

	(void)state;
	assert_int_equal(metrics(f)->flags & CLOSED, 0);
	fixture_drop(f, "EndpointSlice", "web-2");
	(void)fixture_converge(f, 10);
	assert_int_equal(metrics(f)->flags & CLOSED, LB_F_CLOSED | LB_F_REJECT);
	assert_int_equal(metrics(f)->n_targets, 1);
	assert_int_equal(metrics(f)->targets[0].state, LB_BACKEND_DRAINING);
	f->now += PLAN_DRAIN_DEFAULT_NS + NSEC_PER_SEC;
	(void)fixture_converge(f, 10);
	assert_int_equal(metrics(f)->n_targets, 0);
	assert_int_equal(metrics(f)->flags & CLOSED, LB_F_CLOSED | LB_F_REJECT);
}

/* The route is about to go: what still comes meanwhile is served by who is there. */
static void last_port_of_a_vip_stays_open_until_its_route_is_gone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "web", "Cluster", "");
	fixture_add_slice(f, "web", "");
	fixture_plan(f);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.flags & CLOSED, 0);
	assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.n_targets, 1);
	for (int i = 0; i < 100; i++) {
		f->now += NSEC_PER_SEC;
		(void)fixture_converge(f, 10);
	}
	assert_null(fixture_frontend(f, "192.168.100.0", 80));
	assert_null(fixture_frontend(f, "192.168.100.0", 0));
	assert_int_equal(f->store.n, 0);
}

/* A VIP that nobody here serves is not begun for an empty port's sake. */
static void vip_without_any_endpoint_is_not_programmed(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	fixture_add_service(f, "web", "Cluster", "");
	(void)fixture_converge(f, 10);
	assert_int_equal(f->plan.n_frontends, 0);
	assert_int_equal(f->plan.n_begins, 0);
}

/* --- several Services on one VIP -------------------------------------------------------------- */

static void add_sharing(struct fixture *f, const char *name, const char *policy, unsigned port,
			const char *protocol)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", name,
		       "annotations: {metallb.io/allow-shared-ip: key, "
		       "metallb.io/loadBalancerIPs: 192.168.100.7}",
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: "
				    "[{port: %u, protocol: %s, targetPort: 8080}]}",
				    policy, port, protocol));
}

/* One that would announce is enough; what each port gets is its own Service's affair. */
static void services_of_other_ports_and_policies_share_a_vip(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan_frontend *fe;

	(void)state;
	fixture_basics(f);
	add_sharing(f, "one", "Cluster", 80, "TCP");
	add_sharing(f, "two", "Cluster", 443, "TCP");
	add_sharing(f, "three", "Cluster", 80, "UDP");
	fixture_add_slice(f, "one", "10.244.0.5@node-a");
	fixture_add_slice(f, "two", "");
	fixture_object(f, "EndpointSlice", "three", "labels: {kubernetes.io/service-name: three}",
		       "addressType: IPv4\nports: [{name: \"\", port: 53, protocol: UDP}]\n"
		       "endpoints: [{addresses: [10.244.0.6], nodeName: node-a}]");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.7/32"));
	assert_true(fixture_service(f, "one")->announced);
	assert_true(fixture_service(f, "three")->announced);
	assert_string_equal(fixture_service(f, "two")->reason, "noEndpoints");
	fe = fixture_frontend(f, "192.168.100.7", 443);
	assert_int_equal(fe->lb.flags & CLOSED, LB_F_CLOSED | LB_F_REJECT);
	assert_int_equal(f->store.n, 4); /* the VIP and three ports */

	/* The one that carried it goes; the other one does on. */
	fixture_drop(f, "Service", "one");
	(void)fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.7/32"));
	fixture_drop(f, "Service", "three");
	(void)fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", "192.168.100.7/32"));
}

/* --- pause ------------------------------------------------------------------------------------ */

static void paused_service_stays_announced_and_is_closed(void **state)
{
	static const char *const policies[] = {"Local", "Cluster"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
		const struct lb_frontend *lb;

		fixture_object(f, "Service", "web", "annotations: {lodestone.io/pause: \"true\"}",
			       arena_printf(arena,
					    "spec: {type: LoadBalancer, externalTrafficPolicy: %s,"
					    " ports: [{port: 80, targetPort: 8080}]}",
					    policies[i]));
		(void)fixture_converge(f, 10);
		lb = &fixture_frontend(f, "192.168.100.0", 80)->lb;
		assert_int_equal(lb->flags & CLOSED, LB_F_PAUSED | LB_F_REJECT);
		assert_int_equal(lb->targets[0].state, LB_BACKEND_READY);
		assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));
		assert_true(fixture_service(f, "web")->announced);
		assert_true(fixture_service(f, "web")->paused);
		assert_int_equal(fixture_problem(f, "Paused", "web")->severity, SEVERITY_INFO);

		fixture_add_service(f, "web", policies[i], "");
		(void)fixture_converge(f, 10);
		assert_int_equal(fixture_frontend(f, "192.168.100.0", 80)->lb.flags & CLOSED, 0);
		assert_null(fixture_problem(f, "Paused", "web"));
	}
}

/* Of several Services on one VIP. */
static void a_pause_closes_the_ports_of_its_service_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_basics(f);
	add_sharing(f, "one", "Cluster", 80, "TCP");
	fixture_object(f, "Service", "two",
		       "annotations: {metallb.io/allow-shared-ip: key, lodestone.io/pause: 'true', "
		       "metallb.io/loadBalancerIPs: 192.168.100.7}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, ports: "
		       "[{port: 443, targetPort: 8080, name: a}, "
		       "{port: 444, targetPort: 8080, name: b}]}");
	fixture_add_slice(f, "one", "10.244.0.5@node-a");
	fixture_object(f, "EndpointSlice", "two", "labels: {kubernetes.io/service-name: two}",
		       "addressType: IPv4\nports: [{name: a, port: 8080}, {name: b, port: 8080}]\n"
		       "endpoints: [{addresses: [10.244.0.6], nodeName: node-a}]");
	(void)fixture_converge(f, 10);
	assert_int_equal(fixture_frontend(f, "192.168.100.7", 80)->lb.flags & CLOSED, 0);
	for (uint16_t port = 443; port <= 444; port++)
		assert_int_equal(fixture_frontend(f, "192.168.100.7", port)->lb.flags & CLOSED,
				 LB_F_PAUSED | LB_F_REJECT);
	assert_non_null(fixture_held(f, "r1", "192.168.100.7/32"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_without_endpoints_is_closed_and_told_as_by_kube_proxy),
		cmocka_unit_test(each_family_is_closed_by_itself),
		cmocka_unit_test(port_that_drains_is_closed_for_new_flows),
		cmocka_unit_test(last_port_of_a_vip_stays_open_until_its_route_is_gone),
		cmocka_unit_test(vip_without_any_endpoint_is_not_programmed),
		cmocka_unit_test(services_of_other_ports_and_policies_share_a_vip),
		cmocka_unit_test(paused_service_stays_announced_and_is_closed),
		cmocka_unit_test(a_pause_closes_the_ports_of_its_service_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The plan as a whole: the production set of the samples, and what must hold for every plan, that
 * it is a function of its inputs alone and sorted by its keys.
 */
#include "base/hash.h"
#include "fake/plan_fixture.h"
#include "plan/plan_backends.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void load_production_set(struct fixture *f)
{
	static const char *const samples[] = {"01", "03", "04", "05", "09", "10", "14"};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		(void)snprintf(path, sizeof(path), "tests/samples/S1-bgp-production-%s.yaml",
			       samples[i]);
		if (!fixture_put_file(f, path))
			fail_msg("cannot read %s", path);
	}
	fixture_add_slice(f, "nginx-lb", "10.244.0.5@node-a 10.244.0.6@node-a");
}

static void production_set_is_announced_with_its_three_communities(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct bgp_attrs *held;

	(void)state;
	load_production_set(f);
	fixture_converge(f, 10);
	held = fixture_held(f, "router-primary", "192.168.100.1/32");
	assert_non_null(held);
	assert_int_equal(held->n_communities, 3);
	assert_int_equal(held->communities[0], UINT32_C(64512) << 16 | 100);
	assert_int_equal(held->communities[1], UINT32_C(64512) << 16 | 200);
	assert_int_equal(held->communities[2], COMMUNITY_NO_EXPORT);
	assert_int_equal(f->plan.n_peers, 1);
	assert_int_equal(fixture_frontend(f, "192.168.100.1", 80)->lb.n_targets, 2);
	assert_true(f->plan.end_of_rib);
}

static void production_set_has_no_error_but_the_expected_remarks(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	load_production_set(f);
	fixture_converge(f, 10);
	assert_int_equal(problems_count(&f->plan.problems, SEVERITY_ERROR), 0);
	assert_non_null(fixture_problem(f, "LimitsPropagation", "production-with-communities"));
	assert_non_null(fixture_problem(f, "LocalPrefOnEbgp", "production-with-communities"));
	assert_non_null(fixture_problem(f, "DuplicatePeer", "router-primary-secure"));
}

/* --- functions of their inputs ---------------------------------------------------------------- */

/* All that sinks read of a plan, as one number. */
static uint64_t digest(const struct plan *p)
{
	uint64_t h = hash_u64(HASH_INIT, p->n_peers);

	for (size_t i = 0; i < p->n_peers; i++)
		h = hash_str(hash_u64(h, p->peers[i].bgp.router_id), p->peers[i].key.name);
	for (size_t i = 0; i < p->n_routes; i++) {
		h = hash_bytes(h, &p->routes[i].prefix.addr, sizeof(struct ip_addr));
		h = hash_u64(h, p->routes[i].peers << 2 ^ p->routes[i].attrs ^ p->routes[i].hold);
	}
	for (size_t i = 0; i < p->n_frontends; i++) {
		h = hash_bytes(h, &p->frontends[i].lb.key, sizeof(struct lb_key));
		h = hash_u64(h, p->frontends[i].lb.table ^ p->frontends[i].hold);
	}
	for (size_t i = 0; i < p->n_services; i++)
		h = hash_str(hash_str(h, p->services[i].name), p->services[i].reason);
	for (size_t i = 0; i < p->problems.n; i++)
		h = hash_str(hash_str(h, p->problems.items[i].reason),
			     p->problems.items[i].message);
	return h;
}

static void put_service(struct fixture *f, unsigned i)
{
	char name[16], endpoints[64];

	(void)snprintf(name, sizeof(name), "svc-%02u", i);
	(void)snprintf(endpoints, sizeof(endpoints), "10.244.0.%u@node-a 10.244.1.%u@node-b", i + 1,
		       i + 1);
	fixture_add_service(f, name, i % 2 ? "Local" : "Cluster", "");
	fixture_add_slice(f, name, endpoints);
}

static void plan_computed_twice_is_equal(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	uint64_t first;

	(void)state;
	load_production_set(f);
	fixture_converge(f, 10);
	fixture_plan(f);
	first = digest(&f->plan);
	fixture_plan(f);
	assert_true(first == digest(&f->plan));
}

static void order_in_which_objects_were_read_does_not_matter(void **state)
{
	enum { N = 20 };
	uint64_t first = 0;

	(void)state;
	for (unsigned stride = 1; stride < N; stride += 2) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();

		if (stride % 5 == 0)
			continue; /* not coprime to N: would not reach all */
		fixture_basics(f);
		for (unsigned i = 0; i < N; i++)
			put_service(f, i * stride % N);
		fixture_converge(f, 10);
		if (first == 0)
			first = digest(&f->plan);
		assert_true(first == digest(&f->plan));
		assert_int_equal(f->plan.n_routes, N);
	}
}

static void arrays_are_sorted_by_key_and_free_of_doubles(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan *p = &f->plan;

	(void)state;
	fixture_basics(f);
	for (unsigned i = 0; i < 20; i++)
		put_service(f, 19 - i);
	fixture_converge(f, 10);
	for (size_t i = 1; i < p->n_routes; i++)
		assert_true(ip_prefix_cmp(&p->routes[i - 1].prefix, &p->routes[i].prefix) < 0);
	for (size_t i = 1; i < p->n_frontends; i++)
		assert_true(lb_key_cmp(&p->frontends[i - 1].lb.key, &p->frontends[i].lb.key) < 0);
	for (size_t i = 1; i < p->n_services; i++)
		assert_true(strcmp(p->services[i - 1].name, p->services[i].name) < 0);
	for (size_t i = 1; i < p->problems.n; i++)
		assert_true(problem_cmp(&p->problems.items[i - 1], &p->problems.items[i]) <= 0);
}

static void empty_world_makes_an_empty_plan(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_plan(f);
	assert_int_equal(f->plan.n_peers + f->plan.n_routes + f->plan.n_frontends, 0);
	assert_int_equal(f->plan.problems.n, 0);
	assert_int_equal(f->deadline, NSEC_NEVER);
	assert_true(f->plan.end_of_rib);
}

/* What operators read as "it works" has to be what a router was told. */
static void announced_is_what_a_session_carries(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_converge(f, 10);
	fixture_peer(f, "r1")->down = true;
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced); /* one is enough */
	fixture_peer(f, "r2")->down = true;
	fixture_plan(f);
	assert_non_null(fixture_route(f, "192.168.100.0/32"));
	assert_false(fixture_service(f, "web")->announced);
	assert_string_equal(fixture_service(f, "web")->reason, "noSession");
	fixture_peer(f, "r1")->down = false;
	fixture_converge(f, 10);
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
}

static void session_of_another_advertisement_carries_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r1]}");
	fixture_converge(f, 10);
	assert_true(fixture_service(f, "web")->announced);
	fixture_peer(f, "r1")->down = true;
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "noSession");
}

static void route_that_was_not_written_is_not_announced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_peer(f, "r1")->stuck = true;
	fixture_add_service(f, "zz", "Local", "");
	fixture_add_slice(f, "zz", "10.244.0.6@node-a");
	(void)fixture_converge(f, 10);
	assert_true(fixture_service(f, "web")->announced);
	assert_string_equal(fixture_service(f, "zz")->reason, "notSentYet");
	fixture_peer(f, "r1")->stuck = false;
	(void)fixture_converge(f, 10);
	assert_true(fixture_service(f, "zz")->announced);
}

/* Gate 5 holds what the session has: nothing was withdrawn. */
static void held_route_is_announced(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->synced = false;
	fixture_plan(f);
	assert_true(fixture_route(f, "192.168.100.0/32")->hold);
	assert_true(fixture_service(f, "web")->announced);
	fixture_peer(f, "r1")->down = true;
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "noSession");
}

static void row_shows_who_is_ready_and_who_drains(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_service_backend first, second;
	const struct plan_service *row;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	(void)fixture_converge(f, 10);
	row = fixture_service(f, "web");
	assert_int_equal(row->n_backends, 2);
	first = plan_backend_at(row, 0);
	second = plan_backend_at(row, 1);
	assert_int_equal(ip_addr_v4(&first.addr), 0x0af40006);
	assert_string_equal(first.state, "ready");
	assert_int_equal(ip_addr_v4(&second.addr), 0x0af40005);
	assert_string_equal(second.state, "draining");
}

static void rows_of_one_port_are_in_the_order_of_protocols(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct plan_service *row;

	(void)state;
	fixture_object(f, "Service", "web", "",
		       "spec: {type: LoadBalancer, ports: [{name: u, port: 53, protocol: UDP}, "
		       "{name: t, port: 53}, {name: v, port: 52, protocol: UDP}]}");
	fixture_plan(f);
	row = fixture_service(f, "web");
	assert_int_equal(row[0].port, 52);
	assert_string_equal(row[1].protocol, "TCP");
	assert_string_equal(row[2].protocol, "UDP");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(production_set_is_announced_with_its_three_communities),
		cmocka_unit_test(production_set_has_no_error_but_the_expected_remarks),
		cmocka_unit_test(plan_computed_twice_is_equal),
		cmocka_unit_test(order_in_which_objects_were_read_does_not_matter),
		cmocka_unit_test(arrays_are_sorted_by_key_and_free_of_doubles),
		cmocka_unit_test(empty_world_makes_an_empty_plan),
		cmocka_unit_test(announced_is_what_a_session_carries),
		cmocka_unit_test(session_of_another_advertisement_carries_nothing),
		cmocka_unit_test(route_that_was_not_written_is_not_announced),
		cmocka_unit_test(held_route_is_announced),
		cmocka_unit_test(row_shows_who_is_ready_and_who_drains),
		cmocka_unit_test(rows_of_one_port_are_in_the_order_of_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A route whose packets need a far program (lb/lb_far.h) waits until these are there: the store
 * takes the frontend not before, and gate "programmed" does the rest. Routes of others do not wait.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HERE  "192.168.100.0"
#define THERE "192.168.100.1"

static void put_node(struct fixture *f, const char *name, const char *address)
{
	fixture_object(f, "Node", name, "",
		       arena_printf(f->arena,
				    "status: {addresses: [{type: InternalIP, address: \"%s\"}]}",
				    address));
}

/* Service "here" with a pod on this node, and nobody else. */
static struct fixture *alone(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	put_node(f, "node-a", "10.0.0.10");
	fixture_add_service(f, "here", "Cluster", "");
	fixture_add_slice(f, "here", "10.244.0.5@node-a");
	(void)fixture_converge(f, 10);
	return f;
}

static void another_node_comes(struct fixture *f)
{
	put_node(f, "node-b", "10.0.0.11");
	assert_true(ip_addr_parse("10.0.0.11", &f->remotes[0].addr));
	f->remotes[0].state = REMOTE_ANSWERS;
	f->n_remotes = 1;
}

static void a_service_is_there(struct fixture *f)
{
	another_node_comes(f);
	fixture_add_service(f, "there", "Cluster", "");
	fixture_add_slice(f, "there", "10.244.1.5@node-b");
}

static void round_of(struct fixture *f)
{
	f->now += NSEC_PER_SEC;
	fixture_plan(f);
	(void)fixture_apply(f);
	assert_false(fake_store_leads_nowhere(&f->store));
}

static bool is_held(struct fixture *f, const char *vip)
{
	char route[64];

	(void)snprintf(route, sizeof(route), "%s/32", vip);
	return fixture_held(f, "r1", route) != NULL;
}

static void who_is_alone_needs_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = alone();

	(void)state;
	assert_true(is_held(f, HERE));
	assert_false(f->store.has_far);
}

/* Other nodes alone do, for what they send comes in tunnels. */
static void a_node_among_nodes_needs_them(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = alone();

	(void)state;
	another_node_comes(f);
	(void)fixture_converge(f, 10);
	assert_true(f->store.has_far);
}

static void a_route_waits_until_they_are_there(void **state)
{
	(void)state;
	for (size_t turns = 1; turns < 6; turns++) {
		_cleanup_(fixture_freep) struct fixture *f = alone();
		unsigned waited = 0;

		f->store.far_turns = turns;
		a_service_is_there(f);
		while (!is_held(f, THERE)) {
			round_of(f);
			waited++;
			assert_in_range(waited, 1, turns + 4);
			assert_true(is_held(f, HERE));
			assert_true(f->store.has_far || !is_held(f, THERE));
		}
		assert_in_range(waited, turns, turns + 4);
		(void)fixture_converge(f, 10);
	}
}

static void a_refusal_costs_only_who_needs_them(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = alone();

	(void)state;
	f->store.refuses_far = true;
	a_service_is_there(f);
	fixture_add_service(f, "third", "Cluster", "");
	fixture_add_slice(f, "third", "10.244.0.9@node-a");
	for (unsigned i = 0; i < 5; i++)
		round_of(f);
	assert_true(is_held(f, HERE));
	assert_false(is_held(f, THERE));
	assert_true(is_held(f, "192.168.100.2")); /* which came meanwhile */
	f->store.refuses_far = false;
	(void)fixture_converge(f, 10);
	assert_true(is_held(f, THERE));
}

/* What was served goes on as it was, for that is better than nothing. */
static void who_begins_to_need_them_keeps_what_it_has(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = alone();

	(void)state;
	f->store.refuses_far = true;
	another_node_comes(f);
	fixture_add_slice(f, "here", "10.244.0.5@node-a 10.244.1.5@node-b");
	for (unsigned i = 0; i < 5; i++)
		round_of(f);
	assert_true(is_held(f, HERE));
	f->store.refuses_far = false;
	(void)fixture_converge(f, 10);
	assert_true(is_held(f, HERE));
	assert_true(f->store.has_far);
}

/* --- whatever happens ------------------------------------------------------------------------- */

#define SERVICES 4u
#define STEPS    60u

static const char *random_endpoints(struct fixture *f, struct rng *rng)
{
	const char *ret = "";

	for (unsigned i = 0; i < 3; i++)
		if (rng_below(rng, 2))
			ret = arena_printf(f->arena, "%s10.244.0.%u@node-%c ", ret, i + 1,
					   rng_below(rng, 3) ? 'a' : 'b');
	return ret;
}

static void change(struct fixture *f, struct rng *rng)
{
	static const char *const names[SERVICES] = {"s0", "s1", "s2", "s3"};
	const char *name = names[rng_below(rng, SERVICES)];

	switch (rng_below(rng, 7)) {
	case 0:
		f->store.refuses_far = rng_below(rng, 2);
		f->store.far_turns = rng_below(rng, 5);
		break;
	case 1:
		f->store.per_turn = rng_below(rng, 3);
		f->store.fail_every = rng_below(rng, 4);
		break;
	case 2:
		f->remotes[0].state = rng_below(rng, 3) ? REMOTE_ANSWERS : REMOTE_SILENT;
		break;
	case 3:
		if (f->n_remotes == 0)
			another_node_comes(f);
		break;
	case 4:
		fake_store_adopt(&f->store); /* another process comes after this one */
		break;
	case 5:
		fixture_add_service(f, name, rng_below(rng, 3) ? "Cluster" : "Local", "");
		break;
	default:
		fixture_add_slice(f, name, random_endpoints(f, rng));
		break;
	}
}

/* The frontend of a VIP that the plan announces anew is in the store, and was tested. */
static void expect_served(struct fixture *f, const struct plan_route *r)
{
	char text[IP_PREFIX_TEXT];

	ip_prefix_text(&r->prefix, text);
	if (r->hold || fixture_held(f, "r1", text))
		return;
	for (size_t i = 0; i < f->store.n; i++)
		if (f->store.items[i].key.port != 0 && f->store.items[i].tested &&
		    ip_prefix_has(&r->prefix, &f->store.items[i].key.addr))
			return;
	fail_msg("%s is announced and not there", text);
}

static void no_history_leads_to_a_program_that_is_not_there(void **state)
{
	unsigned n_waited = 0, n_far = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		_cleanup_(fixture_freep) struct fixture *f = alone();
		struct rng rng;

		rng_seed(&rng, seed);
		for (unsigned step = 0; step < STEPS; step++) {
			change(f, &rng);
			f->now += rng_below(&rng, 3) * NSEC_PER_SEC;
			fixture_plan(f);
			for (size_t i = 0; i < f->plan.n_routes; i++)
				expect_served(f, &f->plan.routes[i]);
			(void)fixture_apply(f);
			assert_false(fake_store_leads_nowhere(&f->store));
			n_waited += f->store.far_left > 0;
			n_far += f->store.has_far;
		}
	}
	assert_true(n_waited > 10 && n_far > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_alone_needs_none),
		cmocka_unit_test(a_node_among_nodes_needs_them),
		cmocka_unit_test(a_route_waits_until_they_are_there),
		cmocka_unit_test(a_refusal_costs_only_who_needs_them),
		cmocka_unit_test(who_begins_to_need_them_keeps_what_it_has),
		cmocka_unit_test(no_history_leads_to_a_program_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_settled.h and plan/plan_changes.h. Of random worlds: what is called settled is what a
 * node with working sinks comes to; an outcome differs in nothing from itself; two that differ are
 * told apart; and what one says of the way there the other says of the way back. Then each kind of
 * change by an example.
 */
#include "fake/random_objects.h"
#include "plan/plan_changes.h"
#include "plan/plan_difference.h"
#include "plan/plan_settled.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_SEEDS = 400 };

/* --- outcomes --------------------------------------------------------------------------------- */

struct outcome {
	struct arena *arena;
	struct plan_addresses addresses;
	struct problems problems;
	struct plan plan;
	struct plan_outcome told;
};

/* given: as a former outcome has them; NULL: nobody has an address yet. */
static struct outcome *settle(struct fixture *f, const struct plan_addresses *given)
{
	struct outcome *o = xcalloc(1, sizeof(*o));
	const struct ipam_inputs ipam = {.world = f->world,
					 .settings = &f->settings,
					 .node = &f->node,
					 .given = given ? given : &f->given,
					 .synced = true};
	const struct plan_inputs in = {.world = f->world,
				       .addresses = &o->addresses,
				       .node = &f->node,
				       .settings = &f->settings,
				       .synced = true};
	const struct plan_ledger none = {0};

	o->arena = arena_new();
	o->problems.arena = o->arena;
	fixture_observe_routes(f);
	ipam_compute(&ipam, o->arena, &o->addresses, &o->problems);
	plan_settled(&in, &none, f->now, o->arena, &o->plan);
	problems_append(&o->problems, &o->plan.problems);
	problems_sort(&o->problems);
	o->told =
		(struct plan_outcome){.plan = &o->plan, .problems = &o->problems, .node = "node-a"};
	return o;
}

static void outcome_free(struct outcome *o)
{
	arena_free(o->arena);
	free(o);
}

static const char *difference(const struct plan *a, const struct plan *b)
{
	const struct plan_ledger none = {0};

	return plan_difference(&(struct plan_result){a, &none, 0},
			       &(struct plan_result){b, &none, 0});
}

/* The fixture's, whose peers name the objects that they come from. */
static struct plan without_objects(const struct fixture *f, struct arena *arena)
{
	struct plan_peer *peers =
		arena_memdup(arena, f->plan.peers, f->plan.n_peers * sizeof(*peers));
	struct plan ret = f->plan;

	for (size_t i = 0; i < ret.n_peers; i++)
		peers[i].object = NULL;
	ret.peers = peers;
	return ret;
}

static struct fixture *random_world(uint64_t seed)
{
	struct random_set s = random_set(seed);
	struct fixture *f = fixture_new();

	for (size_t i = 0; i < s.n; i++)
		random_put(f, &s.items[i]);
	return f;
}

/* --- properties ------------------------------------------------------------------------------- */

/* All nodes of the plan answer, as the settled one has it. */
static bool hear_nodes(struct fixture *f)
{
	size_t n = f->n_remotes;

	f->n_remotes = f->plan.n_remotes;
	assert_true(f->n_remotes <= ARRAY_SIZE(f->remotes));
	for (size_t i = 0; i < f->n_remotes; i++)
		f->remotes[i] =
			(struct plan_actual_remote){f->plan.remotes[i].addr, REMOTE_ANSWERS};
	return f->n_remotes != n;
}

/*
 * The fixture's sinks do as they are told. What only a kernel that is there asks for, blackholes of
 * prefixes, is not part of what is settled.
 */
static void a_settled_plan_is_what_a_node_comes_to(void **state)
{
	size_t n_routes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct fixture *f = random_world(seed);
		struct plan came_to;
		struct outcome *o;
		const char *what;

		f->no_kernel = true;
		do
			assert_true(fixture_converge(f, 50) < 50);
		while (hear_nodes(f));
		o = settle(f, NULL);
		came_to = without_objects(f, o->arena);
		what = difference(&came_to, &o->plan);
		if (what)
			fail_msg("seed %llu: comes to another %s", (unsigned long long)seed, what);
		n_routes += o->plan.n_routes;
		outcome_free(o);
		fixture_free(f);
	}
	assert_true(n_routes > N_SEEDS / 2);
}

static size_t count(const struct plan_change *all, size_t n, enum plan_op op)
{
	size_t ret = 0;

	for (size_t i = 0; i < n; i++)
		ret += all[i].op == op;
	return ret;
}

static void what_differs_is_told_both_ways(void **state)
{
	size_t n_same = 0, n_told = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct fixture *f = random_world(seed), *g = random_world(seed / 8 * 8 + 1);
		struct outcome *a = settle(f, NULL), *b = settle(g, NULL);
		struct arena *arena = arena_new();
		const struct plan_change *there, *back;
		const size_t n = plan_changes(&a->told, &b->told, arena, &there);
		const size_t m = plan_changes(&b->told, &a->told, arena, &back);

		assert_int_equal(plan_changes(&a->told, &a->told, arena, &back), 0);
		(void)plan_changes(&b->told, &a->told, arena, &back);
		/* Attributes are numbered, and peers, so a plan may say it otherwise. */
		if (n == 0)
			assert_null(difference(&a->plan, &b->plan));
		assert_int_equal(count(there, n, PLAN_ADDED), count(back, m, PLAN_REMOVED));
		assert_int_equal(count(there, n, PLAN_REMOVED), count(back, m, PLAN_ADDED));
		assert_int_equal(count(there, n, PLAN_CHANGED), count(back, m, PLAN_CHANGED));
		n_same += n == 0;
		n_told += n;
		arena_free(arena);
		outcome_free(a);
		outcome_free(b);
		fixture_free(f);
		fixture_free(g);
	}
	assert_true(n_same >= N_SEEDS / 8 && n_same < N_SEEDS / 2);
	assert_true(n_told > N_SEEDS);
}

/* --- examples --------------------------------------------------------------------------------- */

static struct fixture *example(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.6@node-b");
	return f;
}

struct edit {
	void (*make)(struct fixture *f);
	enum plan_op op;
	const char *kind, *name, *peer, *says;
};

static void takes_the_service(struct fixture *f)
{
	fixture_drop(f, "Service", "web");
}

static void adds_a_service(struct fixture *f)
{
	fixture_add_service(f, "new", "Local", "");
	fixture_add_slice(f, "new", "10.244.0.9@node-a");
}

static void moves_the_address(struct fixture *f)
{
	fixture_add_service(f, "web", "Local", "loadBalancerIP: 192.168.100.77");
}

static void has_many_backends(struct fixture *f)
{
	fixture_add_slice(f, "web",
			  "10.244.0.5@node-a 10.244.0.11@node-a 10.244.0.12@node-a "
			  "10.244.0.13@node-a 10.244.0.14@node-a 10.244.0.15@node-a "
			  "10.244.0.16@node-a");
}

static void loses_the_local_backend(struct fixture *f)
{
	fixture_add_slice(f, "web", "10.244.0.6@node-b");
}

static void adds_a_community(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "all", "", "spec: {communities: [\"64512:7\"]}");
}

static void prefers(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "all", "", "spec: {localPref: 300}");
}

static void takes_the_peer(struct fixture *f)
{
	fixture_drop(f, "BGPPeer", "r1");
}

static void adds_a_peer(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
}

static void changes_the_as(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64999, peerAddress: 10.0.0.1}");
}

static void changes_the_key(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, password: "
		       "geheim}");
}

static void turns_it_off(struct fixture *f)
{
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {dataplane: {mode: \"off\"}}");
}

static void drains_for_less(struct fixture *f)
{
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {drainSeconds: 7}");
}

static void lets_few_come(struct fixture *f)
{
	fixture_add_service(f, "web", "Local", "loadBalancerSourceRanges: [10.0.0.0/8]");
}

static void sticks(struct fixture *f)
{
	fixture_add_service(f, "web", "Local", "sessionAffinity: ClientIP");
}

static void names_no_alias(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "two", "", "spec: {communities: [nobody]}");
}

static const struct edit edits[] = {
	{takes_the_service, PLAN_REMOVED, "Service", "default/web", NULL, "192.168.100.0"},
	{takes_the_service, PLAN_REMOVED, "Route", "192.168.100.0/32", "r1", "is withdrawn"},
	{adds_a_service, PLAN_ADDED, "Service", "default/new", NULL,
	 "192.168.100.1, 1 backends; announced by this node"},
	{adds_a_service, PLAN_ADDED, "Route", "192.168.100.1/32", "r1", "is announced"},
	{moves_the_address, PLAN_CHANGED, "Service", "default/web", NULL,
	 "address: gets 192.168.100.77; loses 192.168.100.0"},
	{has_many_backends, PLAN_CHANGED, "Service", "default/web", NULL,
	 "backends: gets 10.244.0.11 port 8080 on node-a (ready), 10.244.0.12 port 8080 on node-a "
	 "(ready), 10.244.0.13 port 8080 on node-a (ready), 10.244.0.14 port 8080 on node-a "
	 "(ready), 10.244.0.15 port 8080 on node-a (ready) and 1 more"},
	{loses_the_local_backend, PLAN_CHANGED, "Service", "default/web", NULL,
	 "backends: loses 10.244.0.5 port 8080 on node-a (ready)"},
	{loses_the_local_backend, PLAN_CHANGED, "Service", "default/web", NULL,
	 "is announced by this node no more: "},
	{adds_a_community, PLAN_CHANGED, "Route", "192.168.100.0/32", "r1",
	 "communities 64512:7, was none"},
	{takes_the_peer, PLAN_REMOVED, "BGPPeer", "r1", NULL,
	 "the session with 10.0.0.1 is closed"},
	{adds_a_peer, PLAN_ADDED, "BGPPeer", "r2", NULL, "a session with 10.0.0.2 begins"},
	{adds_a_peer, PLAN_ADDED, "Route", "192.168.100.0/32", "r2", "is announced"},
	{changes_the_as, PLAN_CHANGED, "BGPPeer", "r1", NULL, "the session is reset: remote asn"},
	{changes_the_key, PLAN_CHANGED, "BGPPeer", "r1", NULL,
	 "the session goes on under another key: password"},
	{turns_it_off, PLAN_CHANGED, "Node", "node-a", NULL, "XDP is left"},
	{turns_it_off, PLAN_REMOVED, "Device", "eth0", NULL, "programs are detached from it"},
	{drains_for_less, PLAN_CHANGED, "Node", "node-a", NULL, "its flows for 7 s, not 60 s"},
	{lets_few_come, PLAN_CHANGED, "Frontend", "web, 192.168.100.0 port 80", NULL,
	 "other sources may come"},
	{sticks, PLAN_CHANGED, "Frontend", "web, 192.168.100.0 port 80", NULL,
	 "a client stays with its pod for 10800 s, was 0 s"},
	{names_no_alias, PLAN_ADDED, "Problem", "BGPAdvertisement/two", NULL, "error: "},
};

static const struct plan_change *find(const struct plan_change *all, size_t n, const struct edit *e)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].op == e->op && strcmp(all[i].kind, e->kind) == 0 &&
		    strcmp(all[i].name, e->name) == 0 && strstr(all[i].message, e->says))
			return &all[i];
	return NULL;
}

static void each_edit_is_told_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		struct fixture *f = example(), *g = example();
		struct arena *arena = arena_new();
		const struct plan_change *all, *found;
		struct outcome *a, *b;
		size_t n;

		edits[i].make(g);
		a = settle(f, NULL);
		b = settle(g, &a->addresses);
		n = plan_changes(&a->told, &b->told, arena, &all);
		found = find(all, n, &edits[i]);
		for (size_t k = 0; k < n && !found; k++)
			fprintf(stderr, "%s %s %s: %s\n", plan_op_text(all[k].op), all[k].kind,
				all[k].name, all[k].message);
		if (!found)
			fail_msg("edit %zu: not told: %s", i, edits[i].says);
		assert_int_equal(found->peers.n, edits[i].peer ? 1 : 0);
		if (edits[i].peer)
			assert_string_equal(found->peers.items[0], edits[i].peer);
		for (size_t k = 0; k < n; k++)
			assert_null(strstr(all[k].message, "geheim"));
		arena_free(arena);
		outcome_free(a);
		outcome_free(b);
		fixture_free(f);
		fixture_free(g);
	}
}

/* Two peers that see the same are one change; local preference is no matter of eBGP. */
static void peers_that_see_the_same_are_told_together(void **state)
{
	struct fixture *f = example(), *g = example();
	struct arena *arena = arena_new();
	const struct plan_change *all, *route = NULL;
	struct outcome *a, *b;
	size_t n;

	(void)state;
	adds_a_peer(f);
	adds_a_peer(g);
	prefers(g);
	a = settle(f, NULL);
	b = settle(g, &a->addresses);
	n = plan_changes(&a->told, &b->told, arena, &all);
	for (size_t i = 0; i < n; i++) /* that it is not sent */
		assert_string_equal(all[i].kind, "Problem");
	outcome_free(b);
	adds_a_community(g);
	b = settle(g, &a->addresses);
	n = plan_changes(&a->told, &b->told, arena, &all);
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].kind, "Route") == 0) {
			assert_null(route);
			route = &all[i];
		}
	assert_non_null(route);
	assert_int_equal(route->peers.n, 2);
	assert_string_equal(route->peers.items[0], "r1");
	assert_string_equal(route->peers.items[1], "r2");
	arena_free(arena);
	outcome_free(a);
	outcome_free(b);
	fixture_free(f);
	fixture_free(g);
}

/* Of as many values one is another. */
static void another_community_is_a_change(void **state)
{
	struct fixture *f = example(), *g = example();
	struct arena *arena = arena_new();
	const struct plan_change *all;
	struct outcome *a, *b;

	(void)state;
	adds_a_community(f);
	fixture_object(g, "BGPAdvertisement", "all", "", "spec: {communities: [\"64512:8\"]}");
	a = settle(f, NULL);
	b = settle(g, &a->addresses);
	assert_int_equal(plan_changes(&a->told, &b->told, arena, &all), 1);
	assert_string_equal(all[0].kind, "Route");
	assert_string_equal(all[0].message, "communities 64512:8, was 64512:7");
	arena_free(arena);
	outcome_free(a);
	outcome_free(b);
	fixture_free(f);
	fixture_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_settled_plan_is_what_a_node_comes_to),
		cmocka_unit_test(what_differs_is_told_both_ways),
		cmocka_unit_test(each_edit_is_told_in_words),
		cmocka_unit_test(peers_that_see_the_same_are_told_together),
		cmocka_unit_test(another_community_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

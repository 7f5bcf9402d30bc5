// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VRFs that are made because a BGPPeer asks for it: which, with which table, who stands in the way,
 * and when one goes again; and that nothing of anybody else's is ever touched.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"
#include "unit/rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RUNS      test_rounds(100)
#define IFINDEX   100 /* of the first that is made */
#define LINKS_MAX ARRAY_SIZE(((struct fixture *)0)->links)

static void peer(struct fixture *f, const char *name, const char *table, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(
		f, "BGPPeer", name,
		table ? arena_printf(arena, "annotations: {lodestone.io/create-vrf: \"%s\"}", table)
		      : "",
		arena_printf(arena, "spec: {myASN: 64512, peerASN: 64513, %s}", spec));
}

static void remove_link(struct fixture *f, size_t at)
{
	for (size_t i = 0; i < f->node.n_links; i++)
		if (f->links[i].master == f->links[at].ifindex)
			f->links[i].master = 0;
	memmove(&f->links[at], &f->links[at + 1], (--f->node.n_links - at) * sizeof(f->links[0]));
}

static size_t link_at(const struct fixture *f, const char *name)
{
	size_t i = 0;

	while (i < f->node.n_links && strcmp(f->links[i].name, name) != 0)
		i++;
	return i;
}

static const struct plan_link *link_named(const struct fixture *f, const char *name)
{
	const size_t i = link_at(f, name);

	return i < f->node.n_links ? &f->links[i] : NULL;
}

/* Does to the node what the plan says; returns how much that was. */
static size_t make(struct fixture *f, struct arena *names)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_vrf_op *ops;
	const size_t n =
		plan_vrf_ops(f->plan.made_vrfs, f->plan.n_made_vrfs, &f->node, arena, &ops);

	for (size_t i = 0; i < n; i++) {
		if (ops[i].made) {
			const int ifindex = f->links[f->node.n_links - 1].ifindex + 1;

			fixture_add_vrf(f, ifindex < IFINDEX ? IFINDEX : ifindex,
					arena_strdup(names, ops[i].name), ops[i].made->table, 0);
			f->links[f->node.n_links - 1].made_here = true;
		} else {
			remove_link(f, link_at(f, ops[i].name));
		}
	}
	return n;
}

static void converge(struct fixture *f, struct arena *names)
{
	size_t rounds = 0;

	do
		(void)fixture_converge(f, 20);
	while (make(f, names) > 0 && ++rounds < 10);
	assert_true(rounds < 10);
}

static void a_vrf_is_made_and_the_session_begins_in_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *names = arena_new();

	(void)state;
	peer(f, "red", "1000", "peerAddress: 10.0.9.1, vrf: red");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 1);
	assert_string_equal(f->plan.made_vrfs[0].name, "red");
	assert_int_equal(f->plan.made_vrfs[0].table, 1000);
	assert_string_equal(f->plan.made_vrfs[0].peer, "red");
	assert_int_equal(fixture_problem(f, "VrfMissing", "red")->severity, SEVERITY_INFO);
	converge(f, names);
	assert_non_null(link_named(f, "red"));
	assert_null(fixture_problem(f, "VrfMissing", NULL));
	assert_int_equal(fixture_plan_peer(f, "red")->table, 1000);
	assert_string_equal(fixture_problem(f, "VrfEmpty", "red")->remedy,
			    "ip link set DEVICE master red for each uplink");
	f->links[2].master = IFINDEX; /* eth1 */
	converge(f, names);
	assert_null(fixture_problem(f, "VrfEmpty", NULL));
	assert_int_equal(fixture_plan_peer(f, "red")->ifindex, 3);
}

static void without_the_annotation_none_is_made(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	peer(f, "red", NULL, "peerAddress: 10.0.9.1, vrf: red");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 0);
	assert_int_equal(fixture_problem(f, "VrfMissing", "red")->severity, SEVERITY_ERROR);
	peer(f, "red", "1000", "peerAddress: 10.0.9.1");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 0);
	assert_string_equal(fixture_problem(f, "NoEffect", "red")->field,
			    "metadata.annotations[lodestone.io/create-vrf]");
}

/* An interface that has the name already is somebody's, and no VRF is made of it. */
static void a_name_that_is_taken_is_left_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	peer(f, "red", "1000", "peerAddress: 10.0.9.1, vrf: eth1");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 0);
	assert_string_equal(fixture_problem(f, "VrfMissing", "red")->message,
			    "interface eth1 of this node is no VRF; the session begins once it is "
			    "there");
}

static void peers_of_one_vrf_agree_on_its_table_or_the_first_counts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *names = arena_new();
	const char *field = "metadata.annotations[lodestone.io/create-vrf]";

	(void)state;
	peer(f, "a", "1000", "peerAddress: 10.0.9.1, vrf: red");
	peer(f, "b", "1000", "peerAddress: 10.0.9.2, vrf: red");
	peer(f, "c", "2000", "peerAddress: 10.0.9.3, vrf: red");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 1);
	assert_int_equal(fixture_count(f, "VrfTableDiffers"), 1);
	assert_string_equal(fixture_problem(f, "VrfTableDiffers", "c")->message,
			    "table 2000 is asked for, and VRF red has table 1000, which BGPPeer a "
			    "asks for; it is used as it is");
	converge(f, names);
	assert_int_equal(fixture_plan_peer(f, "c")->table, 1000);
	assert_string_equal(fixture_problem(f, "VrfTableDiffers", "c")->field, field);
	assert_string_equal(fixture_problem(f, "VrfTableDiffers", "c")->message,
			    "table 2000 is asked for, and VRF red has table 1000; it is used as it "
			    "is");
	assert_int_equal(fixture_count(f, "VrfTableDiffers"), 1);
}

static void a_table_that_is_anothers_is_named(void **state)
{
	static const char *const cases[][2] = {
		{"253", "table 253 is one of the kernel's own; VRF red is not made with it"},
		{"255", "table 255 is one of the kernel's own; VRF red is not made with it"},
		{"19624",
		 "table 19624 is one in which this agent keeps routes; VRF red is not made with "
		 "it"},
		{"19800",
		 "table 19800 is one in which this agent keeps routes; VRF red is not made with "
		 "it"},
		{"1001", "table 1001 is that of VRF blue; VRF red is not made with it"},
		{"1002",
		 "table 1002 is that of VRF green, which BGPPeer green asks for; VRF red is not "
		 "made with it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

		fixture_add_vrf(f, 11, "blue", 1001, 3);
		peer(f, "green", "1002", "peerAddress: 10.0.9.1, vrf: green");
		peer(f, "red", cases[i][0], "peerAddress: 10.0.9.1, vrf: red");
		fixture_plan(f);
		assert_int_equal(f->plan.n_made_vrfs, 1);
		assert_string_equal(fixture_problem(f, "VrfTableTaken", "red")->message,
				    cases[i][1]);
		assert_non_null(fixture_problem(f, "VrfMissing", "red")); /* and how to make it */
	}
}

static void an_edit_waits_for_the_vrf_that_is_made_for_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *names = arena_new();

	(void)state;
	peer(f, "r1", "1000", "peerAddress: 10.0.0.1, vrf: red");
	fixture_plan(f);
	assert_int_equal(f->plan.n_made_vrfs, 1);
	assert_int_equal(fixture_plan_peer(f, "r1")->domain, 0);
	assert_string_equal(fixture_problem(f, "VrfMissing", "r1")->message,
			    "this node has no VRF red yet; its last good version stays in force");
	converge(f, names);
	assert_int_equal(fixture_plan_peer(f, "r1")->domain, 1000);
}

static void ours_stays_while_a_peer_names_it_or_it_serves_and_then_goes(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *names = arena_new();

	(void)state;
	peer(f, "red", "1000", "peerAddress: 10.0.9.1, vrf: red");
	converge(f, names);
	f->links[2].master = IFINDEX;
	converge(f, names);
	assert_non_null(fixture_held(f, "red", "192.168.100.0/32"));
	peer(f, "red", NULL, "peerAddress: 10.0.9.1, vrf: red"); /* not to be made any more */
	converge(f, names);
	assert_non_null(link_named(f, "red"));
	fixture_drop(f, "BGPPeer", "red");
	converge(f, names);
	assert_non_null(link_named(f, "red")); /* its VIP is to leave by the gates */
	f->now += PLAN_DRAIN_DEFAULT_NS + PLAN_UNHELD_NS + NSEC_PER_SEC;
	converge(f, names);
	assert_null(link_named(f, "red"));
	assert_int_equal(f->links[2].master, 0);
}

/* Gate complete: who says nothing yet may still name it. */
static void before_the_first_complete_picture_none_goes(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	_cleanup_(arena_freep) struct arena *names = arena_new();

	(void)state;
	fixture_add_vrf(f, IFINDEX, "red", 1000, 0);
	f->links[f->node.n_links - 1].made_here = true;
	f->synced = false;
	converge(f, names);
	assert_non_null(link_named(f, "red"));
	f->synced = true;
	converge(f, names);
	assert_null(link_named(f, "red"));
}

/* --- random ---------------------------------------------------------------------------------- */

static const char *const vrf_names[] = {"red", "blue", "green"};
static const char *const tables[] = {"1000", "1001", "1002"};

static void random_peers(struct fixture *f, struct rng *r)
{
	static const char *const peers[] = {"p", "q", "s", "t"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		if (rng_below(r, 4) == 0)
			fixture_drop(f, "BGPPeer", peers[i]);
		else
			peer(f, peers[i], rng_below(r, 3) ? tables[rng_below(r, 3)] : NULL,
			     arena_printf(arena, "peerAddress: 10.0.9.%u, vrf: %s", i + 1,
					  vrf_names[rng_below(r, 3)]));
}

/* Somebody makes one of his own, or takes whichever away. */
static void random_hand(struct fixture *f, struct rng *r)
{
	const char *name = vrf_names[rng_below(r, 3)];

	if (link_named(f, name))
		remove_link(f, link_at(f, name));
	else if (f->node.n_links < LINKS_MAX)
		fixture_add_vrf(f, f->links[f->node.n_links - 1].ifindex + IFINDEX, name,
				1000 + (uint32_t)rng_below(r, 3), 0);
}

/* Of what is not ours neither fewer nor others are there afterwards. */
static size_t others(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->node.n_links; i++)
		n += !f->links[i].made_here;
	return n;
}

static bool is_named(const struct fixture *f, const char *vrf)
{
	for (size_t i = 0; i < f->plan.n_peers; i++)
		if (strcmp(f->plan.peers[i].key.vrf, vrf) == 0)
			return true;
	return false;
}

static void random_wishes_are_met_and_what_is_not_ours_stays(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
		_cleanup_(arena_freep) struct arena *names = arena_new();
		struct rng r;

		rng_seed(&r, seed);
		for (int step = 0; step < 4; step++) {
			size_t before;

			random_peers(f, &r);
			random_hand(f, &r);
			before = others(f);
			/* One is made, who waited for it leaves another, whose table then is
			 * free for a third. */
			for (int pass = 0; pass < 3; pass++) {
				fixture_plan(f);
				(void)make(f, names);
			}
			fixture_plan(f);
			assert_int_equal(make(f, names), 0);
			assert_int_equal(others(f), before);
			for (size_t i = 0; i < f->node.n_links; i++)
				assert_true(!f->links[i].made_here ||
					    is_named(f, f->links[i].name));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vrf_is_made_and_the_session_begins_in_it),
		cmocka_unit_test(without_the_annotation_none_is_made),
		cmocka_unit_test(a_name_that_is_taken_is_left_alone),
		cmocka_unit_test(peers_of_one_vrf_agree_on_its_table_or_the_first_counts),
		cmocka_unit_test(a_table_that_is_anothers_is_named),
		cmocka_unit_test(an_edit_waits_for_the_vrf_that_is_made_for_it),
		cmocka_unit_test(ours_stays_while_a_peer_names_it_or_it_serves_and_then_goes),
		cmocka_unit_test(before_the_first_complete_picture_none_goes),
		cmocka_unit_test(random_wishes_are_met_and_what_is_not_ours_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the plan is told of several routers: those that have the same routes have one list, and one
 * that is told something else has its own.
 */
#include "unit/agent/peers_rig.h"

#define OTHER_ADDR 0x0a000003 /* 10.0.0.3 */

struct two {
	struct rig *rig;
	struct router *other;
	struct plan_peer peers[2];
};

/* The second router, which the rig knows nothing of; its file has one test at a time. */
static struct router *other;

static void lists(const struct rig *rig, struct arena *arena, const struct plan_actual_peer **ret)
{
	size_t n;

	router_turn(other);
	agent_peers_actual(&rig->peers, arena, ret, &n);
	assert_int_equal(n, 2);
}

static bool each_has(const struct rig *rig, size_t n_first, size_t n_second)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_actual_peer *peers;

	lists(rig, arena, &peers);
	return prefix_list_n(peers[0].advertised) == n_first &&
	       prefix_list_n(peers[1].advertised) == n_second;
}
static bool both_have_three(const struct rig *rig)
{
	return each_has(rig, 3, 3);
}
static bool both_have_four(const struct rig *rig)
{
	return each_has(rig, 4, 4);
}
static bool the_second_has_one_less(const struct rig *rig)
{
	return each_has(rig, 3, 2);
}

static bool have_one_list(const struct rig *rig)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_actual_peer *peers;

	lists(rig, arena, &peers);
	return peers[0].advertised == peers[1].advertised;
}

static void two_new(struct two *t)
{
	t->rig = rig_new();
	assert_int_equal(system("ip addr add 10.0.0.3/32 dev lo"), 0);
	other = t->other = router_new_at(OTHER_ADDR);
	t->peers[0] = t->rig->peer;
	t->peers[1] = t->rig->peer;
	t->peers[1].key = (struct peer_key){"s", "", ""};
	t->peers[1].address = ip_addr_from_v4(OTHER_ADDR);
	t->rig->plan.peers = t->peers;
	t->rig->plan.n_peers = 2;
	for (size_t i = 0; i < 4; i++)
		t->rig->routes[i].peers = 3;
}

static void routers_with_the_same_routes_have_one_list(void **state)
{
	struct two t;

	(void)state;
	two_new(&t);
	apply(t.rig, 3);
	WAIT_FOR(t.rig, both_have_three);
	assert_true(have_one_list(t.rig));

	/* Each is read by itself, as its socket takes what is new; then they are the same again. */
	apply(t.rig, 4);
	WAIT_FOR(t.rig, both_have_four);
	assert_true(have_one_list(t.rig));

	t.rig->routes[1].peers = 1;
	apply(t.rig, 3);
	WAIT_FOR(t.rig, the_second_has_one_less);
	assert_false(have_one_list(t.rig));
	router_free(t.other);
	rig_free(t.rig);
}

/* However many there are, and whoever is the first by now: one after the other, each once. */
static void each_of_several_gets_its_routes(void **state)
{
	static const struct peer_key keys[] = {{"r", "", ""}, {"s", "", ""}, {"t", "", ""}};
	struct rig *rig = rig_new();
	struct plan_peer peers[ARRAY_SIZE(keys)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		peers[i] = rig->peer;
		peers[i].key = keys[i];
		peers[i].address = ip_addr_from_v4(ROUTER_ADDR + (uint32_t)i);
	}
	rig->plan.peers = peers;
	rig->plan.n_peers = ARRAY_SIZE(keys);
	for (size_t n = 1; n <= 3; n++) {
		for (size_t i = 0; i < n; i++)
			rig->routes[i].peers = 7;
		apply(rig, n);
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			assert_int_equal(bgp_rib_n_desired(bgp_peer_rib(rig->peers.items[i]->bgp)),
					 n);
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_several_gets_its_routes),
		cmocka_unit_test(routers_with_the_same_routes_have_one_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which prefixes are blackholes, for which devices, and in which order with what routers hear: gate
 * placed, and that one goes last.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP       "192.168.100.0"
#define NET       "192.168.100.0/24"
#define AGGREGATE "spec: {aggregationLength: 24}"

static void advertise(struct fixture *f, const char *spec)
{
	fixture_object(f, "BGPAdvertisement", "adv", "", spec);
}

static void configure(struct fixture *f, const char *spec)
{
	fixture_object(f, "LodestoneConfig", "default", "", spec);
}

/* "192.168.100.0/24 for eth0": what the kernel has, where its rules agree with its routes. */
static const char *placed(const struct fixture *f, struct arena *arena)
{
	const char *ret = "", *last = "";
	char prefix[IP_PREFIX_TEXT];

	for (size_t i = 0; i < f->kernel->n_routes; i++)
		ret = arena_printf(arena, "%s%s%s", ret, i ? " " : "",
				   ip_prefix_text(&f->kernel->routes[i].to, prefix));
	for (size_t i = 0; i < f->kernel->n_rules; i++) {
		const char *iif = f->kernel->rules[i].iif;

		if (f->kernel->rules[i].suppress >= 0 && strcmp(iif, last) != 0)
			ret = arena_printf(arena, "%s%s%s", ret, i ? "," : " for ", iif);
		last = iif;
	}
	return ret;
}

static void an_aggregate_is_placed_before_and_goes_after(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_string_equal(placed(f, arena), "");    /* what is announced is a host route */
	fixture_add_service(f, "web", "Cluster", ""); /* with Local it would stay one */
	advertise(f, AGGREGATE);
	fixture_plan(f);
	assert_null(fixture_route(f, NET));
	assert_string_equal(fixture_service(f, "web")->reason, "blackholeNotTried");
	assert_int_equal(f->plan.blackholes.n, 1);
	assert_false(f->plan.end_of_rib); /* or a router would drop what it has of it */
	fixture_apply(f);
	assert_string_equal(placed(f, arena), NET " for eth0");
	fixture_plan(f);
	assert_non_null(fixture_route(f, NET));
	assert_true(f->plan.end_of_rib);
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", NET));
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
	assert_null(fixture_held(f, "r1", VIP "/32"));

	/* The withdraw is not written yet: the router may send. */
	fixture_peer(f, "r1")->stuck = true;
	fixture_drop(f, "Service", "web");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", NET));
	assert_string_equal(placed(f, arena), NET " for eth0");
	fixture_peer(f, "r1")->stuck = false;
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", NET));
	assert_string_equal(placed(f, arena), "");
}

static void the_setting_says_which(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	configure(f, "spec: {netlink: {blackholes: all}}");
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), VIP "/32 for eth0");
	configure(f, "spec: {netlink: {blackholes: aggregates}}");
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), ""); /* at once, whatever a router has */
	advertise(f, AGGREGATE);
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	configure(f, "spec: {netlink: {blackholes: off}}");
	advertise(f, "spec: {aggregationLength: 25}");
	fixture_plan(f);
	assert_non_null(fixture_route(f, VIP "/25")); /* it waits for nothing */
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), "");
}

static void without_somebody_who_places_them_nothing_waits(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->no_kernel = true;
	advertise(f, AGGREGATE);
	fixture_plan(f);
	assert_non_null(fixture_route(f, NET));
	assert_int_equal(f->plan.blackholes.n, 0);
}

static void what_is_refused_is_announced_all_the_same(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	f->kernel->fails_at = f->kernel->n_ops + 1;
	advertise(f, AGGREGATE);
	fixture_plan(f);
	fixture_apply(f);
	assert_false(f->kernel_state.blackholes[0].is_placed);
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", NET));
	assert_string_equal(placed(f, arena), NET " for eth0"); /* tried again */
	/* A clash is for good, and told. */
	f->kernel->routes[f->kernel->n_routes] = f->kernel->routes[0];
	f->kernel->routes[f->kernel->n_routes++].protocol = 4;
	advertise(f, "spec: {aggregationLength: 24, localPref: 7}");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", NET));
	assert_int_equal(f->kernel_state.n_clashes, 1);
}

static void uplinks_are_as_rules_see_them(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	advertise(f, AGGREGATE);
	assert_true(ip_prefix_parse("10.1.0.0/16", &f->by_eth1));
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.1.0.2}");
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0,eth1");
	/* The way to a peer is unknown for a while: none goes. */
	f->no_route = true;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0,eth1");
	f->no_route = false;
	fixture_drop(f, "BGPPeer", "r2");
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	/* What a bridge's port receives comes from the bridge; what a VRF's does, from the port. */
	f->links[3] = (struct plan_link){.ifindex = 9, .name = "br0", .up = true};
	f->links[2].master = 9;
	f->node.n_links = 4;
	configure(f, "spec: {dataplane: {uplinks: [eth1]}}");
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0,br0");
	f->links[3].table = 10;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0,eth1");
	configure(f, "spec: {dataplane: {uplinks: [eth1, eth7]}}");
	f->links[2].master = 0;
	f->links[2].name = "eth2";
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0,eth1");
}

static void a_restart_keeps_what_is_there_until_it_knows(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	advertise(f, AGGREGATE);
	fixture_converge(f, 10);
	fixture_restart(f);
	f->synced = false;
	fixture_plan(f);
	assert_int_equal(f->plan.blackholes.n, 1);
	fixture_basics(f);
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	/* Then as long as a router may hold its predecessor's routes. */
	fixture_peer(f, "r1")->stale_until = f->now + NSEC_PER_SEC;
	f->synced = true;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	assert_true(f->deadline <= f->now + NSEC_PER_SEC);
	fixture_peer(f, "r1")->stale_until = 0;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), "");
}

/* In the place of one that no router has there is another at once. */
static void as_many_as_before_may_be_others(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_add_service(f, "web", "Cluster", "");
	advertise(f, AGGREGATE);
	fixture_converge(f, 20);
	assert_string_equal(placed(f, arena), NET " for eth0");
	fixture_peer(f, "r1")->down = true;
	fixture_converge(f, 20);
	advertise(f, "spec: {aggregationLength: 25}");
	fixture_plan(f);
	assert_int_equal(f->plan.blackholes.n, 1);
	assert_int_equal(f->plan.blackholes.prefixes[0].len, 25);
	fixture_converge(f, 20);
	assert_string_equal(placed(f, arena), "192.168.100.0/25 for eth0");
}

static void a_drained_node_has_none(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	advertise(f, AGGREGATE);
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	f->settings.drained = true;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), "");
	f->settings.drained = false;
	fixture_converge(f, 10);
	assert_string_equal(placed(f, arena), NET " for eth0");
	assert_non_null(fixture_held(f, "r1", NET));
}

static bool is_placed(const struct fixture *f, const char *prefix)
{
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < f->kernel->n_routes; i++)
		if (strcmp(ip_prefix_text(&f->kernel->routes[i].to, text), prefix) == 0)
			return true;
	return false;
}

static void some_event(struct fixture *f, struct rng *rng, bool *has_web)
{
	static const char *const lengths[] = {"spec: {aggregationLength: 24}",
					      "spec: {aggregationLength: 25}",
					      "spec: {aggregationLength: 26}"};

	switch (rng_below(rng, 4)) {
	case 0:
	case 1:
		*has_web = !*has_web;
		if (*has_web)
			fixture_add_service(f, "web", "Cluster", "");
		else
			fixture_drop(f, "Service", "web");
		break;
	case 2:
		advertise(f, lengths[rng_below(rng, ARRAY_SIZE(lengths))]);
		break;
	default:
		if (fixture_peer(f, "r1"))
			fixture_peer(f, "r1")->stuck = rng_below(rng, 2);
	}
}

/*
 * The helper has done something and nobody knows it yet: what it took away counts for tried no
 * more, or it would be announced again without.
 */
static void whoever_has_a_prefix_it_is_in_place_also_when_the_kernel_is_slow(void **state)
{
	static const char *const nets[] = {NET, VIP "/25", VIP "/26"};
	size_t n_held = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
		bool has_web = true;
		struct rng rng;

		rng_seed(&rng, seed);
		f->kernel_is_slow = true;
		for (size_t step = 0; step < 60; step++) {
			some_event(f, &rng, &has_web);
			for (size_t i = rng_below(&rng, 4); i > 0; i--) {
				fixture_plan(f);
				fixture_apply(f);
				for (size_t k = 0; k < ARRAY_SIZE(nets); k++) {
					if (!fixture_held(f, "r1", nets[k]))
						continue;
					n_held++;
					if (!is_placed(f, nets[k]))
						fail_msg("seed %llu, step %zu: %s is held, not "
							 "placed",
							 (unsigned long long)seed, step, nets[k]);
				}
			}
			f->now += rng_below(&rng, 3) * NSEC_PER_SEC;
		}
		fixture_peer(f, "r1")->stuck = false;
		if (!has_web)
			fixture_add_service(f, "web", "Cluster", "");
		advertise(f, AGGREGATE);
		f->now += 600 * NSEC_PER_SEC;
		(void)fixture_converge(f, 20);
		assert_true(is_placed(f, NET) && fixture_held(f, "r1", NET));
		assert_false(is_placed(f, VIP "/25") || is_placed(f, VIP "/26"));
	}
	assert_true(n_held > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_aggregate_is_placed_before_and_goes_after),
		cmocka_unit_test(the_setting_says_which),
		cmocka_unit_test(without_somebody_who_places_them_nothing_waits),
		cmocka_unit_test(what_is_refused_is_announced_all_the_same),
		cmocka_unit_test(uplinks_are_as_rules_see_them),
		cmocka_unit_test(a_restart_keeps_what_is_there_until_it_knows),
		cmocka_unit_test(as_many_as_before_may_be_others),
		cmocka_unit_test(a_drained_node_has_none),
		cmocka_unit_test(whoever_has_a_prefix_it_is_in_place_also_when_the_kernel_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

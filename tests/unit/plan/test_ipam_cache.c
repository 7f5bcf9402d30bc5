// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The second part of plan/ipam.h: whatever changes, the result is what it is from nothing. */
#include "fake/plan_fixture.h"

#include "base/rng.h"
#include "fake/plan_same.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_STEPS 150

static struct fixture *with_two_pools(void)
{
	struct fixture *f = fixture_new();

	fixture_object(f, "IPAddressPool", "p", "", "spec: {addresses: [10.1.0.0/30]}");
	fixture_object(f, "IPAddressPool", "q", "", "spec: {addresses: [10.2.0.0/30]}");
	fixture_add_service(f, "s0", "Local", "");
	return f;
}

/* Which of the pools was seen first decides whose addresses are given. */
static struct api_strings some_names(struct rng *rng)
{
	static const char *const names[] = {"p", "q", "p"};
	const size_t at = rng_below(rng, 2);

	return (struct api_strings){.items = names + at, .n = rng_below(rng, 3)};
}

static void change_something(struct fixture *f, struct ipam_inputs *in,
			     struct plan_addresses *given, struct rng *rng)
{
	static const struct plan_address items[] = {
		{.ns = "default", .name = "s0", .pool = "p"},
		{.ns = "default", .name = "s1", .pool = "q"},
	};
	static struct plan_address had[ARRAY_SIZE(items)];
	static struct plan_local_addr own;
	char name[8];

	snprintf(name, sizeof(name), "s%u", (unsigned)rng_below(rng, 6));
	switch (rng_below(rng, 6)) {
	case 0:
		in->pools = some_names(rng);
		break;
	case 1:
		in->synced = !in->synced;
		break;
	case 2:
		own = (struct plan_local_addr){
			.addr = ip_addr_from_v4(0x0a010000 + (uint32_t)rng_below(rng, 4)),
			.len = 24,
			.ifindex = 1};
		f->node.addrs = &own;
		f->node.n_addrs = rng_below(rng, 2);
		break;
	case 3:
		memcpy(had, items, sizeof(had));
		had[0].addr = ip_addr_from_v4(0x0a010000 + (uint32_t)rng_below(rng, 4));
		had[1].addr = ip_addr_from_v4(0x0a020000 + (uint32_t)rng_below(rng, 4));
		given->items = had;
		given->n = rng_below(rng, ARRAY_SIZE(had) + 1);
		if (given->generation)
			given->generation++;
		break;
	case 4:
		fixture_add_service(f, name, "Local", "");
		break;
	default:
		fixture_drop(f, "Service", name);
		break;
	}
}

static void whatever_changes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		_cleanup_(fixture_freep) struct fixture *f = with_two_pools();
		struct plan_addresses given = {.generation = seed % 3}, got;
		struct ipam_inputs in = {.world = f->world,
					 .settings = &f->settings,
					 .node = &f->node,
					 .given = &given,
					 .synced = true};
		struct rng rng;

		rng_seed(&rng, seed);
		for (unsigned step = 0; step < N_STEPS; step++) {
			_cleanup_(arena_freep) struct arena *arena = arena_new();
			struct problems problems = {.arena = arena};

			change_something(f, &in, &given, &rng);
			ipam_recompute(f->ipam_cache, &in, &got, &problems);
			ipam_same(&in, &got, &problems);
		}
	}
}

/* A number that was given is of the same result, also after others. */
static void nothing_is_given_anew_while_nothing_changes(void **state)
{
	static const char *const names[] = {"p", "q"};
	_cleanup_(fixture_freep) struct fixture *f = with_two_pools();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems problems = {.arena = arena};
	struct plan_addresses given = {.generation = 1}, first, second;
	struct ipam_inputs in = {.world = f->world,
				 .settings = &f->settings,
				 .node = &f->node,
				 .given = &given,
				 .pools = {.items = names, .n = 2},
				 .synced = true};

	(void)state;
	ipam_recompute(f->ipam_cache, &in, &first, &problems);
	ipam_recompute(f->ipam_cache, &in, &second, &problems);
	assert_int_equal(first.generation, second.generation);
	assert_ptr_equal(first.items, second.items);
	fixture_add_slice(f, "s0", "10.244.0.5@node-a");
	ipam_recompute(f->ipam_cache, &in, &second, &problems);
	assert_int_equal(first.generation, second.generation);
	in.pools.n = 1;
	ipam_recompute(f->ipam_cache, &in, &second, &problems);
	assert_int_not_equal(first.generation, second.generation);
	given.generation = 0;
	ipam_recompute(f->ipam_cache, &in, &first, &problems);
	ipam_recompute(f->ipam_cache, &in, &second, &problems);
	assert_int_not_equal(first.generation, second.generation);
	ipam_cache_drop(f->ipam_cache);
	given.generation = 1;
	ipam_recompute(f->ipam_cache, &in, &first, &problems);
	ipam_cache_drop(f->ipam_cache);
	ipam_recompute(f->ipam_cache, &in, &second, &problems);
	assert_int_not_equal(first.generation, second.generation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_changes),
		cmocka_unit_test(nothing_is_given_anew_while_nothing_changes),
	};

	return cmocka_run_group_tests_name("ipam_cache", tests, NULL, NULL);
}

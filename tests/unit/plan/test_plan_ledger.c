// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A copied ledger stands by itself, and its hash moves with each field that outlives a restart, and
 * with nothing else.
 */
#include "plan/plan_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct plan_drain some_drain(void)
{
	struct plan_drain d = {.until = 5};

	d.frontend.addr = ip_addr_from_v4(0xc0a86401);
	d.frontend.port = 443;
	d.target.addr = ip_addr_from_v4(0x0a000001);
	d.target.port = 8443;
	return d;
}

static void copy_does_not_need_the_original(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_drain drain = some_drain();
	struct plan_leaving leaving = {.unheld_since = 3};
	struct plan_ledger l = {
		.drains = &drain, .n_drains = 1, .leaving = &leaving, .n_leaving = 1};

	(void)state;
	plan_ledger_copy(arena, &l);
	drain.until = leaving.unheld_since = 0;
	assert_int_equal(l.drains[0].until, 5);
	assert_int_equal(l.leaving[0].unheld_since, 3);
	l = (struct plan_ledger){0};
	plan_ledger_copy(arena, &l);
	assert_null(l.drains);
}

static void names_of_pools_are_copied_and_hashed_in_order(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char name[] = "prod";
	const char *const both[] = {name, "a"}, *const turned[] = {"a", name};
	struct plan_ledger l = {.pools = {.items = both, .n = 2}};
	const struct plan_ledger other = {.pools = {.items = turned, .n = 2}};

	(void)state;
	assert_true(plan_ledger_hash(&l) != plan_ledger_hash(&other));
	plan_ledger_copy(arena, &l);
	name[0] = 'x';
	assert_string_equal(l.pools.items[0], "prod");
	assert_string_equal(l.pools.items[1], "a");
}

static void hash_moves_with_what_is_kept(void **state)
{
	struct plan_drain drains[5];
	uint64_t hashes[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		drains[i] = some_drain();
	drains[1].frontend.port++;
	drains[2].target.port++;
	drains[3].target.addr = ip_addr_from_v4(0x0a000002);
	drains[4].until++;
	for (size_t i = 0; i < 5; i++) {
		const struct plan_ledger l = {.drains = &drains[i], .n_drains = 1};

		hashes[i] = plan_ledger_hash(&l);
		assert_int_equal(hashes[i], plan_ledger_hash(&l));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(hashes[i], hashes[k]);
	}
}

static void last_good_version_is_kept_with_all_it_has(void **state)
{
	static const uint32_t communities[] = {1, 2};
	static const struct large_community large[] = {{1, 2, 3}};
	static const char *const pools[] = {"a"};
	static const uint8_t password[] = {'x'};
	const struct plan_good whole = {
		.kind = API_BGP_PEER,
		.ns = "n",
		.name = "r",
		.hash = 9,
		.text = "t",
		.communities = communities,
		.n_communities = 2,
		.large = large,
		.n_large = 1,
		.pools = {{.items = pools, .n = 1}, {.items = pools, .n = 1}},
		.password = password,
		.password_len = 1,
	};
	struct plan_good g[11];
	uint64_t hashes[ARRAY_SIZE(g)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(g); i++)
		g[i] = whole;
	g[1].kind = API_BGP_ADVERTISEMENT;
	g[2].ns = "";
	g[3].name = "s";
	g[4].hash = 8;
	g[5].text = "u";
	g[6].n_communities = 1;
	g[7].n_large = 0;
	g[8].pools[IP_V4].n = 0;
	g[9].password_len = 0;
	g[10].pools[IP_V6].n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
		const struct plan_ledger l = {.good = &g[i], .n_good = 1};

		hashes[i] = plan_ledger_hash(&l);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(hashes[i], hashes[k]);
	}
}

static void copied_version_does_not_need_the_original(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new(), *first = arena_new();
	uint32_t *communities = arena_array_of(first, 1, uint32_t);
	const char **pools = arena_array_of(first, 1, const char *);
	struct plan_good good = {
		.ns = arena_strdup(first, "n"),
		.name = arena_strdup(first, "r"),
		.text = arena_strdup(first, "t"),
		.communities = communities,
		.n_communities = 1,
		.large = arena_array_of(first, 1, struct large_community),
		.n_large = 1,
		.pools = {{.items = pools, .n = 1}, {.items = pools, .n = 1}},
		.password = arena_memdup(first, "x", 1),
		.password_len = 1,
	};
	struct plan_ledger l = {.good = &good, .n_good = 1};
	uint64_t hash;

	(void)state;
	pools[0] = arena_strdup(first, "a");
	hash = plan_ledger_hash(&l);
	plan_ledger_copy(arena, &l);
	arena_reset(first);
	(void)arena_alloc(first, 1, 4096);
	good = (struct plan_good){0};
	assert_int_equal(plan_ledger_hash(&l), hash);
}

static void router_id_is_kept(void **state)
{
	const struct plan_ledger without = {0}, one = {.router_id = 1}, two = {.router_id = 2};

	(void)state;
	assert_int_not_equal(plan_ledger_hash(&without), plan_ledger_hash(&one));
	assert_int_not_equal(plan_ledger_hash(&one), plan_ledger_hash(&two));
}

static void what_leaves_is_not_kept(void **state)
{
	const struct plan_leaving leaving = {.unheld_since = 3};
	const struct plan_ledger without = {0}, with = {.leaving = &leaving, .n_leaving = 1};

	(void)state;
	assert_int_equal(plan_ledger_hash(&with), plan_ledger_hash(&without));
}

/* Drains may come and go, and end sooner than on disk; what ends later there is cut short here. */
static void only_what_costs_nothing_may_wait(void **state)
{
	struct plan_drain saved[] = {some_drain(), some_drain(), some_drain()};
	struct plan_drain drains[ARRAY_SIZE(saved)];
	struct plan_ledger disk = {.drains = saved, .n_drains = ARRAY_SIZE(saved)};
	struct plan_ledger l = disk;
	const char *const pools[] = {"a"};
	const struct plan_good good = {.ns = "", .name = "", .text = ""};

	(void)state;
	saved[1].target.port++;
	saved[2].frontend.port++;
	l.drains = drains;
	assert_true(plan_ledger_may_wait(&disk, &disk));
	for (size_t i = 0; i < ARRAY_SIZE(saved); i++) {
		memcpy(drains, saved, sizeof(drains));
		drains[i].until--;
		assert_true(plan_ledger_may_wait(&disk, &l));
		drains[i].until += 2;
		assert_false(plan_ledger_may_wait(&disk, &l));
		/* On the disk are others only, or this one alone. */
		disk = (struct plan_ledger){.drains = saved, .n_drains = i};
		assert_true(plan_ledger_may_wait(&disk, &l));
		disk = (struct plan_ledger){.drains = &saved[i], .n_drains = 1};
		assert_false(plan_ledger_may_wait(&disk, &l));
		disk = (struct plan_ledger){.drains = saved, .n_drains = ARRAY_SIZE(saved)};
	}
	assert_true(plan_ledger_may_wait(&disk, &(struct plan_ledger){0}));
	assert_true(plan_ledger_may_wait(&(struct plan_ledger){0}, &disk));
	assert_false(plan_ledger_may_wait(&(struct plan_ledger){0},
					  &(struct plan_ledger){.router_id = 1}));
	assert_false(
		plan_ledger_may_wait(&(struct plan_ledger){0},
				     &(struct plan_ledger){.pools = {.items = pools, .n = 1}}));
	assert_false(plan_ledger_may_wait(&(struct plan_ledger){.good = &good, .n_good = 1},
					  &(struct plan_ledger){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_does_not_need_the_original),
		cmocka_unit_test(names_of_pools_are_copied_and_hashed_in_order),
		cmocka_unit_test(hash_moves_with_what_is_kept),
		cmocka_unit_test(last_good_version_is_kept_with_all_it_has),
		cmocka_unit_test(copied_version_does_not_need_the_original),
		cmocka_unit_test(router_id_is_kept),
		cmocka_unit_test(what_leaves_is_not_kept),
		cmocka_unit_test(only_what_costs_nothing_may_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

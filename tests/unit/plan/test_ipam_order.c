// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which pool is older, and what is remembered of it.
 */
#include "fake/plan_fixture.h"

#include "base/rng.h"
#include "plan/ipam_order.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_RANDOM 300

static struct api_strings words(struct arena *arena, const char *text)
{
	const char **items = arena_array_of(arena, strlen(text) + 1, const char *);
	size_t n = 0;

	while (*text) {
		const size_t len = strcspn(text, " ");

		items[n++] = arena_strndup(arena, text, len);
		text += len + (text[len] == ' ');
	}
	return (struct api_strings){.items = items, .n = n};
}

static const char *joined(struct arena *arena, const struct api_strings *list)
{
	const char *ret = "";

	for (size_t i = 0; i < list->n; i++)
		ret = arena_printf(arena, "%s%s%s", ret, i ? " " : "", list->items[i]);
	return ret;
}

/* "b@3": created on the third; "b": no timestamp. */
static void add_pool(struct fixture *f, const char *text)
{
	struct arena *arena = arena_new();
	const char *at = strchr(text, '@');
	const char *name = at ? arena_strndup(arena, text, (size_t)(at - text)) : text;

	fixture_object(
		f, "IPAddressPool", name,
		at ? arena_printf(arena, "creationTimestamp: \"2024-01-0%sT00:00:00Z\"", at + 1)
		   : "",
		"spec: {addresses: [10.1.0.0/24]}");
	arena_free(arena);
}

static struct api_strings order(const struct fixture *f, const struct api_strings *seen,
				bool complete, struct arena *arena, struct object_list *ret)
{
	const struct object_list pools =
		plan_objects(f->world, &f->settings, API_IP_ADDRESS_POOL, arena, NULL);
	struct api_strings remembered;

	ipam_order(&pools, seen, complete, arena, ret, &remembered);
	return remembered;
}

static void oldest_first(void **state)
{
	static const struct {
		const char *pools, *seen;
		bool is_incomplete;
		const char *remembered;
	} cases[] = {
		{"b a c", "", false, "a b c"},
		{"b@3 a c@2", "", false, "a c b"},
		/* What was there first is older, whatever its name. */
		{"a b", "b", false, "b a"},
		{"a b c d", "c b", false, "c b a d"},
		/* A newcomer without a timestamp is no older than one with. */
		{"a b@5", "b", false, "b a"},
		/* Of two timestamps the earlier is older, whoever was seen first. */
		{"a@1 b@5", "b", false, "a b"},
		{"a@5 b@1", "b", false, "b a"},
		{"a@3 b@2 c@9 d", "d c", false, "d b a c"},
		{"a@3 x b@5", "b x", false, "a b x"},
		{"a@3 b@3", "b", false, "b a"},
		/* Made anew under its name, it is a new one. */
		{"a@7 b@5", "a b", false, "b a"},
		/* What is gone is forgotten, unless it may only be hidden. */
		{"a b", "x b y a", false, "b a"},
		{"a b", "x b y a", true, "x b y a"},
		{"a@2 b@4", "b x", true, "a b x"},
		{"", "x", true, "x"},
		{"", "x", false, ""},
		{"a", "a a", false, "a"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct api_strings pools = words(arena, cases[i].pools);
		struct api_strings seen = words(arena, cases[i].seen);
		struct object_list list;

		for (size_t k = 0; k < pools.n; k++)
			add_pool(f, pools.items[k]);
		seen = order(f, &seen, !cases[i].is_incomplete, arena, &list);
		assert_string_equal(joined(arena, &seen), cases[i].remembered);
		assert_int_equal(list.n, pools.n);
	}
}

/* Remembering changes nothing; timestamps are in order; those without are by first sight. */
static void order_is_total_and_idempotent(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct rng rng;

	(void)state;
	rng_seed(&rng, 17);
	for (size_t i = 0; i < N_RANDOM; i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		struct api_strings seen = {0}, again;
		struct object_list list, same;

		for (size_t k = 0; k < 8; k++) {
			const char name = (char)('a' + rng_below(&rng, 8));

			add_pool(f, rng_below(&rng, 2)
					    ? arena_printf(arena, "%c", name)
					    : arena_printf(arena, "%c@%u", name,
							   1 + (unsigned)rng_below(&rng, 9)));
			seen = order(f, &seen, true, arena, &list);
			seen = words(arena, joined(arena, &seen)); /* of its own */
			again = order(f, &seen, true, arena, &same);
			assert_string_equal(joined(arena, &seen), joined(arena, &again));
			assert_memory_equal(list.items, same.items, list.n * sizeof(*list.items));
		}
		for (size_t k = 0, last = 0; k < list.n; k++) {
			const int64_t at = list.items[k]->meta.created_s;

			assert_true(at == 0 || (size_t)at >= last);
			last = at ? (size_t)at : last;
		}
	}
}

static void pool_that_was_seen_first_keeps_the_say(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	f->remembers = true;
	add_pool(f, "prod");
	fixture_add_service(f, "s", "Cluster", "");
	fixture_plan(f);
	add_pool(f, "overlap");
	fixture_add_service(f, "t", "Cluster", "");
	fixture_plan(f);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(f->addresses.items[i].pool, "prod");
	assert_non_null(fixture_problem(f, "OverlapsWith", "overlap"));
	assert_null(fixture_problem(f, "OverlapsWith", "prod"));
	/* Before the first complete picture nothing is forgotten. */
	f->synced = false;
	fixture_drop(f, "IPAddressPool", "prod");
	fixture_plan(f);
	f->synced = true;
	add_pool(f, "prod");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "OverlapsWith", "overlap"));
}

/* Also where a newcomer is older by its timestamp: it has the say about all else. */
static void address_stays_with_the_pool_that_gave_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	add_pool(f, "prod@5");
	add_pool(f, "early@1");
	fixture_object(f, "Service", "s", "annotations: {metallb.io/ip-allocated-from-pool: prod}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}\n"
		       "status: {loadBalancer: {ingress: [{ip: 10.1.0.7}]}}");
	fixture_object(f, "Service", "t", "annotations: {metallb.io/ip-allocated-from-pool: gone}",
		       "spec: {type: LoadBalancer, ports: [{port: 80}]}\n"
		       "status: {loadBalancer: {ingress: [{ip: 10.1.0.8}]}}");
	fixture_plan(f);
	assert_string_equal(f->addresses.items[0].pool, "prod");
	assert_string_equal(f->addresses.items[1].pool, "early");
	fixture_object(f, "IPAddressPool", "prod", "creationTimestamp: \"2024-01-05T00:00:00Z\"",
		       "spec: {addresses: [10.1.0.8/32]}");
	fixture_plan(f);
	assert_string_equal(f->addresses.items[0].pool, "early");
	assert_int_equal(ip_addr_v4(&f->addresses.items[0].addr), 0x0a010007);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_first),
		cmocka_unit_test(order_is_total_and_idempotent),
		cmocka_unit_test(pool_that_was_seen_first_keeps_the_say),
		cmocka_unit_test(address_stays_with_the_pool_that_gave_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* plan/plan_zones.h: whose address belongs where, and what is cut out of sorted arrays. */
#include "plan/plan_zones.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_ITEMS 60

struct item {
	char before[3]; /* so that addresses are anywhere */
	struct ip_addr addr;
	unsigned number;
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static void add(struct plan_zones *z, const char *text)
{
	const struct ip_addr a = addr(text);

	plan_zones_add(z, &a);
}

static struct plan_zones zones(struct arena *arena, uint8_t v4, uint8_t v6)
{
	struct api_advertisement specs[] = {{.aggregation = {32, 128}}, {.aggregation = {v4, v6}}};
	const struct env_advert adverts[] = {{.spec = &specs[1]}, {.spec = &specs[0]}};
	struct plan_env env = {.adverts = adverts, .n_adverts = 2};
	struct plan_zones ret;

	plan_zones_init(&ret, &env, arena);
	return ret;
}

static void the_shortest_length_makes_them(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_env none = {0};
	struct plan_zones z = zones(arena, 24, 64);
	struct ip_prefix p;
	char text[IP_PREFIX_TEXT];

	(void)state;
	add(&z, "2001:db8::1:2");
	add(&z, "10.0.1.7");
	add(&z, "10.0.0.1");
	add(&z, "10.0.1.9");
	plan_zones_seal(&z);
	assert_int_equal(z.n, 3);
	assert_string_equal(ip_prefix_text(&z.items[0], text), "10.0.0.0/24");
	assert_string_equal(ip_prefix_text(&z.items[1], text), "10.0.1.0/24");
	assert_string_equal(ip_prefix_text(&z.items[2], text), "2001:db8::/64");
	assert_true(ip_prefix_parse("10.0.0.0/23", &p));
	assert_true(plan_zones_exceeds(&z, &p));
	assert_true(ip_prefix_parse("10.0.0.0/24", &p));
	assert_false(plan_zones_exceeds(&z, &p));
	assert_true(ip_prefix_parse("2001:db8::/63", &p));
	assert_true(plan_zones_exceeds(&z, &p));
	assert_true(ip_prefix_parse("2001:db8::/64", &p));
	assert_false(plan_zones_exceeds(&z, &p));

	plan_zones_init(&z, &none, arena);
	assert_int_equal(z.len[IP_V4], 32);
	assert_int_equal(z.len[IP_V6], 128);
	assert_int_equal(z.n, 0);
}

static int cmp_item(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return ip_addr_cmp(&x->addr, &y->addr);
}

/* In small groups, so that some zones have several and some none. */
static struct ip_addr some_addr(struct rng *rng)
{
	char text[IP_ADDR_TEXT];

	snprintf(text, sizeof(text), rng_below(rng, 3) ? "10.0.%u.%u" : "2001:db8:0:%x::%x",
		 (unsigned)rng_below(rng, 6), (unsigned)rng_below(rng, 4));
	return addr(text);
}

static bool is_in(const struct plan_zones *z, const struct ip_addr *a)
{
	for (size_t i = 0; i < z->n; i++)
		if (ip_prefix_has(&z->items[i], a))
			return true;
	return false;
}

static void what_is_cut_is_what_lies_in_them(void **state)
{
	static const uint8_t lens[][IP_N_FAMILIES] = {{32, 128}, {24, 64}, {16, 48}, {0, 0}};

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const uint8_t *len = lens[seed % ARRAY_SIZE(lens)];
		struct plan_zones z = zones(arena, len[IP_V4], len[IP_V6]);
		struct item items[N_ITEMS];
		struct rng rng;
		const size_t n = (rng_seed(&rng, seed), rng_below(&rng, N_ITEMS));
		const struct plan_addressed all = PLAN_ADDRESSED(items, n, addr);
		const struct item *cut;
		size_t n_cut, at = 0;

		for (size_t i = 0; i < n; i++)
			items[i] = (struct item){.addr = some_addr(&rng), .number = (unsigned)i};
		if (n)
			qsort(items, n, sizeof(*items), cmp_item);
		for (size_t i = rng_below(&rng, 6); i > 0; i--) {
			const struct ip_addr a = some_addr(&rng);

			plan_zones_add(&z, &a);
		}
		plan_zones_seal(&z);
		cut = plan_zones_cut(&z, &all, &n_cut);
		for (size_t i = 0; i < n; i++)
			if (is_in(&z, &items[i].addr))
				assert_int_equal(cut[at++].number, items[i].number);
		assert_int_equal(at, n_cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_length_makes_them),
		cmocka_unit_test(what_is_cut_is_what_lies_in_them),
	};

	return cmocka_run_group_tests_name("plan_zones", tests, NULL, NULL);
}

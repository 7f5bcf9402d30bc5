// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Denied sources against a naive list: a map of prefixes that holds what the steps put there, and a
 * reader that asks it only where the bits say so. Whatever is denied before and after a change is
 * denied after each step of it.
 */
#include "fixture.h"

#include "base/prefixes.h"
#include "lb/lb_deny.h"

#define N_MAP   400
#define N_LISTS 4
#define N_LIST  60

struct deny {
	uint64_t words[LB_UPLINKS], bits[LB_DENY_WORDS];
	struct lb_uplinks uplinks;
	struct lb_deny *d;
	struct ip_prefix map[N_MAP]; /* a set */
	size_t n, room;
	struct rng rng;
};

static struct deny *deny_new(uint64_t seed)
{
	struct deny *x = xcalloc(1, sizeof(*x));

	x->uplinks.words = x->words;
	x->d = lb_deny_new(x->bits, &x->uplinks);
	x->room = N_MAP;
	rng_seed(&x->rng, seed);
	return x;
}

static void deny_free(struct deny *x)
{
	lb_deny_free(x->d);
	free(x);
}

static bool has(const struct ip_prefix *set, size_t n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_has(&set[i], a))
			return true;
	return false;
}

/* The program's way, written down once more from bpf/abi.h. */
static bool is_denied(const struct deny *x, const struct ip_addr *a)
{
	__u16 at[8];
	__u32 bit;

	memcpy(at, a->b, sizeof(at));
	if (!(x->words[lb_uplink_hash(7)] >> 63))
		return false;
	bit = ip_addr_is_v4(a) ? lb_deny_bit_v4(at[6]) : lb_deny_bit_v6(at[0], at[1]);
	assert_true(bit < 64 * LB_DENY_WORDS);
	return x->bits[bit / 64] >> bit % 64 & 1 && has(x->map, x->n, a);
}

/* Addresses that have much in common, of either family. */
static struct ip_addr random_addr(struct deny *x)
{
	struct ip_addr a = {.b = {0x20, (uint8_t)rng_below(&x->rng, 2)}};

	if (rng_below(&x->rng, 2))
		return ip_addr_from_v4((uint32_t)(rng_below(&x->rng, 3) << 30 |
						  rng_below(&x->rng, 4) << 15 |
						  rng_below(&x->rng, 3)));
	a.b[2] = (uint8_t)(rng_below(&x->rng, 3) << 4);
	a.b[3] = (uint8_t)rng_below(&x->rng, 2);
	a.b[4] = (uint8_t)(rng_below(&x->rng, 2) << 7);
	a.b[15] = (uint8_t)rng_below(&x->rng, 2);
	return a;
}

static struct ip_prefix random_prefix(struct deny *x)
{
	static const uint8_t few[] = {0, 1, 15, 19, 20, 21, 31, 32, 33, 128};
	const struct ip_addr a = random_addr(x);
	uint8_t len = few[rng_below(&x->rng, ARRAY_SIZE(few))];

	if (rng_below(&x->rng, 4)) /* mostly long ones, else all is denied always */
		len = ip_addr_is_v4(&a) ? (uint8_t)(14 + rng_below(&x->rng, 19))
					: (uint8_t)(24 + rng_below(&x->rng, 105));
	return ip_prefix_of(&a, len);
}

static void do_step(struct deny *x, const struct lb_deny_step *s, size_t n)
{
	struct ip_prefix all[N_MAP];

	assert_true(n == 0 || s->n > 0);
	x->n = s->is_put ? prefixes_union(x->map, x->n, s->items, n, all)
			 : prefixes_minus(x->map, x->n, s->items, n, all);
	assert_true(x->n <= x->room);
	memcpy(x->map, all, x->n * sizeof(*all));
	lb_deny_done(x->d, s, n);
	assert_int_equal(lb_deny_count(x->d), x->n);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct lists {
	struct ip_prefix items[N_LISTS][N_LIST];
	struct lb_denied all[N_LISTS];
	size_t n;
	struct ip_prefix set[N_LISTS * N_LIST]; /* of all of them */
	size_t n_set;
};

static void make_lists(struct deny *x, struct lists *l, uint64_t name)
{
	l->n = rng_below(&x->rng, N_LISTS + 1);
	l->n_set = 0;
	for (size_t i = 0; i < l->n; i++) {
		size_t n = 1 + rng_below(&x->rng, N_LIST);

		for (size_t k = 0; k < n; k++)
			l->items[i][k] = random_prefix(x);
		n = prefixes_make(l->items[i], n);
		memcpy(l->set + l->n_set, l->items[i], n * sizeof(l->set[0]));
		l->n_set += n;
		l->all[i] = (struct lb_denied){name * 8 + i + 1, l->items[i], n};
	}
	l->n_set = prefixes_make(l->set, l->n_set);
}

static void expect_whole(struct deny *x, const struct ip_prefix *set, size_t n)
{
	assert_int_equal(x->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ip_prefix_cmp(&x->map[i], &set[i]), 0);
	for (int i = 0; i < 200; i++) {
		const struct ip_addr a = random_addr(x);

		assert_int_equal(is_denied(x, &a), has(set, n, &a));
	}
	assert_int_equal(x->words[0] >> 63, n > 0);
}

/* Bits that nothing needs any more are gone: those of a fresh one with the same map are the same.
 */
static void expect_no_more_bits_than_needed(const struct deny *x)
{
	struct deny *fresh = deny_new(1);
	struct ip_prefix all[N_MAP];

	memcpy(all, x->map, x->n * sizeof(*all));
	lb_deny_adopt(fresh->d, all, x->n);
	assert_memory_equal(fresh->bits, x->bits, sizeof(x->bits));
	deny_free(fresh);
}

/* --- properties ------------------------------------------------------------------------------- */

/* Changes, some of which are given up for the next in their midst, and steps half done. */
static void the_map_becomes_what_is_wanted_and_holds_what_stays(void **state)
{
	struct deny *x = deny_new(11);
	static struct lists old, new;

	(void)state;
	for (uint64_t round = 1; round <= 400; round++) {
		const bool keep = rng_below(&x->rng, 8) == 0;
		const bool whole = rng_below(&x->rng, 3) > 0;
		struct ip_prefix before[N_MAP], want[N_MAP];
		const size_t n_before = x->n;
		size_t n_want;
		struct lb_deny_step s;

		if (keep && x->n > N_MAP / 4)
			continue;
		memcpy(before, x->map, x->n * sizeof(*before));
		make_lists(x, &new, round);
		lb_deny_want(x->d, new.all, new.n, keep);
		n_want = keep ? prefixes_union(new.set, new.n_set, before, n_before, want)
			      : prefixes_union(new.set, new.n_set, NULL, 0, want);
		assert_int_equal(lb_deny_wanted(x->d), n_want);
		while ((whole || rng_below(&x->rng, 6)) &&
		       lb_deny_next(x->d, 1 + rng_below(&x->rng, 30), &s)) {
			do_step(x, &s, rng_below(&x->rng, s.n + 1));
			for (int i = 0; i < 20; i++) {
				const struct ip_addr a = random_addr(x);

				if (has(before, n_before, &a) && has(want, n_want, &a))
					assert_true(is_denied(x, &a));
				if (!has(before, n_before, &a) && !has(want, n_want, &a))
					assert_false(is_denied(x, &a));
			}
		}
		if (whole) {
			expect_whole(x, want, n_want);
			expect_no_more_bits_than_needed(x);
		}
		old = new;
	}
	lb_deny_want(x->d, old.all, old.n, false);
	deny_free(x);
}

/* Also what another process left unfinished, and bits that nobody needs. */
static void what_the_map_holds_is_taken_over(void **state)
{
	struct deny *x = deny_new(12), *next;
	static struct lists l;
	struct lb_deny_step s;

	(void)state;
	for (uint64_t round = 1; round <= 50; round++) {
		make_lists(x, &l, round);
		lb_deny_want(x->d, l.all, l.n, false);
		while (rng_below(&x->rng, 8) && lb_deny_next(x->d, 10, &s))
			do_step(x, &s, s.n);
		next = deny_new(round);
		memcpy(next->map, x->map, sizeof(x->map));
		next->n = x->n;
		memcpy(next->words, x->words, sizeof(x->words));
		memset(next->bits, 0xa5, sizeof(next->bits));
		lb_deny_adopt(next->d, x->map, x->n);
		expect_whole(next, next->map, next->n);
		expect_no_more_bits_than_needed(next);
		lb_deny_want(next->d, l.all, l.n, false);
		while (lb_deny_next(next->d, 10, &s))
			do_step(next, &s, s.n);
		expect_whole(next, l.set, l.n_set);
		deny_free(x);
		x = next;
	}
	deny_free(x);
}

static struct lb_denied list_of(struct ip_prefix *items, size_t n, uint64_t name)
{
	return (struct lb_denied){.name = name, .sources = items, .n = prefixes_make(items, n)};
}

static size_t count_steps(struct deny *x, struct lb_deny_step *ret)
{
	size_t n = 0;

	while (lb_deny_next(x->d, 1000, ret)) {
		do_step(x, ret, ret->n);
		n += ret->n;
	}
	return n;
}

/* Nothing again where the lists have the same names; one step where one prefix changes. */
static void a_change_of_one_prefix_is_one_step(void **state)
{
	struct deny *x = deny_new(13);
	struct ip_prefix items[101];
	struct lb_deny_step s;
	struct lb_denied list;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		const struct ip_addr a = ip_addr_from_v4(0x0a000000 + i * 65536);

		items[i] = ip_prefix_of(&a, 24);
	}
	list = list_of(items, 100, 1);
	lb_deny_want(x->d, &list, 1, false);
	assert_int_equal(count_steps(x, &s), 100);
	list.n = 0; /* a lie, which nobody looks at */
	lb_deny_want(x->d, &list, 1, false);
	assert_int_equal(count_steps(x, &s), 0);
	items[100] = items[99];
	items[100].addr.b[12]++;
	list = list_of(items, 101, 2);
	lb_deny_want(x->d, &list, 1, false);
	assert_int_equal(count_steps(x, &s), 1);
	assert_true(s.is_put);
	list = list_of(items, 100, 3);
	lb_deny_want(x->d, &list, 1, false);
	assert_int_equal(count_steps(x, &s), 1);
	assert_false(s.is_put);
	lb_deny_want(x->d, NULL, 0, true);
	assert_int_equal(count_steps(x, &s), 0);
	lb_deny_want(x->d, NULL, 0, false);
	assert_int_equal(count_steps(x, &s), 100);
	expect_whole(x, NULL, 0);
	deny_free(x);
}

/* What goes makes room for what comes; what comes at last finds none. */
static void a_full_map_is_emptied_first(void **state)
{
	struct deny *x = deny_new(14);
	struct ip_prefix items[30];
	struct lb_deny_step s;
	struct lb_denied list;

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		const struct ip_addr a = ip_addr_from_v4(0x0a000000 + i * 65536);

		items[i] = ip_prefix_of(&a, 24);
	}
	list = list_of(items, 10, 1);
	lb_deny_want(x->d, &list, 1, false);
	(void)count_steps(x, &s);
	assert_false(lb_deny_make_room(x->d));
	list = list_of(items + 10, 20, 2);
	lb_deny_want(x->d, &list, 1, false);
	assert_true(lb_deny_next(x->d, 1000, &s));
	assert_true(s.is_put);
	do_step(x, &s, 3);
	assert_true(lb_deny_make_room(x->d));
	assert_true(lb_deny_next(x->d, 1000, &s));
	assert_false(s.is_put);
	assert_int_equal(s.n, 10);
	do_step(x, &s, 10);
	assert_false(lb_deny_make_room(x->d));
	assert_int_equal(count_steps(x, &s), 17);
	expect_whole(x, items + 10, 20);
	expect_no_more_bits_than_needed(x);
	deny_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_becomes_what_is_wanted_and_holds_what_stays),
		cmocka_unit_test(what_the_map_holds_is_taken_over),
		cmocka_unit_test(a_change_of_one_prefix_is_one_step),
		cmocka_unit_test(a_full_map_is_emptied_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

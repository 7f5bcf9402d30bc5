// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets of prefixes against a naive one: membership asked of each of a few prefixes that are often
 * equal.
 */
#include "base/prefixes.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define N_MAX 40

static struct ip_prefix random_prefix(struct rng *rng)
{
	struct ip_addr a = ip_addr_from_v4((uint32_t)rng_below(rng, 4) << 30);
	struct ip_addr six = {.b = {0x20, (uint8_t)rng_below(rng, 3)}};

	if (rng_below(rng, 2))
		return ip_prefix_of(&six, (uint8_t)rng_below(rng, 17));
	return ip_prefix_of(&a, (uint8_t)rng_below(rng, 4));
}

static size_t random_set(struct rng *rng, struct ip_prefix *ret)
{
	const size_t n = rng_below(rng, N_MAX + 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = random_prefix(rng);
	return prefixes_make(ret, n);
}

static bool has(const struct ip_prefix *set, size_t n, const struct ip_prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (ip_addr_equal(&set[i].addr, &p->addr) && set[i].len == p->len)
			return true;
	return false;
}

static void expect_a_set(const struct ip_prefix *set, size_t n)
{
	for (size_t i = 1; i < n; i++)
		assert_true(ip_prefix_cmp(&set[i - 1], &set[i]) < 0);
}

static void a_set_has_each_of_its_makers_once(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (int round = 0; round < 2000; round++) {
		struct ip_prefix made[N_MAX], from[N_MAX];
		const size_t n_from = rng_below(&rng, N_MAX + 1);
		size_t n;

		for (size_t i = 0; i < n_from; i++)
			made[i] = from[i] = random_prefix(&rng);
		n = prefixes_make(made, n_from);
		expect_a_set(made, n);
		for (size_t i = 0; i < n_from; i++)
			assert_true(has(made, n, &from[i]));
		for (size_t i = 0; i < n; i++)
			assert_true(has(from, n_from, &made[i]));
		assert_int_equal(prefixes_make(made, n), n);
	}
}

static void union_and_difference_are_those_of_their_members(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 8);
	for (int round = 0; round < 2000; round++) {
		struct ip_prefix a[N_MAX], b[N_MAX], both[2 * N_MAX], rest[N_MAX];
		const size_t n_a = random_set(&rng, a), n_b = random_set(&rng, b);
		const size_t n_both = prefixes_union(a, n_a, b, n_b, both);
		const size_t n_rest = prefixes_minus(a, n_a, b, n_b, rest);

		expect_a_set(both, n_both);
		expect_a_set(rest, n_rest);
		for (size_t i = 0; i < n_a; i++) {
			assert_true(has(both, n_both, &a[i]));
			assert_int_equal(has(rest, n_rest, &a[i]), !has(b, n_b, &a[i]));
		}
		for (size_t i = 0; i < n_b; i++)
			assert_true(has(both, n_both, &b[i]));
		for (size_t i = 0; i < n_both; i++)
			assert_true(has(a, n_a, &both[i]) || has(b, n_b, &both[i]));
		for (size_t i = 0; i < n_rest; i++)
			assert_true(has(a, n_a, &rest[i]));
	}
}

/* The sanitizers say whether it is freed by the last one, and not before. */
static void a_list_stays_until_the_last_lets_go_of_it(void **state)
{
	struct prefix_list *list = prefix_list_new(2), *other = prefix_list_new(2);
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	for (size_t i = 0; i < list->n; i++)
		list->items[i] = other->items[i] = random_prefix(&rng);
	assert_ptr_equal(prefix_list_ref(list), list);
	assert_null(prefix_list_unref(list));
	assert_true(prefix_list_equal(list, other));
	other->items[1].len++;
	assert_false(prefix_list_equal(list, other));
	assert_false(prefix_list_equal(list, NULL));
	assert_null(prefix_list_unref(other));
	assert_null(prefix_list_unref(list));
	other = prefix_list_new(0);
	assert_true(prefix_list_equal(other, NULL) && prefix_list_equal(NULL, other));
	assert_int_equal(prefix_list_n(NULL) + prefix_list_n(other), 0);
	assert_null(prefix_list_unref(other));
	assert_null(prefix_list_ref(NULL));
	assert_null(prefix_list_unref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_each_of_its_makers_once),
		cmocka_unit_test(a_list_stays_until_the_last_lets_go_of_it),
		cmocka_unit_test(union_and_difference_are_those_of_their_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

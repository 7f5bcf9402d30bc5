// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/sorted: the merge-diff against a naive model. Keys are 0..63, so desired and actual state
 * are two arrays indexed by key, and the expected steps can be read off without merging anything.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "base/sorted.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define KEYS 64

struct wanted {
	unsigned key, value;
};

/* Of another size than struct wanted, as a sink's own record may be. */
struct present {
	unsigned long flags;
	unsigned key, value;
};

static int cmp(const void *want, const void *have)
{
	const struct wanted *w = want;
	const struct present *h = have;

	return w->key < h->key ? -1 : w->key > h->key;
}

static bool same(const void *want, const void *have)
{
	const struct wanted *w = want;
	const struct present *h = have;

	return w->value == h->value;
}

/* One random pair of sides; value 0 means that the key is absent. */
struct model {
	unsigned want[KEYS], have[KEYS];
	struct wanted want_items[KEYS];
	struct present have_items[KEYS];
	size_t n_want, n_have;
};

static void make_model(struct model *m, struct rng *rng)
{
	unsigned values = (unsigned)rng_below(rng, 4) + 1;

	*m = (struct model){0};
	for (unsigned k = 0; k < KEYS; k++) {
		m->want[k] = (unsigned)rng_below(rng, values);
		m->have[k] = (unsigned)rng_below(rng, values);
		if (m->want[k])
			m->want_items[m->n_want++] = (struct wanted){k, m->want[k]};
		if (m->have[k])
			m->have_items[m->n_have++] = (struct present){1, k, m->have[k]};
	}
}

static struct diff start(const struct model *m)
{
	return (struct diff){
		.want = {m->want_items, m->n_want, sizeof(struct wanted)},
		.have = {m->have_items, m->n_have, sizeof(struct present)},
		.cmp = cmp,
		.same = same,
	};
}

static void check_step(const struct model *m, const struct diff_step *step, unsigned key)
{
	const struct wanted *want = step->want;
	const struct present *have = step->have;
	enum diff_op expected = !m->have[key] ? DIFF_ADD : m->want[key] ? DIFF_CHANGE : DIFF_DELETE;

	assert_int_equal(step->op, expected);
	if (step->op == DIFF_DELETE)
		assert_null(want);
	else
		assert_int_equal(want->key, key);
	if (step->op == DIFF_ADD)
		assert_null(have);
	else
		assert_int_equal(have->key, key);
}

static void steps_are_those_of_the_naive_model_in_key_order(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (int round = 0; round < 5000; round++) {
		struct diff_step step;
		struct model m;
		struct diff d;

		make_model(&m, &rng);
		d = start(&m);
		for (unsigned k = 0; k < KEYS; k++) {
			if (m.want[k] == m.have[k])
				continue;
			assert_true(diff_next(&d, &step));
			check_step(&m, &step, k);
		}
		assert_false(diff_next(&d, &step));
		assert_false(diff_next(&d, &step));
	}
}

static void equal_and_empty_sides_have_no_steps(void **state)
{
	struct wanted want[] = {{1, 1}, {2, 2}};
	struct present have[] = {{9, 1, 1}, {8, 2, 2}};
	struct diff empty = {.cmp = cmp, .same = same};
	struct diff equal = {{want, 2, sizeof(*want)}, {have, 2, sizeof(*have)}, cmp, same, 0, 0};
	struct diff_step step;

	(void)state;
	assert_false(diff_next(&empty, &step));
	assert_false(diff_next(&equal, &step));
}

static int cmp_unsigned(const void *key, const void *item)
{
	unsigned k = *(const unsigned *)key, v = *(const unsigned *)item;

	return k < v ? -1 : k > v;
}

static void find_returns_the_element_or_null(void **state)
{
	static const unsigned items[] = {2, 4, 6, 8};

	(void)state;
	for (unsigned key = 0; key < 10; key++) {
		const unsigned *found =
			sorted_find(&key, items, ARRAY_SIZE(items), sizeof(*items), cmp_unsigned);

		if (key % 2 == 0 && key >= 2)
			assert_ptr_equal(found, &items[key / 2 - 1]);
		else
			assert_null(found);
		assert_null(sorted_find(&key, NULL, 0, sizeof(*items), cmp_unsigned));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_those_of_the_naive_model_in_key_order),
		cmocka_unit_test(equal_and_empty_sides_have_no_steps),
		cmocka_unit_test(find_returns_the_element_or_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

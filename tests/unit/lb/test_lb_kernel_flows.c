// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the table of the kernel's flows follows what conntrack tells, held against a naive model over
 * random readings, some of which pass over flows.
 */
#include "lb/lb_kernel_flows.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 12u

static struct lb_kernel_flow key(uint32_t i)
{
	/* Not in the order of i. */
	return (struct lb_kernel_flow){.client = {0, 0, 0, i * 5 % KEYS},
				       .port = (__be16)(i % 3),
				       .proto = (__u8)(6 + i % 2)};
}

static uint32_t number_of(const struct lb_kernel_flow *k)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		struct lb_kernel_flow other = key(i);

		if (lb_kernel_flow_cmp(k, &other) == 0)
			return i;
	}
	fail_msg("a key that nobody made");
	return 0;
}

static uint32_t set_of(const struct lb_kernel_keys *keys)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < keys->n; i++) {
		assert_false(ret & 1u << number_of(&keys->items[i]));
		assert_true(i == 0 || lb_kernel_flow_cmp(&keys->items[i - 1], &keys->items[i]) < 0);
		ret |= 1u << number_of(&keys->items[i]);
	}
	return ret;
}

struct model {
	uint32_t have, missed; /* a bit a key */
};

/* What is seen, a bit a key; a key may be seen both living and ended. */
struct seen {
	uint32_t living, ended, enter;
};

static void check_change(struct model *m, const struct seen *s, struct rng *rng)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct lb_kernel_flow have_items[KEYS], missed_items[KEYS];
	struct lb_kernel_keys have = {.items = have_items}, missed = {.items = missed_items};
	struct lb_kernel_seen seen[2 * KEYS];
	const uint32_t unseen = m->have & ~(s->living | s->ended);
	const uint32_t del = (m->have & s->ended & ~s->living) | (unseen & m->missed);
	const uint32_t add = s->living & s->enter & ~m->have;
	struct lb_kernel_change c;
	size_t n = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		if (m->have >> i & 1)
			have.items[have.n++] = key(i);
		if (s->living >> i & 1)
			seen[n++] = (struct lb_kernel_seen){key(i), true, s->enter >> i & 1};
		if (s->ended >> i & 1)
			seen[n++] = (struct lb_kernel_seen){key(i), false, s->enter >> i & 1};
	}
	for (size_t i = n; i > 1; i--) {
		const size_t k = rng_below(rng, i);
		const struct lb_kernel_seen other = seen[k];

		seen[k] = seen[i - 1];
		seen[i - 1] = other;
	}
	for (uint32_t i = 0; i < KEYS; i++)
		if (m->missed >> i & 1)
			missed.items[missed.n++] = key(i);
	qsort(missed.items, missed.n, sizeof(*missed.items), lb_kernel_flow_cmp);
	lb_kernel_flows_change(&have, seen, n, &missed, arena, &c);
	assert_int_equal(set_of(&c.add), add);
	assert_int_equal(set_of(&c.del), del);
	assert_int_equal(set_of(&c.stay), m->have & ~del);
	assert_int_equal(set_of(&c.missed), unseen & ~m->missed);
	*m = (struct model){.have = (m->have & ~del) | add, .missed = unseen & ~m->missed};
}

static void the_table_follows_what_is_seen(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct model m = {0};

		rng_seed(&rng, seed);
		for (unsigned i = 0; i < 30; i++) {
			const uint32_t mask = (1u << KEYS) - 1;
			const struct seen s = {
				.living =
					(uint32_t)rng_next(&rng) & (uint32_t)rng_next(&rng) & mask,
				.ended = (uint32_t)rng_next(&rng) & (uint32_t)rng_next(&rng) & mask,
				.enter = (uint32_t)rng_next(&rng) & mask,
			};

			check_change(&m, &s, &rng);
		}
	}
}

static void what_was_passed_over_once_stays(void **state)
{
	const struct seen one = {.living = 1, .enter = 1}, none = {0}, ended = {.ended = 1};
	struct model m = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	check_change(&m, &one, &rng);
	assert_int_equal(m.have, 1);
	check_change(&m, &none, &rng);
	check_change(&m, &one, &rng);
	check_change(&m, &none, &rng);
	assert_int_equal(m.have, 1);
	check_change(&m, &none, &rng);
	assert_int_equal(m.have, 0);
	check_change(&m, &one, &rng);
	check_change(&m, &ended, &rng);
	assert_int_equal(m.have, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_follows_what_is_seen),
		cmocka_unit_test(what_was_passed_over_once_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

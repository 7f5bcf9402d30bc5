// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is remembered of flows without an entry: all of them, for two turns; and how many that it
 * never saw look as if it had, which is what a direct connection to a pod pays under a flood.
 */
#include "base/mem.h"
#include "base/rng.h"

#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/unrecorded_table.h"

struct memory {
	__u64 *words; /* owned */
	struct rng rng;
};

static void setup(struct memory *m)
{
	m->words = xcalloc(2 * (size_t)LB_UNRECORDED_WORDS, sizeof(*m->words));
	rng_seed(&m->rng, 7);
}

static bool mark(struct memory *m, uint64_t hash, uint16_t turn)
{
	return lb_unrecorded_mark(&m->words[lb_unrecorded_place(hash, turn)], hash, turn);
}

static bool has(struct memory *m, uint64_t hash, uint16_t turn)
{
	const uint16_t before = (uint16_t)(turn - 1);

	return lb_unrecorded_has(&m->words[lb_unrecorded_place(hash, turn)], hash, turn) ||
	       lb_unrecorded_has(&m->words[lb_unrecorded_place(hash, before)], hash, before);
}

static void a_flow_is_known_in_its_turn_and_the_next(void **state)
{
	static const uint16_t turns[] = {1, 2, 0x7fff, 0xfffe, 0xffff, 0};
	struct memory m;

	(void)state;
	setup(&m);
	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		const uint64_t hash = rng_next(&m.rng);

		assert_false(has(&m, hash, turns[i]));
		assert_true(mark(&m, hash, turns[i]));
		assert_true(mark(&m, hash, turns[i]));
		assert_true(has(&m, hash, turns[i]));
		assert_true(has(&m, hash, (uint16_t)(turns[i] + 1)));
		assert_false(has(&m, hash, (uint16_t)(turns[i] + 2)));
		assert_false(has(&m, hash, (uint16_t)(turns[i] - 1)));
		memset(m.words, 0, 2 * (size_t)LB_UNRECORDED_WORDS * sizeof(*m.words));
	}
	free(m.words);
}

static void nothing_is_known_of_fresh_memory(void **state)
{
	struct memory m;

	(void)state;
	setup(&m);
	for (int i = 0; i < 100000; i++)
		assert_false(has(&m, rng_next(&m.rng), 0));
	free(m.words);
}

/* In the middle of a turn, with so many in each: of those seen none is missing. Parts of 1,000. */
static unsigned strangers(unsigned a_second, unsigned *ret_refused)
{
	const unsigned n = 4 * a_second, n_asked = 100000;
	struct memory m;
	unsigned known = 0, refused = 0;

	setup(&m);
	for (unsigned i = 0; i < n + n / 2; i++) {
		const uint64_t hash = rng_next(&m.rng);

		if (!mark(&m, hash, i < n ? 8 : 9))
			refused++;
		else
			assert_true(has(&m, hash, i < n ? 8 : 9));
	}
	for (unsigned i = 0; i < n_asked; i++)
		known += has(&m, rng_next(&m.rng), 9);
	free(m.words);
	*ret_refused = refused * 1000u / (n + n / 2);
	return known * 1000u / n_asked;
}

static void few_strangers_are_taken_for_known(void **state)
{
	static const struct {
		unsigned a_second, strangers, refused; /* of 1,000, at most */
	} cases[] = {{5000, 4, 0}, {25000, 30, 10}, {50000, 80, 30}, {500000, 240, 900}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned refused, n = strangers(cases[i].a_second, &refused);

		print_message("%u a second: %u of 1,000 strangers are known, %u are refused\n",
			      cases[i].a_second, n, refused);
		assert_in_range(n, 0, cases[i].strangers);
		assert_in_range(refused, 0, cases[i].refused);
	}
}

static void a_word_takes_flows_until_a_third_of_it_is_marked(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= LB_MARKS; n++) {
		const uint64_t marks = (UINT64_C(1) << n) - 1;

		assert_int_equal(lb_unrecorded_is_full(marks), n >= LB_MARKS / 3);
		assert_int_equal(lb_unrecorded_is_full(marks << (LB_MARKS - n) |
						       UINT64_C(0xffff) << LB_MARKS),
				 n >= LB_MARKS / 3);
	}
}

static void an_owner_lasts_as_long_as_its_flows_marks(void **state)
{
	const uint64_t backend = UINT64_C(0xabcdef0123456789);
	const uint64_t mine = lb_unrecorded_owner(backend, 0x1234, 0x56, 0xffff);
	__u64 word = 0;

	(void)state;
	assert_int_equal(lb_unrecorded_slot(mine), 0x1234);
	assert_int_equal(lb_unrecorded_id(mine), 0x56);
	assert_false(lb_unrecorded_is_of(0, backend, 0));
	assert_true(lb_unrecorded_claim(&word, mine));
	assert_true(lb_unrecorded_is_of(word, backend, 0xffff));
	assert_true(lb_unrecorded_is_of(word, backend, 0));
	assert_false(lb_unrecorded_is_of(word, backend, 1));
	assert_false(lb_unrecorded_is_of(word, backend, 0xfffe));
	assert_false(lb_unrecorded_is_of(word, backend ^ 1ull << 40, 0));
	assert_false(lb_unrecorded_claim(&word, lb_unrecorded_owner(backend, 0x1234, 0x57, 0)));
	assert_false(lb_unrecorded_claim(
		&word, lb_unrecorded_owner(backend ^ 1ull << 63, 0x1234, 0x56, 0)));
	assert_true(lb_unrecorded_claim(&word, lb_unrecorded_owner(backend, 0x4321, 0x56, 0)));
	assert_int_equal(lb_unrecorded_slot(word), 0x4321); /* it moved, and is the same */
	assert_true(lb_unrecorded_is_of(word, backend, 1));
	assert_true(lb_unrecorded_claim(&word, lb_unrecorded_owner(backend, 0x1234, 0x57, 2)));
	assert_int_equal(lb_unrecorded_id(word), 0x57);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_known_in_its_turn_and_the_next),
		cmocka_unit_test(nothing_is_known_of_fresh_memory),
		cmocka_unit_test(few_strangers_are_taken_for_known),
		cmocka_unit_test(a_word_takes_flows_until_a_third_of_it_is_marked),
		cmocka_unit_test(an_owner_lasts_as_long_as_its_flows_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows that are made ahead in pieces: each piece is bounded, and what a put makes of them is what
 * it makes without.
 */
#include "fixture.h"

#include "base/limits.h"

#include <errno.h>

#define ROWS_LOG2 8
#define ROWS      (1u << ROWS_LOG2)
#define MANY      20000 /* 256 rows of as many are 5 million draws */

static uint32_t n_unlike(const uint64_t *a, const uint64_t *b, uint32_t n)
{
	uint32_t ret = 0;

	for (uint32_t row = 0; row < n; row++)
		ret += a[row] != b[row];
	return ret;
}

static void piece_by_piece_the_rows_are_the_same(void **state)
{
	struct lb_row_target targets[100];
	uint64_t whole[ROWS], pieces[ROWS], words[ROWS];
	uint64_t first[ROWS]; /* before any row is looked at again */
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		const uint64_t n_draws = 1 + seed * 7;
		uint64_t a_row = 0;
		struct lb_rows_making *m;
		bool is_over = false;
		size_t n;

		rng_seed(&rng, seed);
		n = rng_below(&rng, 101);
		for (size_t i = 0; i < n; i++) {
			targets[i] = (struct lb_row_target){
				.id = rng_next(&rng),
				.index = (uint16_t)(n - i),
				.ready = rng_below(&rng, 4) > 0,
				.weight = seed % 2 ? 1 : (uint8_t)(1 + rng_below(&rng, 4))};
			a_row += targets[i].weight;
		}
		lb_rows_fill(targets, n, ROWS_LOG2, whole);
		m = lb_rows_begin(targets, n, ROWS_LOG2);
		is_over = lb_rows_go_on(m, ROWS * (a_row > 0 ? a_row : 1), first);
		assert_true(is_over || n > 1);
		assert_null(lb_rows_end(m));
		m = lb_rows_begin(targets, n, ROWS_LOG2);
		is_over = false;
		memset(targets, 0, sizeof(targets));
		memset(pieces, 0xff, sizeof(pieces));
		for (uint32_t done = 0; !is_over;) {
			uint32_t before = done, n_again;

			memcpy(words, pieces, before * sizeof(*words));
			memcpy(words + before, first + before, (ROWS - before) * sizeof(*words));
			is_over = lb_rows_go_on(m, n_draws, pieces);
			while (done < ROWS && pieces[done] != UINT64_MAX)
				done++;
			assert_true(done > before || before == ROWS); /* some are looked at again */
			n_again = n_unlike(words, pieces, done);
			assert_true(done - before + n_again <= 1 ||
				    (done - before) * a_row + n_again * LB_CANDIDATES <= n_draws);
			assert_true(!is_over || done == ROWS);
		}
		assert_memory_equal(pieces, whole, sizeof(whole));
		assert_null(lb_rows_end(m));
	}
	assert_null(lb_rows_end(NULL));
}

/* --- before a put ----------------------------------------------------------------------------- */

static struct lb_frontend many(struct lb_target *targets, size_t n, size_t not_ready)
{
	for (size_t i = 0; i < n; i++)
		targets[i] = target_of_v4(0x0a000000 + (uint32_t)i, 8080, i != not_ready);
	return frontend_of(key_of(0xc0000201, 80), targets, n);
}

static unsigned prepare(struct fixture *x, const struct lb_frontend *f)
{
	unsigned n = 0;

	while (!lb_tables_prepare(x->t, f))
		n++;
	return n;
}

static void expect_same(const struct fixture *a, const struct fixture *b)
{
	assert_int_equal(a->n_rows, b->n_rows);
	assert_int_equal(a->n_backends, b->n_backends);
	for (size_t i = 0; i < a->n_rows; i++)
		assert_memory_equal(a->rows[i], b->rows[i], LB_ROWS_CHUNK * sizeof(uint64_t));
	for (size_t i = 0; i < a->n_backends; i++)
		assert_memory_equal(a->backends[i], b->backends[i],
				    LB_BACKEND_CHUNK * sizeof(struct lb_backend));
}

/* Indices in the table differ from places in the array once targets have come and gone. */
static void a_put_of_prepared_rows_is_as_any_other(void **state)
{
	struct lb_target *targets = xcalloc(MANY, sizeof(*targets));
	struct fixture ahead, at_once;

	(void)state;
	fixture_init(&ahead);
	fixture_init(&at_once);
	for (unsigned round = 0; round < 4; round++) {
		const size_t n = MANY - round * 100;
		struct lb_frontend f = many(targets, n, round);

		f.targets += round;
		f.n_targets -= round;
		f.table = lb_table_name(&f);
		assert_int_equal(prepare(&ahead, &f),
				 (n * ROWS + LB_PIECE_DRAWS - 1) / LB_PIECE_DRAWS);
		assert_true(lb_tables_prepare(ahead.t, &f)); /* there is nothing left to do */
		assert_int_equal(fixture_put(&ahead, &f), 0);
		assert_int_equal(fixture_put(&at_once, &f), 0);
		expect_same(&ahead, &at_once);
		fixture_at(&ahead, ahead.c.now + 10 * SECOND);
		fixture_at(&at_once, at_once.c.now + 10 * SECOND);
	}
	fixture_done(&ahead);
	fixture_done(&at_once);
	free(targets);
}

static void what_is_quick_or_refused_is_not_prepared(void **state)
{
	struct lb_target *targets = xcalloc(LIMIT_BACKENDS + 1, sizeof(*targets));
	struct lb_frontend f = many(targets, LB_PIECE_DRAWS / ROWS, SIZE_MAX);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(prepare(&x, &f), 0);
	targets[0].weight = 2; /* one draw a row more */
	f.table = lb_table_name(&f);
	assert_int_equal(prepare(&x, &f), 2);
	f = many(targets, LIMIT_BACKENDS + 1, SIZE_MAX);
	assert_int_equal(prepare(&x, &f), 0);
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	f = frontend_of(key_of(0xc0000201, 0), NULL, 0);
	assert_int_equal(prepare(&x, &f), 0);
	fixture_done(&x);
	free(targets);
}

/* Other rows are begun anew; the put of those that are not the prepared ones makes its own. */
static void rows_of_another_table_are_not_taken(void **state)
{
	struct lb_target *targets = xcalloc(MANY, sizeof(*targets));
	struct lb_frontend f = many(targets, MANY, 7);
	struct fixture x, at_once;

	(void)state;
	fixture_init(&x);
	fixture_init(&at_once);
	(void)prepare(&x, &f);
	f = many(targets, MANY, 8);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(fixture_put(&at_once, &f), 0);
	expect_same(&x, &at_once);
	assert_false(lb_tables_prepare(x.t, &f));
	f = many(targets, MANY, 9);
	assert_false(lb_tables_prepare(x.t, &f)); /* half made of f, and not of this one */
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(fixture_put(&at_once, &f), 0);
	expect_same(&x, &at_once);
	fixture_done(&x);
	fixture_done(&at_once);
	free(targets);
}

/* Endpoints change faster than their rows are made: in the end one of them is put all the same. */
static void changes_without_end_keep_nobody_waiting_for_ever(void **state)
{
	struct lb_target *targets = xcalloc(MANY, sizeof(*targets));
	struct fixture x;
	unsigned n = 0;

	(void)state;
	fixture_init(&x);
	for (;; n++) {
		struct lb_frontend f = many(targets, MANY, n);

		if (lb_tables_prepare(x.t, &f))
			break;
		assert_true(n < 1000);
	}
	assert_true(n > 10);
	for (unsigned i = 1; i <= 10; i++) { /* and those after it are made again */
		const struct lb_frontend f = many(targets, MANY, n + i);

		assert_false(lb_tables_prepare(x.t, &f));
	}
	fixture_done(&x);
	free(targets);
}

/* It was waited for those that changed; who comes after a put is made ahead as ever. */
static void a_put_of_what_was_prepared_begins_the_count_anew(void **state)
{
	struct lb_target *targets = xcalloc(MANY, sizeof(*targets));
	struct lb_frontend f;
	struct fixture x;
	unsigned n;

	(void)state;
	fixture_init(&x);
	for (n = 0; n < 255; n++) {
		f = many(targets, MANY, n);
		assert_false(lb_tables_prepare(x.t, &f));
	}
	assert_true(prepare(&x, &f) > 0); /* the rest of the last one */
	assert_int_equal(fixture_put(&x, &f), 0);
	for (; n < 280; n++) {
		f = many(targets, MANY, n);
		assert_false(lb_tables_prepare(x.t, &f));
	}
	fixture_done(&x);
	free(targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(piece_by_piece_the_rows_are_the_same),
		cmocka_unit_test(a_put_of_prepared_rows_is_as_any_other),
		cmocka_unit_test(what_is_quick_or_refused_is_not_prepared),
		cmocka_unit_test(rows_of_another_table_are_not_taken),
		cmocka_unit_test(changes_without_end_keep_nobody_waiting_for_ever),
		cmocka_unit_test(a_put_of_what_was_prepared_begins_the_count_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

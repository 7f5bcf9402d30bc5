// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Counts that outlive what counted them: sources that begin anew, processes that do, and files that
 * are not what they should be.
 */
#include "agent/metrics_kept.h"

#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t one(struct metrics_kept *k, const char *key, uint64_t count)
{
	metrics_kept_add(k, key, &count, 1);
	return count;
}

/* Another process that has read what the former one has written. */
static void restart(struct metrics_kept **k, bool all)
{
	char *text = metrics_kept_text(*k, all);

	metrics_kept_free(*k);
	*k = metrics_kept_new();
	assert_true(metrics_kept_read(*k, text));
	free(text);
}

static void a_count_that_begins_anew_goes_on(void **state)
{
	struct metrics_kept *k = metrics_kept_new();

	(void)state;
	assert_int_equal(one(k, "a", 5), 5);
	assert_int_equal(one(k, "b", 100), 100);
	assert_int_equal(one(k, "a", 7), 7);
	assert_int_equal(one(k, "a", 2), 9);
	assert_int_equal(one(k, "a", 2), 9);
	restart(&k, false);
	assert_int_equal(one(k, "a", 0), 9);
	assert_int_equal(one(k, "a", 3), 12);
	assert_int_equal(one(k, "b", 0), 100);
	metrics_kept_free(k);
}

static void what_nobody_asks_for_is_forgotten(void **state)
{
	struct metrics_kept *k = metrics_kept_new();

	(void)state;
	(void)one(k, "gone", 5);
	(void)one(k, "stays", 6);
	restart(&k, true);
	(void)one(k, "stays", 0);
	restart(&k, false); /* not all were asked for yet */
	(void)one(k, "stays", 0);
	restart(&k, true);
	assert_int_equal(one(k, "gone", 1), 1);
	assert_int_equal(one(k, "stays", 1), 7);
	metrics_kept_free(k);
}

static void a_text_is_due_when_something_has_changed(void **state)
{
	struct metrics_kept *k = metrics_kept_new();

	(void)state;
	assert_false(metrics_kept_has_changed(k));
	(void)one(k, "a", 0);
	assert_false(metrics_kept_has_changed(k));
	(void)one(k, "a", 1);
	assert_true(metrics_kept_has_changed(k));
	free(metrics_kept_text(k, true));
	assert_false(metrics_kept_has_changed(k));
	restart(&k, true);
	assert_false(metrics_kept_has_changed(k));
	metrics_kept_free(k);
}

static void what_is_damaged_is_left_out(void **state)
{
	static const char *const none[] = {
		"",
		"{}",
		"[1]",
		"nonsense",
		"{\"version\":1}",
		"{\"version\":2,\"counts\":{}}",
		"{\"version\":\"1\",\"counts\":{}}",
		"{\"version\":1,\"counts\":[]}",
	};
	struct metrics_kept *k = metrics_kept_new();
	uint64_t two[2] = {1, 1};
	char *kept;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(metrics_kept_read(k, none[i]));
	assert_true(metrics_kept_read(
		k, "{\"version\":1,\"counts\":{\"a\":[\"7\"],\"b\":[\"-1\"],\"c\":[8],\"d\":\"9\","
		   "\"e\":[\"18446744073709551616\"],\"f\":[\"\"],\"g\":[\"3\",\"x\"],"
		   "\"h\":[\"3\",\"4\"],\"i\":[\"5x\"]}}"));
	kept = metrics_kept_text(k, false);
	assert_string_equal(kept, "{\"version\":1,\"counts\":{\"a\":[\"7\"],\"h\":[\"3\",\"4\"]}}");
	free(kept);
	assert_int_equal(one(k, "a", 1), 8);
	for (const char *key = "bcdefgi"; *key; key++)
		assert_int_equal(one(k, (const char[]){*key, '\0'}, 1), 1);
	metrics_kept_add(k, "h", two, 2);
	assert_int_equal(two[0], 4);
	assert_int_equal(two[1], 5);
	metrics_kept_free(k);
}

static void rows_have_a_bound(void **state)
{
	struct metrics_kept *k = metrics_kept_new();
	char key[16];

	(void)state;
	for (unsigned i = 0; i < METRICS_KEPT_ROWS + 3; i++) {
		snprintf(key, sizeof(key), "%u", i);
		assert_int_equal(one(k, key, 2), 2);
		assert_int_equal(one(k, key, 1), i < METRICS_KEPT_ROWS ? 3 : 1);
	}
	metrics_kept_free(k);
}

/* Against a sum of all that was ever counted, over resets and restarts. */
static void nothing_is_lost_and_nothing_decreases(void **state)
{
	struct metrics_kept *k = metrics_kept_new();
	uint64_t source[3] = {0}, sum[3] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (int round = 0; round < 3000; round++) {
		uint64_t counts[3];

		for (size_t i = 0; i < 3; i++) {
			const uint64_t more = rng_below(&rng, 3) ? rng_below(&rng, 1000) : 0;

			source[i] += more;
			sum[i] += more;
		}
		memcpy(counts, source, sizeof(counts));
		metrics_kept_add(k, "x", counts, 3);
		assert_memory_equal(counts, sum, sizeof(sum));
		if (rng_below(&rng, 20) == 0) {
			restart(&k, false);
			memset(source, 0, sizeof(source));
		}
	}
	metrics_kept_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_that_begins_anew_goes_on),
		cmocka_unit_test(what_nobody_asks_for_is_forgotten),
		cmocka_unit_test(a_text_is_due_when_something_has_changed),
		cmocka_unit_test(what_is_damaged_is_left_out),
		cmocka_unit_test(rows_have_a_bound),
		cmocka_unit_test(nothing_is_lost_and_nothing_decreases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A problem that stays is the same problem: it keeps the time at which it came, and is logged once.
 */
#include "agent/problem_log.h"

#include "log_capture.h"

#include <string.h>

static void say(struct problems *list, const char *name, const char *reason)
{
	const struct object_ref ref = {.kind = "Service", .ns = "default", .name = name};
	const struct problem_text text = {.reason = reason};

	problem_add(list, SEVERITY_WARNING, &ref, &text, "something");
}

static void a_problem_keeps_its_time_as_long_as_it_stays(void **state)
{
	struct problems first = {.arena = arena_new()}, second = {.arena = arena_new()};
	struct problem_log log = {0};
	int64_t since;

	(void)state;
	say(&first, "a", "Bad");
	problem_log_update(&log, &first);
	since = problem_log_since(&log, &first.items[0]);
	assert_true(since > 0);
	log.items[0].since_s = since - 100; /* it came a while ago */

	say(&second, "b", "Bad");
	say(&second, "a", "Bad");
	problem_log_update(&log, &second);
	assert_int_equal(problem_log_since(&log, &second.items[1]), since - 100);
	assert_true(problem_log_since(&log, &second.items[0]) >= since);

	second.n = 1;
	problem_log_update(&log, &second);
	assert_int_equal(log.n, 1);
	assert_int_equal(problem_log_since(&log, &first.items[0]), 0);
	problem_log_update(&log, &first); /* gone in between: it begins anew */
	assert_true(problem_log_since(&log, &first.items[0]) >= since);
	problem_log_done(&log);
	arena_free(first.arena);
	arena_free(second.arena);
}

/* Each of many is found again, whatever others came and went. */
static void many_keep_their_times(void **state)
{
	struct problems all = {.arena = arena_new()};
	struct problem_log log = {0};
	char name[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		say(&all, name, "Bad");
	}
	all.n = 100;
	problem_log_update(&log, &all);
	for (size_t i = 0; i < log.n; i++)
		log.items[i].since_s = 7;
	all.n = 300;
	problem_log_update(&log, &all);
	for (size_t i = 0; i < 300; i++)
		assert_true(i < 100 ? problem_log_since(&log, &all.items[i]) == 7
				    : problem_log_since(&log, &all.items[i]) > 7);
	all.items += 50;
	all.n = 100;
	problem_log_update(&log, &all);
	assert_int_equal(log.n, 100);
	assert_int_equal(problem_log_since(&log, &all.items[-1]), 0);
	assert_int_equal(problem_log_since(&log, &all.items[49]), 7);
	assert_true(problem_log_since(&log, &all.items[50]) > 7);
	problem_log_done(&log);
	arena_free(all.arena);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void say_many(struct problems *list, int n, const char *reason)
{
	char name[16];

	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		say(list, name, reason);
	}
}

/* Thousands of Services on a node without backends are thousands of problems. */
static void of_many_with_one_reason_a_few_are_told_and_the_others_counted(void **state)
{
	struct problems all = {.arena = arena_new()}, none = {0};
	struct problem_log log = {0};
	struct capture *c = *state;
	const char *text;

	say(&all, "a", "Rare");
	say_many(&all, 4000, "NoBackend");
	say_many(&all, PROBLEM_LOG_LINES, "JustEnough");
	say(&all, "b", "Rare");
	problem_log_update(&log, &all);
	text = said(c);
	assert_int_equal(count(text, "msg=problem problem="), 2 + 2 * PROBLEM_LOG_LINES);
	assert_non_null(strstr(text, "Service/b"));
	assert_non_null(strstr(text, "reason=NoBackend more=3990"));
	assert_int_equal(lines(text), 2 + 2 * PROBLEM_LOG_LINES + 1);
	problem_log_update(&log, &all);
	assert_string_equal(said(c), "");
	assert_int_equal(log.n, all.n); /* since when each has been there is known as ever */

	say(&all, "later", "NoBackend");
	problem_log_update(&log, &all);
	text = said(c);
	assert_non_null(strstr(text, "Service/later"));
	assert_int_equal(lines(text), 1);

	problem_log_update(&log, &none);
	text = said(c);
	assert_int_equal(count(text, "msg=\"problem gone\""), PROBLEM_LOG_LINES);
	assert_non_null(strstr(text, "more=4003"));
	assert_int_equal(lines(text), PROBLEM_LOG_LINES + 1);

	all.n = 1;
	problem_log_update(&log, &all);
	problem_log_update(&log, &none);
	assert_int_equal(lines(said(c)), 2);
	problem_log_done(&log);
	arena_free(all.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_keeps_its_time_as_long_as_it_stays),
		cmocka_unit_test(many_keep_their_times),
		cmocka_unit_test_setup_teardown(
			of_many_with_one_reason_a_few_are_told_and_the_others_counted,
			capture_begin, capture_end),
	};

	log_init(LOG_LEVEL_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

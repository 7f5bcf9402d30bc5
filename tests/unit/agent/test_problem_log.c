// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A problem that stays is the same problem: it keeps the time at which it came, and is logged once.
 */
#include "agent/problem_log.h"

#include "sys/log.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_keeps_its_time_as_long_as_it_stays),
		cmocka_unit_test(many_keep_their_times),
	};

	log_init(LOG_LEVEL_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/clock: monotonic time moves forward at the pace of real time, wall time is of this century,
 * and the boot's id is the same as long as the machine runs.
 */
#include "sys/clock.h"

#include "sys_test.h"

#include <poll.h>

static void monotonic_time_never_goes_back_and_keeps_pace(void **state)
{
	nsec_t begin = clock_now(), last = begin;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		nsec_t now = clock_now();

		assert_true(now >= last);
		last = now;
	}
	(void)poll(NULL, 0, 20);
	assert_true(clock_now() - begin >= 20 * NSEC_PER_MSEC);
	assert_true(clock_now() - begin < 10 * NSEC_PER_SEC);
}

static void wall_time_is_unix_time_in_both_units(void **state)
{
	(void)state;
	assert_true(clock_wall_s() > INT64_C(1700000000));
	assert_true(clock_wall_ms() / 1000 - clock_wall_s() <= 1);
	assert_true(labs((long)(clock_wall_s() - (int64_t)time(NULL))) <= 1);
}

static void the_boot_has_one_id(void **state)
{
	(void)state;
	assert_int_not_equal(clock_boot_id(), 0);
	assert_int_equal(clock_boot_id(), clock_boot_id());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monotonic_time_never_goes_back_and_keeps_pace),
		cmocka_unit_test(wall_time_is_unix_time_in_both_units),
		cmocka_unit_test(the_boot_has_one_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

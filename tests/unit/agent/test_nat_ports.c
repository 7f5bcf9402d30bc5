// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Source ports of forwarding nat beside those that the kernel gives programs. */
#include "agent/nat_ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define N 16384

static void ranges_meet_where_they_have_a_port_in_common(void **state)
{
	(void)state;
	assert_false(nat_ports_meet(16384, N, 32768, 60999)); /* as both are at first */
	assert_true(nat_ports_meet(16385, N, 32768, 60999));
	assert_true(nat_ports_meet(16384, N, 32767, 60999));
	assert_true(nat_ports_meet(16384, N, 1024, 65535));
	assert_true(nat_ports_meet(40000, N, 32768, 60999));
	assert_true(nat_ports_meet(49152, N, 1024, 49152));
	assert_false(nat_ports_meet(49152, N, 1024, 49151));
	assert_true(nat_ports_meet(49152, N, 65535, 65535));
}

static void what_is_not_known_or_asked_for_meets_nothing(void **state)
{
	(void)state;
	assert_false(nat_ports_meet(0, N, 1, 65535));
	assert_false(nat_ports_meet(16384, N, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_meet_where_they_have_a_port_in_common),
		cmocka_unit_test(what_is_not_known_or_asked_for_meets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

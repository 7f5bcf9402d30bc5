// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The ring by which two threads speak. */
#include "sys/ring.h"

#include "sys_test.h"

static void a_ring_is_taken_in_order_and_refuses_when_full(void **state)
{
	struct ring r;
	unsigned got;

	(void)state;
	ring_init(&r, 4, sizeof(unsigned));
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 4; i++)
			assert_true(ring_put(&r, &i));
		assert_false(ring_has_room(&r));
		assert_false(ring_put(&r, &round));
		for (unsigned i = 0; i < 4; i++) {
			assert_true(ring_take(&r, &got));
			assert_int_equal(got, i);
		}
		assert_false(ring_take(&r, &got));
	}
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_taken_in_order_and_refuses_when_full),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * With whom a service is shared: one store of its live word, which touches nothing else; and what
 * becomes of a flow of the kernel, by the header that the program has.
 */
#include "service.h"

#include "bpf/kernel_flow_state.h"

static uint32_t flags_of(const struct fixture *x, uint64_t *ret_live)
{
	assert_non_null(the_service(x, ret_live));
	return (uint32_t)(*ret_live >> LB_LIVE_FLAGS_SHIFT & LB_LIVE_FLAGS_MASK);
}

static void sharing_changes_one_word_and_no_test_result(void **state)
{
	const uint32_t all[] = {LB_F_TAKING_OVER, LB_F_KERNEL_FLOWS, 0, LB_F_HANDING_BACK};
	struct lb_target targets[3];
	struct lb_service before;
	uint64_t rows[ROWS], live;
	struct lb_frontend f;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	f = frontend_of(key_of(0xc0000201, 80), targets, targets_upto(targets, 3));
	frontend_set_flags(&f, LB_F_AFFINITY);
	assert_int_equal(fixture_put(&x, &f), 0);
	lb_tables_set_tested(x.t, &f.key);
	before = *the_service(&x, &live);
	memcpy(rows, x.rows[0], sizeof(rows));
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct lb_actual actual;
		struct lb_service after;

		f.flags = LB_F_AFFINITY | all[i];
		fixture_at(&x, x.c.now + 10 * SECOND);
		assert_int_equal(fixture_put(&x, &f), 0);
		assert_int_equal(flags_of(&x, &live), LB_SVC_AFFINITY | all[i]);
		assert_true(lb_tables_get(x.t, &f.key, arena, &actual));
		assert_int_equal(actual.flags, f.flags);
		assert_true(actual.tested);
		after = *the_service(&x, &live);
		after.live = before.live;
		assert_memory_equal(&before, &after, sizeof(before));
		assert_memory_equal(rows, x.rows[0], sizeof(rows));
	}
	fixture_done(&x);
}

/* What the program may go by is kept, whatever else the plan asks for at the same time. */
static void other_changes_are_made_as_ever(void **state)
{
	struct lb_target targets[3];
	struct lb_frontend f;
	struct fixture x;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	f = frontend_of(key_of(0xc0000201, 80), targets, targets_upto(targets, 2));
	assert_int_equal(fixture_put(&x, &f), 0);
	lb_tables_set_tested(x.t, &f.key);
	f = frontend_of(key_of(0xc0000201, 80), targets, targets_upto(targets, 3));
	f.flags = LB_F_HANDING_BACK;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(flags_of(&x, &live), LB_SVC_HANDING_BACK);
	frontend_set_flags(&f, f.flags | LB_F_AFFINITY);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(flags_of(&x, &live), LB_SVC_HANDING_BACK | LB_SVC_AFFINITY);
	f = frontend_of(key_of(0xc0000201, 80), targets, 0);
	f.flags = LB_F_KERNEL_FLOWS;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(flags_of(&x, &live), LB_SVC_KERNEL_FLOWS | LB_SVC_NO_BACKENDS);
	f.flags = 0;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(flags_of(&x, &live), LB_SVC_NO_BACKENDS);
	fixture_done(&x);
}

static void a_flow_of_the_kernels_is_over_when_its_ports_begin_anew(void **state)
{
	const uint32_t open = LB_KERNEL_FLOW_OPEN, closing = LB_KERNEL_FLOW_CLOSING,
		       over = LB_KERNEL_FLOW_OVER;

	(void)state;
	assert_int_equal(lb_kernel_flow_next(open, false, false), open);
	assert_int_equal(lb_kernel_flow_next(open, true, false), open);
	assert_int_equal(lb_kernel_flow_next(open, false, true), closing);
	assert_int_equal(lb_kernel_flow_next(closing, false, false), closing);
	assert_int_equal(lb_kernel_flow_next(closing, false, true), closing);
	assert_int_equal(lb_kernel_flow_next(closing, true, false), over);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(lb_kernel_flow_next(over, i & 1, i & 2), over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sharing_changes_one_word_and_no_test_result),
		cmocka_unit_test(other_changes_are_made_as_ever),
		cmocka_unit_test(a_flow_of_the_kernels_is_over_when_its_ports_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

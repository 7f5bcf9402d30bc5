// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "bpf_fixture.h"

#include "sys/bpf_tcx.h"

static bool has_tcx(void)
{
	uint32_t id;

	return bpf_tcx_first(device_index(), BPF_TC_EGRESS, &id) == 0;
}

static void each_new_program_goes_to_the_head(void **state)
{
	uint32_t first = 1, second = 0;
	int a, b, link_a, link_b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	if (!has_tcx())
		skip();
	a = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "a", 0);
	b = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "b", 0);
	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_EGRESS, &first), 0);
	assert_int_equal(first, 0);
	link_a = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, a);
	assert_true(link_a >= 0);
	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_EGRESS, &first), 0);
	link_b = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, b);
	assert_true(link_b >= 0);
	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_EGRESS, &second), 0);
	assert_true(first != 0 && second != 0 && first != second);
	close(link_b);
	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_EGRESS, &second), 0);
	assert_int_equal(first, second);
	close(link_a);
	close(a);
	close(b);
}

static void a_missing_device_is_an_error(void **state)
{
	uint32_t id;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_true(bpf_tcx_first(99999, BPF_TC_EGRESS, &id) < 0);
	assert_true(bpf_tcx_attach(99999, BPF_TC_EGRESS, -1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_new_program_goes_to_the_head),
		cmocka_unit_test(a_missing_device_is_an_error),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

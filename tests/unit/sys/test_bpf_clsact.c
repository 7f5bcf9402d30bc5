// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The classic filter of kernels without tcx; newer ones have it, too. */
#include "bpf_fixture.h"

#include "sys/bpf_clsact.h"

#include <bpf/libbpf.h>

#define OURS 0x6c64u /* and the one behind it */

static void attach_filter(const char *name, uint32_t handle, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = device_index(), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	opts.prog_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, name, -1);
	assert_true(opts.prog_fd >= 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	close(opts.prog_fd);
}

static void attach_foreign(uint32_t handle, uint32_t priority)
{
	attach_filter("foreign", handle, priority);
}

static bool is_there(uint32_t handle, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = device_index(), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	return bpf_tc_query(&hook, &opts) == 0;
}

static void ours_becomes_first_again_after_another_came_before_it(void **state)
{
	int ours;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	ours = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours), 0);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
	assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours), 0);
	attach_foreign(7, 2);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
	for (uint32_t i = 0; i < 2; i++) {
		attach_foreign(8 + i, 1); /* the newest of a priority runs first */
		assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
		assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours), 0);
		assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
		/* put beside the one before and not in its place: there was always one */
		assert_true(is_there(OURS + !i, 1) && !is_there(OURS + i, 1));
	}
	assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	assert_true(is_there(7, 2) && is_there(8, 1) &&
		    is_there(9, 1)); /* nobody else's is touched */
	assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
	run("tc qdisc del dev " DEVICE " clsact");
	close(ours);
}

static const char *other(void)
{
	static char name[16];

	memset(name, '?', sizeof(name));
	assert_int_equal(bpf_clsact_other(device_index(), BPF_TC_EGRESS, name, sizeof(name)), 0);
	return name;
}

/* By name; ours is none, and of other kinds there is no name. */
static void the_first_of_somebody_elses_is_told(void **state)
{
	int ours;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	ours = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1);
	assert_string_equal(other(), "");
	assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours), 0);
	assert_string_equal(other(), "");
	attach_filter("second", 7, 3);
	assert_string_equal(other(), "second");
	attach_filter("first", 8, 2);
	assert_string_equal(other(), "first");
	run("tc qdisc del dev " DEVICE " clsact");
	run("tc qdisc add dev " DEVICE " clsact");
	if (system("tc filter add dev " DEVICE
		   " egress u32 match u32 0 0 flowid 1:1 2>/dev/null") == 0) /* there is u32 */
		assert_string_equal(other(), "u32");
	run("tc qdisc del dev " DEVICE " clsact");
	close(ours);
}

static void two_of_ours_left_by_an_agent_that_died_become_one(void **state)
{
	int ours;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	ours = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1);
	run("tc qdisc add dev " DEVICE " clsact");
	for (uint32_t first = 0; first < 2; first++) {
		attach_filter("tc_reply", OURS + first, 1);
		attach_filter("tc_reply", OURS + !first, 1);
		assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours), 0);
		assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
		assert_true(is_there(OURS + !first, 1) && !is_there(OURS + first, 1));
		assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
		assert_false(is_there(OURS, 1) || is_there(OURS + 1, 1));
	}
	run("tc qdisc del dev " DEVICE " clsact");
	close(ours);
}

static void a_foreign_filter_under_our_handle_is_not_ours(void **state)
{
	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	run("tc qdisc add dev " DEVICE " clsact");
	attach_foreign(OURS, 1);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
	assert_true(is_there(OURS, 1));
	run("tc qdisc del dev " DEVICE " clsact");
}

static void a_device_without_the_qdisc_has_no_filter(void **state)
{
	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_becomes_first_again_after_another_came_before_it),
		cmocka_unit_test(the_first_of_somebody_elses_is_told),
		cmocka_unit_test(two_of_ours_left_by_an_agent_that_died_become_one),
		cmocka_unit_test(a_foreign_filter_under_our_handle_is_not_ours),
		cmocka_unit_test(a_device_without_the_qdisc_has_no_filter),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

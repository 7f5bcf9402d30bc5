// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The hooks of devices against this machine's kernel. */
#include "bpf_under_test.h"

#include "sys/bpf_tcx.h"

static uint32_t first_at_egress(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_tcx_first(device_index(), &id), 0);
	return id;
}

static void a_device_gets_native_xdp_and_tc_and_keeps_them_without_us(void **state)
{
	const struct plan_actual_device *is;
	struct under_test u;
	uint32_t old;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	is = apply(&u, DEVICE, false);
	assert_true(is->xdp && is->tc && !is->generic);
	assert_null(is->failure);
	old = our_id(&u, "xdp_lb");
	assert_int_equal(xdp_on(DEVICE), old);
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));
	u.dp = bpf_dataplane_close(u.dp);
	assert_int_equal(xdp_on(DEVICE), old);
	assert_true(first_at_egress() != 0);

	open_dp(&u);
	assert_int_equal(xdp_on(DEVICE), old); /* until the device is applied */
	is = apply(&u, DEVICE, false);
	assert_true(is->xdp && is->tc);
	assert_int_not_equal(xdp_on(DEVICE), old);
	assert_int_equal(xdp_on(DEVICE), our_id(&u, "xdp_lb"));
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));
	end(&u);
	assert_int_equal(xdp_on(DEVICE), 0);
	assert_int_equal(first_at_egress(), 0);
}

static void a_foreign_xdp_program_is_named_and_left_alone(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_XDP, "foreign", XDP_PASS);
	const struct plan_actual_device *is;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(bpf_xdp_attach(device_index(), foreign, XDP_FLAGS_DRV_MODE, NULL), 0);
	is = apply(&u, DEVICE, false);
	assert_false(is->xdp);
	assert_true(is->tc);
	assert_string_equal(is->failure_reason, "XdpBusy");
	assert_non_null(strstr(is->failure, DEVICE));
	assert_non_null(is->remedy);
	assert_int_equal(xdp_on(DEVICE), id_of(foreign));
	assert_int_equal(bpf_xdp_detach(device_index(), XDP_FLAGS_DRV_MODE, NULL), 0);
	bpf_dataplane_verify(u.dp);
	is = the_device(&u);
	assert_true(is->xdp);
	assert_null(is->failure);
	end(&u);
	close(foreign);
}

static void a_driver_without_native_xdp_is_refused_unless_generic_is_asked_for(void **state)
{
	const struct plan_actual_device *is;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	is = apply(&u, "lo", false);
	assert_false(is->xdp);
	assert_string_equal(is->failure_reason, "XdpUnsupported");
	is = apply(&u, "lo", true);
	assert_true(is->xdp && is->generic);
	is = apply(&u, "lo", false);
	assert_false(is->xdp);
	assert_int_equal(xdp_on("lo"), 0);
	end(&u);
}

static void ours_goes_to_the_head_at_egress_and_back_there(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
	int other = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "other", 0);
	struct under_test u;
	int first, second;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	first = bpf_tcx_attach(device_index(), foreign);
	assert_true(first >= 0);
	assert_true(apply(&u, DEVICE, false)->tc);
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));

	second = bpf_tcx_attach(device_index(), other); /* puts itself in front */
	assert_true(second >= 0);
	assert_int_equal(first_at_egress(), id_of(other));
	bpf_dataplane_verify(u.dp);
	assert_true(the_device(&u)->tc);
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));
	end(&u);
	assert_int_equal(first_at_egress(), id_of(other)); /* nobody else's is touched */
	close(first);
	close(second);
	close(foreign);
	close(other);
}

static void a_foreign_classic_filter_does_not_matter(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = device_index(), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	opts.prog_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	assert_true(apply(&u, DEVICE, false)->tc);
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));
	end(&u);
	close(opts.prog_fd);
	opts = (struct bpf_tc_opts){.sz = sizeof(opts), .handle = 1, .priority = 1};
	assert_int_equal(bpf_tc_query(&hook, &opts), 0); /* still there */
	run("tc qdisc del dev " DEVICE " clsact");
}

static void a_device_that_is_not_wanted_any_more_is_let_go(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_true(apply(&u, DEVICE, false)->xdp);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	assert_int_equal(xdp_on(DEVICE), 0);
	assert_int_equal(first_at_egress(), 0);

	assert_true(apply(&u, DEVICE, false)->xdp); /* the same after a restart */
	reopen(&u);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	assert_int_equal(xdp_on(DEVICE), 0);
	assert_int_equal(first_at_egress(), 0);
	end(&u);
}

static void an_index_used_again_by_another_device_is_attached_anew(void **state)
{
	const struct plan_actual_device *is;
	char command[160];
	struct under_test u;
	int index;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	run("ip link add lt-dp-c type veth peer name lt-dp-d");
	index = (int)if_nametoindex("lt-dp-c");
	assert_true(apply(&u, "lt-dp-c", false)->xdp);
	run("ip link del lt-dp-c");
	bpf_dataplane_verify(u.dp);
	is = the_device(&u);
	assert_false(is->xdp || is->tc);
	assert_string_equal(is->failure_reason, "DeviceMissing");
	snprintf(command, sizeof(command),
		 "ip link add lt-dp-c index %d type veth peer name lt-dp-d", index);
	run(command);
	bpf_dataplane_verify(u.dp);
	is = the_device(&u);
	assert_true(is->xdp && is->tc);
	assert_int_equal(xdp_on("lt-dp-c"), our_id(&u, "xdp_lb"));
	end(&u);
	run("ip link del lt-dp-c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_gets_native_xdp_and_tc_and_keeps_them_without_us),
		cmocka_unit_test(a_foreign_xdp_program_is_named_and_left_alone),
		cmocka_unit_test(
			a_driver_without_native_xdp_is_refused_unless_generic_is_asked_for),
		cmocka_unit_test(ours_goes_to_the_head_at_egress_and_back_there),
		cmocka_unit_test(a_foreign_classic_filter_does_not_matter),
		cmocka_unit_test(a_device_that_is_not_wanted_any_more_is_let_go),
		cmocka_unit_test(an_index_used_again_by_another_device_is_attached_anew),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When a plan's devices are looked at again: not while they are what was brought up, and always
 * when anything of them is another, or something failed.
 */
#include "bpf_hooks.h"

/* Of the address sanitizer; not there in the virtual machine, where nobody counts. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void another_domain(struct plan_device *d)
{
	d->domain++;
}

static void generic_too(struct plan_device *d)
{
	d->allow_generic = true;
}

static void without_xdp(struct plan_device *d)
{
	d->xdp = false;
}

static void another_name(struct plan_device *d)
{
	d->name = "lt-dp-x";
}

/* Two devices are planned for; all is of the first, where another program puts itself in front. */
static void whatever_is_wanted_otherwise_is_looked_at(void **state)
{
	static void (*const changes[])(struct plan_device * d) = {
		another_domain, generic_too, without_xdp, another_name, NULL /* one device less */
	};
	int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct plan_device want[2] = {
			{.ifindex = device_index(), .name = DEVICE, .xdp = true, .tc = true},
			{.ifindex = (int)if_nametoindex(PEER), .name = PEER, .tc = true},
		};
		struct under_test u;
		int link;

		begin(&u, state);
		bpf_dataplane_apply_devices(u.dp, want, 2);
		assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));
		link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, foreign);
		assert_true(link >= 0);
		bpf_dataplane_apply_devices(u.dp, want, 2);
		assert_int_equal(first_at_egress(), id_of(foreign));
		if (changes[i])
			changes[i](&want[0]);
		bpf_dataplane_apply_devices(u.dp, want, changes[i] ? 2 : 1);
		if (first_at_egress() != our_id(&u, "tc_reply"))
			fail_msg("change %zu is not looked at", i);
		close(link);
		end(&u);
	}
	close(foreign);
}

static void what_failed_is_tried_again_with_each_plan(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_XDP, "foreign", XDP_PASS);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(bpf_xdp_attach(device_index(), foreign, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_false(apply(&u, DEVICE, false)->xdp);
	assert_int_equal(bpf_xdp_detach(device_index(), XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_true(apply(&u, DEVICE, false)->xdp);
	end(&u);
	close(foreign);
}

/* A device that is refused is told of in words, for as long as the agent runs. */
static void looking_for_days_costs_no_memory(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_XDP, "foreign", XDP_PASS);
	struct under_test u;
	size_t before;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	begin(&u, state);
	assert_int_equal(bpf_xdp_attach(device_index(), foreign, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_string_equal(apply(&u, DEVICE, false)->failure_reason, "XdpBusy");
	before = __sanitizer_get_current_allocated_bytes();
	for (int i = 0; i < 2000; i++)
		bpf_dataplane_verify(u.dp);
	assert_in_range(__sanitizer_get_current_allocated_bytes(), 0, before + 65536);
	assert_string_equal(the_device(&u)->failure_reason, "XdpBusy");
	assert_int_equal(bpf_xdp_detach(device_index(), XDP_FLAGS_DRV_MODE, NULL), 0);
	end(&u);
	close(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_wanted_otherwise_is_looked_at),
		cmocka_unit_test(what_failed_is_tried_again_with_each_plan),
		cmocka_unit_test(looking_for_days_costs_no_memory),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * tc_nat at the ingress of a device: loaded and attached with the first plan that wants it, taken
 * over by who comes next, in front of others, and gone with the last plan that does.
 */
#include "bpf_hooks.h"

static uint32_t first_at_ingress(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_INGRESS, &id), 0);
	return id;
}

/* Ours is the first there, by whichever way this kernel has. */
static bool is_there(void)
{
	struct bpf_prog_info info = {.id = 0};
	__u32 len = sizeof(info), id;
	int fd;

	if (!bpf_tcx_is_there())
		return bpf_clsact_is_first(device_index(), BPF_TC_INGRESS) == 1;
	id = first_at_ingress();
	if (!id)
		return false;
	fd = bpf_prog_get_fd_by_id(id);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return strcmp(info.name, "tc_nat") == 0;
}

static const struct plan_actual_device *bring(struct under_test *u, bool tc, bool nat)
{
	const struct plan_device device = {
		.ifindex = device_index(), .name = DEVICE, .tc = tc, .nat = nat};

	bpf_dataplane_apply_devices(u->dp, &device, 1);
	return the_device(u);
}

static void it_is_there_while_a_plan_wants_it(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_false(bring(&u, true, false)->nat);
	assert_false(is_there());
	assert_true(bring(&u, true, true)->nat);
	assert_true(is_there() && ours_is_first(&u));
	assert_false(bring(&u, false, true)->tc);
	assert_true(is_there() && nothing_at_egress());
	assert_false(bring(&u, true, false)->nat);
	assert_false(is_there());
	assert_true(bring(&u, false, true)->nat);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	assert_false(is_there());
	end(&u);
}

static void it_outlasts_its_agent_and_is_the_next_ones(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_true(bring(&u, false, true)->nat);
	reopen(&u);
	assert_true(is_there());
	assert_true(the_device(&u)->nat && !the_device(&u)->tc && !the_device(&u)->xdp);
	assert_true(bring(&u, false, true)->nat);
	assert_true(is_there());
	reopen(&u);
	bpf_dataplane_apply_devices(u.dp, NULL, 0); /* the next one has no need of it */
	assert_false(is_there());
	end(&u);
}

static void who_comes_in_front_of_it_is_behind_it_again(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", -1), link;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	begin(&u, state);
	assert_true(bring(&u, false, true)->nat);
	link = bpf_tcx_attach(device_index(), BPF_TC_INGRESS, foreign);
	assert_true(link >= 0);
	assert_int_equal(first_at_ingress(), id_of(foreign));
	bpf_dataplane_verify(u.dp);
	assert_true(the_device(&u)->nat);
	assert_true(is_there());
	end(&u);
	assert_int_equal(first_at_ingress(), id_of(foreign));
	close(link);
	close(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_there_while_a_plan_wants_it),
		cmocka_unit_test(it_outlasts_its_agent_and_is_the_next_ones),
		cmocka_unit_test(who_comes_in_front_of_it_is_behind_it_again),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

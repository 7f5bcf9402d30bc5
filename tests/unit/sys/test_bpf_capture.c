// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A capture comes and goes at a device's hooks: other programs are there while it is, and the same
 * as before when it is over, however it ends; nothing of it stays pinned. What the programs tell is
 * tests/bpf/test_capture's.
 */
#include "sys/bpf_capture.h"

#include "bpf_hooks.h"

#include "sys/loop.h"
#include "sys/worker.h"

#include <errno.h>

static const struct bpf_capture_asked all = {
	.requests = true, .replies = true, .bytes = 256, .length = 60 * NSEC_PER_SEC};

static bool is_pinned(const struct under_test *u)
{
	char path[BPF_PINS_PATH];

	assert_int_equal(bpf_pins_path(path, u->fixture->pin_dir, BPF_PINS_CAPTURE, "beside"), 0);
	return access(path, F_OK) == 0;
}

static uint32_t at_egress(void)
{
	return bpf_tcx_is_there() ? first_at_egress() : 0;
}

static void begin_on_device(struct under_test *u, void **state)
{
	begin(u, state);
	(void)apply(u, DEVICE, false);
}

/* A list of tcx takes a program once, so the one of the capture is loaded anew for it. */
static void who_comes_in_front_of_a_capture_is_behind_it_again(void **state)
{
	int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", -1), link;
	struct under_test u;
	uint32_t tc;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	begin_on_device(&u, state);
	assert_int_equal(bpf_capture_begin(bpf_dataplane_capture(u.dp), &all), 0);
	tc = at_egress();
	link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, foreign);
	assert_true(link >= 0);
	assert_int_equal(at_egress(), id_of(foreign));
	bpf_dataplane_verify(u.dp);
	assert_true(the_device(&u)->tc);
	assert_int_equal(at_egress(), tc);
	bpf_capture_end(bpf_dataplane_capture(u.dp));
	assert_int_equal(at_egress(), our_id(&u, "tc_reply"));
	end(&u);
	close(link);
	close(foreign);
}

static void on_frame(void *ctx, const struct bpf_captured *f)
{
	(void)ctx;
	(void)f;
}

static void other_programs_are_there_while_it_lasts(void **state)
{
	struct under_test u;
	struct bpf_capture *c;
	uint32_t xdp, tc;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_on_device(&u, state);
	c = bpf_dataplane_capture(u.dp);
	xdp = xdp_on(DEVICE);
	tc = at_egress();
	assert_int_equal(bpf_capture_state(c), -ENOENT);
	for (int i = 0; i < 2; i++) { /* one after the other */
		assert_int_equal(bpf_capture_begin(c, &all), 0);
		assert_int_equal(bpf_capture_begin(c, &all), -EBUSY);
		assert_int_equal(bpf_capture_state(c), 0);
		assert_int_not_equal(xdp_on(DEVICE), xdp);
		assert_true(tc == 0 || at_egress() != tc);
		assert_true(is_pinned(&u));
		bpf_capture_end(c);
		assert_int_equal(bpf_capture_state(c), -ENOENT);
		assert_int_equal(bpf_capture_read(c, 1, on_frame, NULL), 0); /* nor any more */
		assert_int_equal(xdp_on(DEVICE), xdp);
		assert_int_equal(at_egress(), tc);
		assert_false(is_pinned(&u));
	}
	end(&u);
}

/* A device that comes meanwhile has them, too. */
static void a_new_device_gets_what_the_others_have(void **state)
{
	struct under_test u;
	uint32_t xdp;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	xdp = our_id(&u, "xdp_lb");
	assert_int_equal(bpf_capture_begin(bpf_dataplane_capture(u.dp), &all), 0);
	(void)apply(&u, DEVICE, false);
	assert_int_not_equal(xdp_on(DEVICE), xdp);
	bpf_capture_end(bpf_dataplane_capture(u.dp));
	assert_int_equal(xdp_on(DEVICE), xdp);
	end(&u);
}

static void a_data_plane_that_is_closed_leaves_its_own_programs(void **state)
{
	struct under_test u;
	uint32_t xdp;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_on_device(&u, state);
	xdp = xdp_on(DEVICE);
	assert_int_equal(bpf_capture_begin(bpf_dataplane_capture(u.dp), &all), 0);
	assert_int_not_equal(xdp_on(DEVICE), xdp);
	u.dp = bpf_dataplane_close(u.dp);
	assert_int_equal(xdp_on(DEVICE), xdp);
	assert_false(is_pinned(&u));
	open_dp(&u);
	end(&u);
}

/* As after a crash: programs and pin are there when the next data plane opens. */
static void what_a_former_run_has_left_goes_with_the_first_devices(void **state)
{
	struct under_test u;
	struct bpf_capture_programs left;
	const struct lb_capture asked = {.bytes = 64};
	struct bpf_kept maps = {.btf_fd = -1, .sums_fd = -1};

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_on_device(&u, state);
	{
		struct bpf_programs p;
		const char *failure = NULL;

		assert_int_equal(bpf_load(&(struct bpf_load_args){.pin_dir = u.fixture->pin_dir},
					  u.arena, &p, &failure),
				 0);
		maps = p.maps;
		assert_int_equal(bpf_load_capture(&maps, u.fixture->pin_dir, &asked, &left), 0);
		bpf_unload_capture(&left);
		bpf_unload(&p);
	}
	u.dp = bpf_dataplane_close(u.dp);
	assert_true(is_pinned(&u));
	open_dp(&u);
	assert_true(u.adopted);
	(void)apply(&u, DEVICE, false);
	assert_int_equal(xdp_on(DEVICE), our_id(&u, "xdp_lb"));
	assert_false(is_pinned(&u));
	end(&u);
}

/* With the helper: whoever asked goes while it loads, and at the end all is as it was. */
static void one_that_is_ended_while_it_is_loaded_never_begins(void **state)
{
	const struct plan_device want = {
		.ifindex = device_index(), .name = DEVICE, .xdp = true, .tc = true};
	struct under_test u, like = {0};
	struct loop *loop = loop_new();
	struct bpf_capture *c;
	uint32_t xdp;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	like.worker = worker_new(loop);
	begin_like(&u, state, &like);
	bpf_dataplane_apply_devices(u.dp, &want, 1);
	worker_finish(u.worker);
	c = bpf_dataplane_capture(u.dp);
	xdp = xdp_on(DEVICE);
	assert_int_equal(bpf_capture_begin(c, &all), 0);
	assert_int_equal(bpf_capture_state(c), -EINPROGRESS);
	bpf_capture_end(c);
	assert_int_equal(bpf_capture_begin(c, &all), -EBUSY);
	worker_finish(u.worker);
	assert_int_equal(xdp_on(DEVICE), xdp);
	assert_false(is_pinned(&u));
	assert_int_equal(bpf_capture_begin(c, &all), 0);
	worker_finish(u.worker);
	worker_finish(u.worker);
	assert_int_equal(bpf_capture_state(c), 0);
	assert_int_not_equal(xdp_on(DEVICE), xdp);
	end(&u);
	worker_free(like.worker);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_in_front_of_a_capture_is_behind_it_again),
		cmocka_unit_test(other_programs_are_there_while_it_lasts),
		cmocka_unit_test(a_new_device_gets_what_the_others_have),
		cmocka_unit_test(a_data_plane_that_is_closed_leaves_its_own_programs),
		cmocka_unit_test(what_a_former_run_has_left_goes_with_the_first_devices),
		cmocka_unit_test(one_that_is_ended_while_it_is_loaded_never_begins),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

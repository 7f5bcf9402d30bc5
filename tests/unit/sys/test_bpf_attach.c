// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The hooks of devices against this machine's kernel. */
#include "bpf_hooks.h"

#include "sys/bpf_attach.h"
#include "sys/bpf_clsact.h"
#include "sys/bpf_pins.h"

#include "unit/agent/errors.h"

#include <pthread.h>
#include <sys/syscall.h>

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
	assert_true(ours_is_first(&u));
	u.dp = bpf_dataplane_close(u.dp);
	assert_int_equal(xdp_on(DEVICE), old);
	assert_false(nothing_at_egress());

	open_dp(&u);
	assert_int_equal(xdp_on(DEVICE), old); /* until the device is applied */
	is = apply(&u, DEVICE, false);
	assert_true(is->xdp && is->tc);
	assert_int_not_equal(xdp_on(DEVICE), old);
	assert_int_equal(xdp_on(DEVICE), our_id(&u, "xdp_lb"));
	assert_true(ours_is_first(&u));
	end(&u);
	assert_int_equal(xdp_on(DEVICE), 0);
	assert_true(nothing_at_egress());
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
	SKIP_WITHOUT_TCX();
	begin(&u, state);
	first = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, foreign);
	assert_true(first >= 0);
	assert_true(apply(&u, DEVICE, false)->tc);
	assert_int_equal(first_at_egress(), our_id(&u, "tc_reply"));

	second = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, other); /* puts itself in front */
	assert_true(second >= 0);
	assert_int_equal(first_at_egress(), id_of(other));
	assert_true(apply(&u, DEVICE, false)->tc); /* no news: nothing is asked */
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

/* --- hooks alone, with programs of the test's own --------------------------------------------- */

struct hooks {
	struct bpf_hook_args args;
	struct arena *arena;
	int spare_fd;
};

static int give_spare(const void *hooks, int *ret_fd)
{
	const struct hooks *h = hooks;

	*ret_fd = dup(h->spare_fd);
	return *ret_fd < 0 ? -errno : 0;
}

static void hooks_begin(struct hooks *h, const struct bpf_fixture *x, bool has_tcx)
{
	h->arena = arena_new();
	h->args = (struct bpf_hook_args){
		.hook = BPF_HOOK_REPLY,
		.pin_dir = x->pin_dir,
		.ifindex = device_index(),
		.name = DEVICE,
		.prog_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1),
		.load_again = give_spare,
		.programs = h,
		.has_tcx = has_tcx,
		.words = h->arena,
	};
	h->spare_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1);
	assert_int_equal(bpf_pins_prepare(x->pin_dir), 0);
}

static void hooks_end(struct hooks *h)
{
	close(h->args.prog_fd);
	close(h->spare_fd);
	assert_int_equal(bpf_dataplane_cleanup(h->args.pin_dir), 0);
	arena_free(h->arena);
}

static void attach(const struct hooks *h)
{
	struct bpf_refusal refusal = {.failure = NULL};

	if (bpf_attach_tc(&h->args, &refusal) != 0)
		fail_msg("%s", refusal.failure);
}

/* Looks at the list all the time, from a thread of its own. */
struct watcher {
	uint32_t ours, spare;
	bool stop;
	size_t n_looks, n_missing;
	pthread_t thread;
};

static void *watch(void *arg)
{
	struct watcher *w = arg;
	uint32_t ids[BPF_TCX_MAX];
	int ifindex = device_index();

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		int n = bpf_tcx_list(ifindex, BPF_TC_EGRESS, ids);
		bool found = false;

		for (int i = 0; i < n; i++)
			found = found || ids[i] == w->ours || ids[i] == w->spare;
		w->n_missing += !found;
		__atomic_fetch_add(&w->n_looks, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void watch_begin(struct watcher *w, const struct hooks *h)
{
	*w = (struct watcher){.ours = id_of(h->args.prog_fd), .spare = id_of(h->spare_fd)};
	assert_int_equal(pthread_create(&w->thread, NULL, watch, w), 0);
	while (__atomic_load_n(&w->n_looks, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

static void watch_end(struct watcher *w)
{
	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	pthread_join(w->thread, NULL);
}

static void the_head_is_retaken_without_a_moment_in_which_ours_is_missing(void **state)
{
	uint32_t ids[BPF_TCX_MAX];
	struct watcher w;
	struct hooks h;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	hooks_begin(&h, *state, true);
	attach(&h);
	watch_begin(&w, &h);
	for (unsigned i = 0; i < 10; i++) {
		int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
		int link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, foreign);

		assert_int_equal(first_at_egress(), id_of(foreign));
		attach(&h);
		assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids),
				 2); /* and no more than once */
		assert_int_equal(ids[0], w.ours);
		assert_int_equal(ids[1], id_of(foreign));
		close(link);
		close(foreign);
	}
	watch_end(&w);
	assert_true(w.n_looks > 10);
	assert_int_equal(w.n_missing, 0);
	hooks_end(&h);
	assert_int_equal(first_at_egress(), 0);
}

static void a_takeover_that_was_cut_short_is_ended_by_the_next_agent(void **state)
{
	uint32_t ids[BPF_TCX_MAX];
	char path[BPF_PINS_PATH], name[32];
	struct hooks h;
	int link, before;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	hooks_begin(&h, *state, true);
	for (unsigned swept = 0; swept < 2; swept++) {
		attach(&h);
		/* what is there when the agent dies between the pin and the rename */
		snprintf(name, sizeof(name), "tcx-%d-next", device_index());
		assert_int_equal(bpf_pins_path(path, h.args.pin_dir, BPF_PINS_LINKS, name), 0);
		link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, h.spare_fd);
		assert_int_equal(bpf_obj_pin(link, path), 0);
		close(link);
		assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids), 2);
		if (swept) {
			bpf_detach(h.args.pin_dir, device_index(), BPF_HOOK_REPLY);
			assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids), 0);
			continue;
		}
		before = errors_begin();
		attach(&h);
		assert_null(strstr(errors_end(before), "stays"));
		assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids), 1);
		assert_int_equal(ids[0], id_of(h.args.prog_fd));
		assert_int_equal(bpf_obj_get(path), -ENOENT);
	}
	hooks_end(&h);
}

/* Another's program, which goes to the head as soon as ours has taken it; -1: nobody's. */
static int rival = -1, rival_link = -1;
static uint32_t rival_of; /* the id of ours */

static void rival_comes(void)
{
	if (rival >= 0 && rival_link < 0 && first_at_egress() == rival_of)
		rival_link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, rival);
}

static void rival_begin(const struct hooks *h)
{
	rival = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "rival", 0);
	rival_of = id_of(h->args.prog_fd);
}

static void rival_end(void)
{
	close(rival_link);
	close(rival);
	rival = rival_link = -1;
}

/* In the place of libbpf's, as the next one. */
int bpf_obj_pin(int fd, const char *path)
{
	union bpf_attr attr = {.pathname = (uintptr_t)path, .bpf_fd = (uint32_t)fd};
	long error = syscall(__NR_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)) == 0 ? 0 : -errno;

	rival_comes();
	return (int)error;
}

int bpf_link_update(int link_fd, int prog_fd, const struct bpf_link_update_opts *opts)
{
	union bpf_attr attr = {
		.link_update = {.link_fd = (uint32_t)link_fd, .new_prog_fd = (uint32_t)prog_fd}};
	long error;

	assert_null(opts);
	error = syscall(__NR_bpf, BPF_LINK_UPDATE, &attr, sizeof(attr)) == 0 ? 0 : -errno;
	rival_comes();
	return (int)error;
}

static void a_head_that_is_lost_as_soon_as_it_is_retaken_is_reported(void **state)
{
	struct bpf_refusal refusal;
	uint32_t ids[BPF_TCX_MAX];
	struct hooks h;
	int foreign, link;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	hooks_begin(&h, *state, true);
	attach(&h);
	foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
	rival_begin(&h);
	link = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, foreign);
	assert_true(link >= 0);
	assert_int_equal(bpf_attach_tc(&h.args, &refusal), -EBUSY);
	assert_string_equal(refusal.reason, "TcNotFirst");
	assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids), 3);
	assert_int_equal(ids[0], id_of(rival));
	assert_int_equal(ids[1], id_of(h.args.prog_fd));
	rival_end();
	attach(&h);
	close(link);
	close(foreign);
	hooks_end(&h);
}

static void a_head_that_is_lost_as_soon_as_it_is_taken_is_reported(void **state)
{
	struct bpf_refusal refusal;
	struct hooks h;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	hooks_begin(&h, *state, true);
	rival_begin(&h);
	assert_int_equal(bpf_attach_tc(&h.args, &refusal), -EBUSY);
	assert_string_equal(refusal.reason, "TcNotFirst");
	assert_int_equal(first_at_egress(), id_of(rival));
	rival_end();
	attach(&h);
	assert_int_equal(first_at_egress(), id_of(h.args.prog_fd));
	hooks_end(&h);
}

/* The list takes no more than BPF_TCX_MAX programs; when others fill it in front of ours there is
 * no head to be had. */
static void a_program_that_stays_in_front_is_reported_and_ours_stays_behind_it(void **state)
{
	int programs[BPF_TCX_MAX - 1], links[BPF_TCX_MAX - 1];
	struct bpf_refusal refusal;
	uint32_t ids[BPF_TCX_MAX];
	struct hooks h;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
	hooks_begin(&h, *state, true);
	attach(&h);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		programs[i] = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
		links[i] = bpf_tcx_attach(device_index(), BPF_TC_EGRESS, programs[i]);
		assert_true(links[i] >= 0);
	}
	assert_int_equal(bpf_attach_tc(&h.args, &refusal), -EBUSY);
	assert_string_equal(refusal.reason, "TcNotFirst");
	assert_non_null(strstr(refusal.failure, DEVICE));
	assert_int_equal(bpf_tcx_list(device_index(), BPF_TC_EGRESS, ids), BPF_TCX_MAX);
	assert_int_equal(ids[BPF_TCX_MAX - 1], id_of(h.args.prog_fd));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		close(links[i]);
		close(programs[i]);
	}
	attach(&h);
	hooks_end(&h);
}

static void without_tcx_ours_is_the_first_classic_filter(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = device_index(), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct hooks h;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	hooks_begin(&h, *state, false);
	attach(&h);
	if (bpf_tcx_is_there())
		assert_int_equal(first_at_egress(), 0);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
	opts.prog_fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "foreign", 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	attach(&h);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 1);
	bpf_detach(h.args.pin_dir, device_index(), BPF_HOOK_REPLY);
	assert_int_equal(bpf_clsact_is_first(device_index(), BPF_TC_EGRESS), 0);
	close(opts.prog_fd);
	hooks_end(&h);
	run("tc qdisc del dev " DEVICE " clsact");
}

/* What bpf_attach_each() finds at the test's two devices, as bits. */
struct found {
	unsigned xdp, tc, generic; /* 1: DEVICE, 2: PEER */
};

static void note_found(void *ctx, const struct bpf_attached *a)
{
	unsigned bit = a->ifindex == device_index()              ? 1
		       : a->ifindex == (int)if_nametoindex(PEER) ? 2
								 : 4;
	struct found *f = ctx;

	*(a->hook == BPF_HOOK_XDP ? &f->xdp : &f->tc) |= bit;
	f->generic |= a->is_generic ? bit : 0;
}

static struct found find_attached(const char *pin_dir)
{
	struct found f = {0};

	assert_int_equal(bpf_attach_each(pin_dir, note_found, &f), 0);
	return f;
}

static void what_hangs_anywhere_is_found_by_its_pin_or_as_a_filter(void **state)
{
	struct hooks h;
	struct found f;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	for (int has_tcx = 0; has_tcx <= bpf_tcx_is_there(); has_tcx++) {
		hooks_begin(&h, *state, has_tcx);
		f = find_attached(h.args.pin_dir);
		assert_int_equal(f.xdp | f.tc, 0);
		attach(&h);
		f = find_attached(h.args.pin_dir);
		assert_true(f.tc == 1 && f.xdp == 0);
		bpf_detach(h.args.pin_dir, device_index(), BPF_HOOK_REPLY);
		f = find_attached(h.args.pin_dir);
		assert_int_equal(f.xdp | f.tc, 0);
		hooks_end(&h);
		if (!has_tcx)
			run("tc qdisc del dev " DEVICE " clsact");
	}
}

/* --- hooks under a data plane ----------------------------------------------------------------- */

static void a_foreign_classic_filter_does_not_matter(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = device_index(), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	SKIP_WITHOUT_TCX();
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
	assert_true(nothing_at_egress());

	assert_true(apply(&u, DEVICE, false)->xdp); /* the same after a restart */
	reopen(&u);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	assert_int_equal(xdp_on(DEVICE), 0);
	assert_true(nothing_at_egress());
	end(&u);
}

static void what_a_former_run_attached_is_known_before_anything_is_asked_for(void **state)
{
	const struct plan_actual_device *is;
	struct under_test u;
	size_t n;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_true(bpf_dataplane_is_pinned(u.fixture->pin_dir));
	assert_true(apply(&u, DEVICE, false)->xdp);
	reopen(&u);
	is = the_device(&u);
	assert_true(is->xdp && is->tc && !is->generic && !is->failure);
	assert_int_equal(is->ifindex, device_index());
	assert_string_equal(is->name, DEVICE);
	bpf_dataplane_verify(u.dp); /* looking again keeps it */
	assert_true(the_device(&u)->xdp);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	reopen(&u);
	bpf_dataplane_devices(u.dp, u.arena, &is, &n);
	assert_int_equal(n, 0);
	assert_true(bpf_dataplane_is_pinned(u.fixture->pin_dir)); /* the maps */
	end(&u);
	assert_false(bpf_dataplane_is_pinned(((struct bpf_fixture *)*state)->pin_dir));
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
		cmocka_unit_test(the_head_is_retaken_without_a_moment_in_which_ours_is_missing),
		cmocka_unit_test(a_head_that_is_lost_as_soon_as_it_is_retaken_is_reported),
		cmocka_unit_test(a_head_that_is_lost_as_soon_as_it_is_taken_is_reported),
		cmocka_unit_test(a_takeover_that_was_cut_short_is_ended_by_the_next_agent),
		cmocka_unit_test(
			a_program_that_stays_in_front_is_reported_and_ours_stays_behind_it),
		cmocka_unit_test(without_tcx_ours_is_the_first_classic_filter),
		cmocka_unit_test(what_hangs_anywhere_is_found_by_its_pin_or_as_a_filter),
		cmocka_unit_test(what_a_former_run_attached_is_known_before_anything_is_asked_for),
		cmocka_unit_test(a_foreign_classic_filter_does_not_matter),
		cmocka_unit_test(a_device_that_is_not_wanted_any_more_is_let_go),
		cmocka_unit_test(an_index_used_again_by_another_device_is_attached_anew),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

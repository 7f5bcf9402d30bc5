// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The far programs in this machine's kernel: loaded by the first need and not before, there before
 * anything leads to them, over restarts and captures; and a verifier that refuses one. Which need
 * there is says tests/unit/lb/test_lb_far.c.
 */
#include "bpf_hooks.h"

#include "sys/bpf_beside.h"
#include "sys/bpf_capture.h"
#include "sys/loop.h"
#include "sys/worker.h"

#include <dlfcn.h>
#include <sys/syscall.h>

#include "bpf/wire.h"

#define SLOTS "maps/beside"
#define NEAR  1 /* of BFD */

/* --- a verifier that refuses one -------------------------------------------------------------- */

static struct {
	const char *program; /* NULL: none */
	unsigned n_loads;    /* of programs that xdp_lb goes on with, tried or done */
} verifier;

/* In place of libc's, also for libbpf. */
long syscall(long number, ...)
{
	static long (*libc)(long number, ...);
	const union bpf_attr *attr;
	long args[6];
	va_list list;

	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "syscall");
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	attr = (const union bpf_attr *)args[1];
	if (number == __NR_bpf && args[0] == BPF_PROG_LOAD) {
		for (size_t i = 0; bpf_beside_far(i); i++)
			verifier.n_loads += strcmp(attr->prog_name, bpf_beside_far(i)) == 0;
		if (verifier.program && strcmp(attr->prog_name, verifier.program) == 0) {
			errno = E2BIG;
			return -1;
		}
	}
	return libc(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* --- when they are loaded --------------------------------------------------------------------- */

static struct lb_frontend end_of_tunnels(void)
{
	return (struct lb_frontend){.key = {.addr = ip_addr_from_v4(0x0a090099),
					    .port = LB_GUE_PORT,
					    .proto = IPPROTO_UDP},
				    .flags = LB_F_TUNNEL};
}

static bool has_far(const struct under_test *u)
{
	const char *failure;

	return bpf_dataplane_has_far(u->dp, &failure);
}

static void who_serves_his_own_pods_loads_none(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	verifier.n_loads = 0;
	begin(&u, state);
	put_web(&u, 0, 3);
	assert_int_equal(test(&u, 0), 0);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(n_slots(&u, SLOTS), NEAR);
	assert_int_equal(verifier.n_loads, 0);
	assert_false(has_far(&u));
	end(&u);
}

static int set_nat(struct under_test *u, uint16_t port)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);

	return ways.ops->nat(ways.ctx, u->now, port);
}

/* What needs them; the same call again once they are there. */
static int need(struct under_test *u, unsigned which)
{
	struct lb_frontend f = which == 0 ? far_web(u, 0, 3) : end_of_tunnels();

	return which == 2 ? set_nat(u, 20000) : put(u, &f);
}

static size_t n_tunnels(struct under_test *u)
{
	const struct lb_actual *all;
	size_t n = dump(u, &all), found = 0;

	for (size_t i = 0; i < n; i++) {
		found += (all[i].flags & LB_F_TUNNEL) != 0;
		for (size_t k = 0; k < all[i].n_targets; k++)
			found += !ip_addr_is_none(&all[i].targets[k].node);
	}
	return found;
}

static void the_first_need_loads_them_beside_the_loop(void **state)
{
	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	for (unsigned which = 0; which < 3; which++) {
		struct loop *loop = loop_new();
		struct worker *worker = worker_new(loop);
		struct under_test u;
		struct lb_frontend f;

		begin_like(&u, state, &(struct under_test){.worker = worker});
		f = vip(0);
		assert_int_equal(put(&u, &f), 0);
		for (unsigned i = 0; i < 4 && n_slots(&u, SLOTS) == NEAR; i++) {
			assert_int_equal(need(&u, which), -EINPROGRESS);
			assert_int_equal(n_tunnels(&u), 0);
			assert_false(has_far(&u));
			worker_finish(worker); /* for tables, then for programs */
			assert_false(bpf_dataplane_is_growing(u.dp));
		}
		assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
		while (need(&u, which) == -EINPROGRESS)
			worker_finish(worker);
		assert_int_equal(need(&u, which), 0);
		assert_true(has_far(&u));
		assert_int_equal(n_tunnels(&u), which < 2);
		verifier.n_loads = 0;
		assert_int_equal(set_nat(&u, 0), 0);
		assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
		assert_int_equal(verifier.n_loads, 0);
		end(&u);
		worker_free(worker);
		loop_free(loop);
	}
}

/* The helper has them in their slots before it is taken at its word. */
static void who_waits_for_them_does_not_turn_round_and_round(void **state)
{
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	struct lb_frontend f;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_like(&u, state, &(struct under_test){.worker = worker});
	f = end_of_tunnels(); /* for which no table must grow */
	assert_int_equal(put(&u, &f), -EINPROGRESS);
	assert_true(bpf_dataplane_is_growing(u.dp));
	worker_finish(worker);
	assert_false(bpf_dataplane_is_growing(u.dp));
	assert_int_equal(put(&u, &f), 0);
	end(&u);
	worker_free(worker);
	loop_free(loop);
}

/* --- over restarts ---------------------------------------------------------------------------- */

/* They are in their slots when it is opened: before any hook is given the new programs. */
static void tables_that_lead_to_them_are_taken_over_with_them(void **state)
{
	struct lb_frontend f;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	f = far_web(&u, 0, 3);
	assert_int_equal(put(&u, &f), 0);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
	assert_true(has_far(&u));
	f = web(&u, 0, 3);
	assert_int_equal(put(&u, &f), 0);
	reopen(&u); /* nothing leads to them any more */
	assert_true(u.adopted);
	assert_int_equal(n_slots(&u, SLOTS), NEAR);
	end(&u);
}

/* A refusal leaves the former programs where they are, which have them. */
static void without_them_such_tables_are_not_taken_over(void **state)
{
	const char *failure = NULL;
	struct bpf_dataplane *dp;
	struct lb_frontend f;
	struct under_test u;
	bool adopted;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	f = far_web(&u, 0, 3);
	assert_int_equal(put(&u, &f), 0);
	u.dp = bpf_dataplane_close(u.dp);
	verifier.program = "xdp_nat";
	assert_int_equal(
		bpf_dataplane_open(&(struct bpf_dataplane_args){.pin_dir = u.fixture->pin_dir},
				   u.arena, u.now, &dp, &adopted, &failure),
		-E2BIG);
	verifier.program = NULL;
	assert_string_equal(failure, "the program xdp_nat: Argument list too long");
	open_dp(&u);
	assert_true(u.adopted);
	end(&u);
}

/*
 * The programs of a former run go on with what they have, which is none of ours: what is attached
 * is ours before anything leads there.
 */
static void what_is_attached_still_is_replaced_first(void **state)
{
	struct lb_frontend f;
	struct under_test u;
	uint32_t before;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	(void)apply(&u, DEVICE, false);
	before = xdp_on(DEVICE);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(xdp_on(DEVICE), before);
	f = far_web(&u, 0, 3);
	assert_int_equal(put(&u, &f), -EINPROGRESS);
	assert_false(bpf_dataplane_is_growing(u.dp)); /* the helper has nothing to do */
	assert_true(bpf_dataplane_waits_for_hooks(u.dp));
	assert_int_equal(set_nat(&u, 20000), -EINPROGRESS);
	assert_int_equal(n_tunnels(&u), 0);
	(void)apply(&u, DEVICE, false);
	assert_int_not_equal(xdp_on(DEVICE), before);
	assert_false(bpf_dataplane_waits_for_hooks(u.dp));
	assert_int_equal(put(&u, &f), 0);
	end(&u);
}

/* --- beside a capture ------------------------------------------------------------------------- */

/* Its programs go on with their own kind, whatever comes meanwhile. */
static void a_capture_has_its_own_from_the_beginning(void **state)
{
	const struct bpf_capture_asked all = {
		.requests = true, .replies = true, .bytes = 64, .length = 10 * NSEC_PER_SEC};
	struct bpf_capture *c;
	struct lb_frontend f;
	struct under_test u;
	int ours, its;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	(void)apply(&u, DEVICE, false);
	c = bpf_dataplane_capture(u.dp);
	assert_int_equal(bpf_capture_begin(c, &all), 0);
	assert_int_equal(bpf_capture_state(c), 0);
	assert_int_equal(n_slots(&u, SLOTS), NEAR);
	assert_int_equal(n_slots(&u, "capture/beside"), BESIDE_SLOTS);
	f = far_web(&u, 0, 3);
	assert_int_equal(put(&u, &f), 0);
	assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
	ours = pinned(&u, SLOTS);
	its = pinned(&u, "capture/beside");
	for (__u32 at = 0, a, b; at < BESIDE_SLOTS; at++) {
		assert_int_equal(bpf_map_lookup_elem(ours, &at, &a), 0);
		assert_int_equal(bpf_map_lookup_elem(its, &at, &b), 0);
		assert_int_not_equal(a, b);
	}
	close(ours);
	close(its);
	bpf_capture_end(c);
	assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
	end(&u);
}

/* --- refused ---------------------------------------------------------------------------------- */

static void what_is_refused_is_said_costs_only_who_needs_it_and_is_tried_again(void **state)
{
	const char *failure;
	struct lb_frontend f;
	struct under_test u;
	nsec_t wait = NSEC_PER_SEC;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	f = far_web(&u, 0, 3);
	put_web(&u, 0, 3);
	verifier.program = "xdp_tunnel"; /* the one that is tried first */
	for (unsigned i = 0; i < 10; i++) {
		verifier.n_loads = 0;
		assert_int_equal(put(&u, &f), -E2BIG);
		assert_true(verifier.n_loads > 0);
		assert_false(bpf_dataplane_has_far(u.dp, &failure));
		assert_string_equal(failure, "the program xdp_tunnel: Argument list too long");
		assert_int_equal(n_slots(&u, SLOTS), NEAR);
		assert_int_equal(n_tunnels(&u), 0);
		put_web(&u, 1, 3); /* others are served meanwhile */
		assert_int_equal(test(&u, 0), 0);
		verifier.n_loads = 0;
		u.now += wait - 1;
		assert_int_equal(put(&u, &f), -E2BIG);
		assert_int_equal(verifier.n_loads, 0);
		u.now++;
		wait = nsec_min(2 * wait, 256 * NSEC_PER_SEC);
	}
	verifier.program = NULL;
	assert_int_equal(put(&u, &f), 0);
	assert_true(bpf_dataplane_has_far(u.dp, &failure));
	assert_null(failure);
	assert_int_equal(n_slots(&u, SLOTS), BESIDE_SLOTS);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_serves_his_own_pods_loads_none),
		cmocka_unit_test(the_first_need_loads_them_beside_the_loop),
		cmocka_unit_test(who_waits_for_them_does_not_turn_round_and_round),
		cmocka_unit_test(tables_that_lead_to_them_are_taken_over_with_them),
		cmocka_unit_test(without_them_such_tables_are_not_taken_over),
		cmocka_unit_test(what_is_attached_still_is_replaced_first),
		cmocka_unit_test(a_capture_has_its_own_from_the_beginning),
		cmocka_unit_test(
			what_is_refused_is_said_costs_only_who_needs_it_and_is_tried_again),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

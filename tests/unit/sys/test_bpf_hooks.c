// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Hooks that the helper attaches: until it is back, what is told is what was before, and nothing
 * waits for it. The helper is held up by jobs that wait for a word.
 */
#include "sys/bpf_hooks.h"

#include "bpf_fixture.h"

#include "sys/bpf_dataplane.h"
#include "sys/loop.h"
#include "sys/worker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include "bpf/abi.h"

/* Holds the helper up until it is opened. */
struct barrier {
	struct worker_job base; /* first */
	int ends[2];            /* that it is opened by */
	int reached[2];
};

struct hooks_rig {
	struct bpf_fixture *fixture;
	struct arena *arena;
	struct bpf_programs programs;
	struct lb_uplinks uplinks;
	struct bpf_hooks *hooks;
	struct loop *loop;
	struct worker *worker;
};

static void wait_at_barrier(struct worker_job *base)
{
	const struct barrier *b = (struct barrier *)base;
	char word;

	assert_int_equal(write(b->reached[1], "r", 1), 1);
	assert_int_equal(read(b->ends[0], &word, 1), 1);
}

static void pass(struct worker_job *base)
{
	const struct barrier *b = (struct barrier *)base;

	for (int i = 0; i < 2; i++)
		assert_int_equal(close(b->ends[i]) + close(b->reached[i]), 0);
}

static void hold_up(const struct hooks_rig *r, struct barrier *b)
{
	*b = (struct barrier){.base = {.run = wait_at_barrier, .done = pass}};
	assert_int_equal(pipe(b->ends) + pipe(b->reached), 0);
	worker_add(r->worker, &b->base);
}

static void wait_until_reached(const struct barrier *b)
{
	char word;

	assert_int_equal(read(b->reached[0], &word, 1), 1);
}

static void let_go(const struct barrier *b)
{
	assert_int_equal(write(b->ends[1], "g", 1), 1);
}

static void begin(struct hooks_rig *r, void **state)
{
	const char *failure = NULL;

	*r = (struct hooks_rig){.fixture = *state, .arena = arena_new(), .loop = loop_new()};
	r->worker = worker_new(r->loop);
	r->uplinks.words = xcalloc(LB_UPLINKS, sizeof(*r->uplinks.words));
	if (bpf_load(&(struct bpf_load_args){.pin_dir = r->fixture->pin_dir}, r->arena,
		     &r->programs, &failure) != 0)
		fail_msg("load: %s", failure);
	r->hooks = bpf_hooks_new(r->fixture->pin_dir, &r->programs, &r->uplinks, -1);
	bpf_hooks_use_worker(r->hooks, r->worker);
}

static void end(struct hooks_rig *r)
{
	bpf_hooks_free(r->hooks);
	bpf_unload(&r->programs);
	worker_free(r->worker);
	loop_free(r->loop);
	arena_free(r->arena);
	free(r->uplinks.words);
	assert_int_equal(bpf_dataplane_cleanup(r->fixture->pin_dir), 0);
}

static uint32_t xdp_on_device(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id(device_index(), 0, &id), 0);
	return id;
}

static struct plan_device wish(bool tc)
{
	return (struct plan_device){
		.ifindex = device_index(), .name = DEVICE, .xdp = true, .tc = tc};
}

static size_t n_told(const struct hooks_rig *r, const struct plan_actual_device **ret)
{
	size_t n;

	bpf_hooks_devices(r->hooks, r->arena, ret, &n);
	return n;
}

static void until_the_helper_is_back_all_is_as_before(void **state)
{
	const struct plan_actual_device *told;
	struct plan_device want = wish(true);
	struct barrier barrier;
	struct hooks_rig r;
	unsigned generation;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	generation = bpf_hooks_generation(r.hooks);
	assert_false(bpf_hooks_have_readers(r.hooks));
	hold_up(&r, &barrier);
	bpf_hooks_apply(r.hooks, &want, 1);
	assert_true(bpf_hooks_are_away(r.hooks));
	assert_int_equal(n_told(&r, &told), 0);
	assert_int_equal(xdp_on_device(), 0);
	assert_int_equal(bpf_hooks_generation(r.hooks), generation);
	/* It may be attached before that is known. */
	assert_true(bpf_hooks_have_readers(r.hooks));
	let_go(&barrier);
	worker_finish(r.worker);
	assert_false(bpf_hooks_are_away(r.hooks));
	assert_int_equal(n_told(&r, &told), 1);
	assert_true(told->xdp && told->tc);
	assert_int_not_equal(xdp_on_device(), 0);
	assert_int_not_equal(bpf_hooks_generation(r.hooks), generation);
	assert_true(bpf_hooks_have_readers(r.hooks));
	end(&r);
}

static void no_program_that_was_refused_reads(void **state)
{
	const struct plan_actual_device *told;
	struct plan_device want = wish(false);
	int foreign = foreign_program(BPF_PROG_TYPE_XDP, "foreign", XDP_PASS);
	struct hooks_rig r;
	unsigned generation;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	assert_int_equal(bpf_xdp_attach(device_index(), foreign, XDP_FLAGS_DRV_MODE, NULL), 0);
	bpf_hooks_apply(r.hooks, &want, 1);
	worker_finish(r.worker);
	assert_int_equal(n_told(&r, &told), 1);
	assert_string_equal(told->failure_reason, "XdpBusy");
	assert_false(bpf_hooks_have_readers(r.hooks));
	/* Again with each plan; that it is refused again is no news, or there were plans for ever.
	 */
	generation = bpf_hooks_generation(r.hooks);
	bpf_hooks_apply(r.hooks, &want, 1);
	assert_true(bpf_hooks_are_away(r.hooks));
	worker_finish(r.worker);
	assert_int_equal(bpf_hooks_generation(r.hooks), generation);
	assert_int_equal(bpf_xdp_detach(device_index(), XDP_FLAGS_DRV_MODE, NULL), 0);
	bpf_hooks_apply(r.hooks, &want, 1);
	worker_finish(r.worker);
	assert_int_not_equal(bpf_hooks_generation(r.hooks), generation);
	assert_int_equal(n_told(&r, &told), 1);
	assert_true(told->xdp);
	end(&r);
	close(foreign);
}

/* The plan that comes in between is applied when the helper is back: the caller is told. */
static void other_devices_wait_for_the_helper(void **state)
{
	const struct plan_actual_device *told;
	struct plan_device want = wish(true);
	struct barrier barrier;
	struct hooks_rig r;
	unsigned generation;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	bpf_hooks_apply(r.hooks, &want, 1);
	worker_finish(r.worker);
	generation = bpf_hooks_generation(r.hooks);
	hold_up(&r, &barrier);
	bpf_hooks_verify(r.hooks);
	bpf_hooks_apply(r.hooks, &want, 1); /* these are what it is at */
	let_go(&barrier);
	worker_finish(r.worker);
	assert_int_equal(bpf_hooks_generation(r.hooks), generation);

	hold_up(&r, &barrier);
	bpf_hooks_verify(r.hooks);
	bpf_hooks_apply(r.hooks, NULL, 0);
	let_go(&barrier);
	worker_finish(r.worker);
	assert_int_not_equal(xdp_on_device(), 0);
	assert_false(bpf_hooks_are_gone(r.hooks));
	assert_int_not_equal(bpf_hooks_generation(r.hooks), generation);
	generation = bpf_hooks_generation(r.hooks);
	bpf_hooks_apply(r.hooks, NULL, 0);
	worker_finish(r.worker);
	assert_int_equal(xdp_on_device(), 0);
	assert_int_equal(n_told(&r, &told), 0);
	assert_true(bpf_hooks_are_gone(r.hooks));
	assert_int_not_equal(bpf_hooks_generation(r.hooks), generation);
	bpf_hooks_verify(r.hooks); /* there is nothing to look at, so nobody waits for the helper */
	assert_false(bpf_hooks_are_away(r.hooks));
	end(&r);
}

/* Somebody took our program away behind the helper's back, who looked a moment before. */
static void what_happens_while_the_helper_looks_is_seen_afterwards(void **state)
{
	struct plan_device want = wish(false);
	struct barrier barrier, second;
	char path[128];
	struct hooks_rig r;
	int link;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	bpf_hooks_apply(r.hooks, &want, 1);
	worker_finish(r.worker);
	hold_up(&r, &barrier);
	bpf_hooks_verify(r.hooks);
	hold_up(&r, &second); /* the helper gets here once it has looked */
	let_go(&barrier);
	wait_until_reached(&second);
	snprintf(path, sizeof(path), "%s/links/xdp-%d", r.fixture->pin_dir, device_index());
	link = bpf_obj_get(path);
	assert_true(link >= 0);
	assert_int_equal(bpf_link_detach(link), 0);
	close(link);
	assert_int_equal(xdp_on_device(), 0);
	bpf_hooks_verify(r.hooks); /* an event says so, while nobody has told that it is back */
	let_go(&second);
	worker_finish(r.worker);
	assert_int_not_equal(xdp_on_device(), 0);
	end(&r);
}

/* A VLAN that is another world, on the device and on a port of it, while it is wanted. */
static void domains_of_vlans_are_written_and_go_with_their_vlan(void **state)
{
	struct hooks_rig r;
	struct plan_device want = wish(false);
	const struct plan_vlan vlans[] = {{.ifindex = want.ifindex, .tag = 100, .domain = 7},
					  {.ifindex = want.ifindex + 1, .tag = 100, .domain = 7}};
	uint64_t *words[2];

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	bpf_hooks_use_worker(r.hooks, NULL);
	for (size_t i = 0; i < 2; i++)
		words[i] = &r.uplinks.words[lb_uplink_vlan_hash((uint32_t)vlans[i].ifindex, 100)];
	want.vlans = vlans;
	for (size_t n = 2; n-- > 0;) {
		want.n_vlans = n + 1;
		bpf_hooks_apply(r.hooks, &want, 1);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(*words[i],
					 i > n ? 0
					       : lb_uplink_vlan((uint32_t)vlans[i].ifindex, 100) |
							 7ull << LB_UPLINK_DOMAIN_SHIFT);
	}
	want.n_vlans = 0;
	bpf_hooks_apply(r.hooks, &want, 1);
	assert_int_equal(*words[0], 0);
	bpf_hooks_apply(r.hooks, NULL, 0);
	end(&r);
}

static void a_domain_is_found_by_its_device(void **state)
{
	struct hooks_rig r;
	struct plan_device want = wish(false);

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	bpf_hooks_use_worker(r.hooks, NULL);
	want.domain = 7;
	bpf_hooks_apply(r.hooks, &want, 1);
	assert_int_equal(bpf_hooks_device_of(r.hooks, 7), want.ifindex);
	assert_int_equal(bpf_hooks_device_of(r.hooks, 8), 0);
	assert_int_equal(bpf_hooks_device_of(r.hooks, 0), 0);
	bpf_hooks_apply(r.hooks, NULL, 0);
	end(&r);
}

/* What the map has for a domain; 0: nothing. */
static uint32_t vrf_of(int vrfs, uint32_t domain)
{
	uint32_t vrf = 0;

	return bpf_map_lookup_elem(vrfs, &domain, &vrf) == 0 ? vrf : 0;
}

/* Whichever of the two the map has first. */
static void the_vrf_of_a_domain_goes_with_its_last_device(void **state)
{
	struct hooks_rig r;
	struct plan_device want[2] = {wish(false), wish(false)};
	int vrfs;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&r, state);
	vrfs = bpf_map_create(BPF_MAP_TYPE_HASH, "vrfs", 4, 4, LB_VRFS, NULL);
	assert_true(vrfs >= 0);
	bpf_hooks_free(r.hooks);
	r.hooks = bpf_hooks_new(r.fixture->pin_dir, &r.programs, &r.uplinks, vrfs);
	want[0].xdp = want[1].xdp = false;
	want[0].domain = 7;
	want[0].vrf = 70;
	want[1].ifindex++;
	want[1].domain = 8;
	want[1].vrf = 80;
	for (size_t left = 0; left < 2; left++) {
		bpf_hooks_apply(r.hooks, want, 2);
		assert_int_equal(vrf_of(vrfs, 7), 70);
		assert_int_equal(vrf_of(vrfs, 8), 80);
		bpf_hooks_apply(r.hooks, &want[left], 1);
		assert_int_equal(vrf_of(vrfs, 7), left == 0 ? 70 : 0);
		assert_int_equal(vrf_of(vrfs, 8), left == 0 ? 0 : 80);
	}
	bpf_hooks_apply(r.hooks, NULL, 0);
	assert_int_equal(vrf_of(vrfs, 8), 0);
	close(vrfs);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(until_the_helper_is_back_all_is_as_before),
		cmocka_unit_test(no_program_that_was_refused_reads),
		cmocka_unit_test(other_devices_wait_for_the_helper),
		cmocka_unit_test(what_happens_while_the_helper_looks_is_seen_afterwards),
		cmocka_unit_test(domains_of_vlans_are_written_and_go_with_their_vlan),
		cmocka_unit_test(the_vrf_of_a_domain_goes_with_its_last_device),
		cmocka_unit_test(a_domain_is_found_by_its_device),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

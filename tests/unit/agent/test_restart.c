// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A whole agent with a data plane on this machine's kernel, that dies and comes back while
 * something is wrong or different: what is adopted stays by the gates, in the first step as in all
 * later ones. The uplink is a veth in the test's own namespaces; the router is that of router.h.
 */
#include "agent_rig.h"

#include "agent/apply.h"
#include "agent/discards.h"
#include "agent/problems_own.h"
#include "agent/reconcile.h"
#include "errors.h"
#include "sys/bpf_dataplane.h"
#include "sys/files.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#define UPLINK "lt-up"
#define MODE(mode)                                                                                 \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"    \
	"spec: {drainSeconds: 1, dataplane: {mode: \"" mode "\", uplinks: [" UPLINK "]}}\n"

/* NULL: BPF or namespaces are refused here. What is pinned goes with the process. */
static struct agent_rig *rig_with_dataplane(void)
{
	struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct agent_rig *rig = rig_new();
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, 2, NULL);

	if (fd < 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		rig_free(rig);
		print_message("SKIPPED: BPF or namespaces are refused here\n");
		return NULL;
	}
	close(fd);
	while (umount2("/sys/fs/bpf", MNT_DETACH) == 0)
		;
	snprintf(rig->pin, sizeof(rig->pin), "/sys/fs/bpf/lt-agent-%d", getpid());
	assert_int_equal(system("ip link add " UPLINK " type veth peer name lt-far &&"
				" ip link set " UPLINK " up && ip link set lt-far up"),
			 0);
	rig_write(rig, "a-config.yaml", MODE("auto"));
	rig_start(rig);
	return rig;
}

#define NEEDS_DATAPLANE(rig)                                                                       \
	do {                                                                                       \
		if (!(rig))                                                                        \
			skip();                                                                    \
	} while (0)

/* --- questions -------------------------------------------------------------------------------- */

static bool is_attached(void)
{
	uint32_t id = 0;

	return bpf_xdp_query_id((int)if_nametoindex(UPLINK), 0, &id) == 0 && id != 0;
}

/* VIPs and ports in the maps. */
static size_t n_programmed(const struct agent_rig *rig)
{
	const struct lb_actual *all;
	struct arena *arena = arena_new();
	struct lb_store store;
	size_t n = 0;

	if (rig->agent.dataplane) {
		store = bpf_dataplane_store(rig->agent.dataplane);
		store.ops->dump(store.ctx, arena, &all, &n);
	}
	arena_free(arena);
	return n;
}

static bool serves(const struct agent_rig *rig)
{
	return rig_announces(rig) && n_programmed(rig) == 2 && is_attached();
}

static nsec_t wait_until;
static bool time_is_over(const struct agent_rig *rig)
{
	(void)rig;
	return clock_now() >= wait_until;
}

/* Runs on for a while, in which the maps and the hook stay at every step. */
static bool still_serves(const struct agent_rig *rig)
{
	if (rig->agent.current)
		assert_int_equal(n_programmed(rig), 2);
	assert_true(is_attached());
	return time_is_over(rig);
}

static bool serves_and_is_quiet(const struct agent_rig *rig)
{
	return serves(rig) && clock_now() - rig->agent.planned_at > 200 * NSEC_PER_MSEC;
}

/* It comes back when the agent wants to, and not each millisecond as the rig does. */
static nsec_t idle_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	const nsec_t next = reconcile_step(&rig->agent, now);

	rig->turns++;
	if (now > rig->give_up)
		loop_stop(rig->agent.loop);
	return nsec_min(next, rig->give_up + 1);
}

/* A loop that spins makes thousands of turns; the walk through the flow table takes a few. */
static void an_idle_agent_sleeps(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves_and_is_quiet);
	rig->turns = 0;
	rig->give_up = clock_now() + 2 * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_in_range(rig->turns, 1, 200);
	rig_free(rig);
}

/* Crashes, and starts again with the router and its counts anew. */
static void crash_and_start(struct agent_rig *rig)
{
	rig_crash(rig);
	router_free(rig->router);
	rig->router = router_new();
	rig_start(rig);
}

static void move_config(const struct agent_rig *rig, const char *from, const char *to)
{
	char a[128], b[128];

	snprintf(a, sizeof(a), "%s%s", rig->config, from);
	snprintf(b, sizeof(b), "%s%s", rig->config, to);
	assert_int_equal(rename(a, b), 0);
}

/* --- complete (5) ----------------------------------------------------------------------------- */

static void restart_without_the_folder_keeps_maps_and_hooks(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	rig_crash(rig);
	move_config(rig, "", ".away");
	crash_and_start(rig);
	wait_until = clock_now() + 1500 * NSEC_PER_MSEC;
	RIG_WAIT(rig, still_serves);
	assert_true(rig->agent.adopted);
	assert_false(rig->agent.current->plan.end_of_rib);
	move_config(rig, ".away", "");
	RIG_WAIT(rig, serves);
	rig_free(rig);
}

/* --- what was served in this boot ------------------------------------------------------------ */

static struct lb_vip first_vip(const struct agent_rig *rig)
{
	const struct lb_key *key = &rig->agent.current->plan.frontends[0].lb.key;

	return (struct lb_vip){.addr = key->addr, .domain = key->domain};
}

static bool is_written_down(const struct agent_rig *rig)
{
	char path[160], address[IP_ADDR_TEXT], line[80];
	_cleanup_(freep) char *text = NULL;
	struct lb_vip vip;
	size_t len;

	if (!serves(rig))
		return false;
	vip = first_vip(rig);
	snprintf(path, sizeof(path), "%s/served.yaml", rig->state);
	snprintf(line, sizeof(line), "\n- %s %u\n", ip_addr_text(&vip.addr, address), vip.domain);
	return file_read(path, 4096, &text, &len) == 0 && strstr(text, line);
}

/* Also when its tables are gone: its rows begin unsettled then. */
static void what_is_served_is_known_to_the_next_agent(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();
	struct lb_vip vip;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, is_written_down);
	vip = first_vip(rig);
	crash_and_start(rig);
	assert_true(rig->agent.served.is_known);
	assert_int_equal(rig->agent.served.n, 1);
	assert_memory_equal(&rig->agent.served.vips[0], &vip, sizeof(vip));
	rig_free(rig);
}

/* --- unheld (2) ------------------------------------------------------------------------------- */

static nsec_t withdrawn_at, gone_at;
static bool is_gone(const struct agent_rig *rig)
{
	const struct agent *agent = &rig->agent;
	const nsec_t now = loop_now(agent->loop); /* of this step, as the plan was given it */

	if (!withdrawn_at && agent->peers.n &&
	    bgp_peer_info(agent->peers.items[0]->bgp).end_of_rib_sent)
		withdrawn_at = now;
	if (agent->current && n_programmed(rig) == 0)
		gone_at = now;
	return gone_at != 0;
}

/* The router holds the route as stale until End-of-RIB; then its FIB has two seconds. */
static void service_removed_meanwhile_leaves_after_end_of_rib(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	rig_crash(rig);
	rig_remove(rig, "s1.yaml");
	withdrawn_at = gone_at = 0;
	crash_and_start(rig);
	RIG_WAIT(rig, is_gone);
	assert_true(withdrawn_at != 0);
	assert_true(gone_at >= withdrawn_at + PLAN_UNHELD_NS);
	assert_true(is_attached());
	rig_free(rig);
}

/* --- mode off --------------------------------------------------------------------------------- */

static nsec_t left_at;
static bool is_left(const struct agent_rig *rig)
{
	char path[160];

	if (rig->agent.current && rig->agent.current->plan.leaving) {
		assert_int_equal(rig->router->announced, 0);
		assert_true(is_attached() || n_programmed(rig) == 0);
	}
	snprintf(path, sizeof(path), "%s/maps", rig->pin);
	if (left_at == 0 && access(path, F_OK) != 0)
		left_at = clock_now();
	return left_at != 0 && rig->router->announced > 0;
}

static void mode_off_at_a_restart_adopts_then_leaves(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();
	nsec_t started_at = clock_now();

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	rig_crash(rig);
	rig_write(rig, "a-config.yaml", MODE("off"));
	left_at = 0;
	crash_and_start(rig);
	started_at = clock_now();
	RIG_WAIT(rig, is_left);
	assert_true(left_at >= started_at + PLAN_UNHELD_NS + NSEC_PER_SEC);
	assert_false(is_attached());
	assert_null(rig->agent.dataplane);
	assert_int_equal(rig->router->withdrawn, 0);
	rig_free(rig);
}

static bool has_withdrawn(const struct agent_rig *rig)
{
	if (rig->router->withdrawn == 0)
		assert_true(n_programmed(rig) == 2 && is_attached());
	return rig->router->withdrawn > 0;
}

static bool is_off(const struct agent_rig *rig)
{
	return !rig->agent.dataplane && rig->router->announced > 1;
}

static void mode_off_at_run_time_withdraws_first(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();
	nsec_t at;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	at = clock_now(); /* before the withdraw: this test may see that late */
	rig_write(rig, "a-config.yaml", MODE("off"));
	RIG_WAIT(rig, has_withdrawn);
	assert_string_equal(rig->agent.current->plan.services[0].reason, "dataPlaneLeaving");
	RIG_WAIT(rig, is_off);
	assert_true(clock_now() >= at + PLAN_UNHELD_NS + NSEC_PER_SEC);
	assert_false(is_attached());
	rig_write(rig, "a-config.yaml", MODE("auto"));
	RIG_WAIT(rig, serves);
	rig_free(rig);
}

/* --- failures --------------------------------------------------------------------------------- */

static bool is_failing(const struct agent_rig *rig)
{
	return rig_problem(rig, "DataPlaneFailed");
}

static bool serves_well(const struct agent_rig *rig)
{
	return serves(rig) && !is_failing(rig);
}

/* The pins are out of sight for a while, and nothing of that is told for longer. */
static void a_dataplane_that_failed_is_adopted_by_the_next_try(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	rig_crash(rig);
	assert_int_equal(mount("none", rig->pin, "tmpfs", 0, NULL), 0);
	crash_and_start(rig);
	RIG_WAIT(rig, is_failing);
	assert_in_range(rig->agent.dataplane_retry_at, clock_now(), NSEC_NEVER - 1);
	assert_null(rig->agent.dataplane);
	assert_int_equal(umount(rig->pin), 0);
	rig->agent.dataplane_retry_at = 0;
	agent_input_changed(&rig->agent.inputs, INPUT_SINKS);
	RIG_WAIT(rig, serves_well);
	assert_true(rig->agent.adopted);
	assert_null(rig->agent.dataplane_failure);
	rig_free(rig);
}

static void what_the_store_refuses_is_logged_when_it_begins_or_changes(void **state)
{
	static const struct {
		int error;
		bool logged;
	} rounds[] = {
		{-ENOSPC, true}, {-ENOSPC, false}, {-EAGAIN, true}, {0, false}, {-EAGAIN, true}};
	static const char words[] = "not all could be programmed";
	struct agent_rig *rig = rig_with_dataplane();
	struct agent *a;
	nsec_t now, since = 0;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	a = &rig->agent;
	now = clock_now();
	log_init(LOG_LEVEL_INFO, false);
	for (size_t i = 0; i < ARRAY_SIZE(rounds); i++) {
		const int errors = errors_begin();
		const char *said;

		a->applying.result = (struct plan_apply_result){.n_done = i,
								.n_failed = rounds[i].error != 0,
								.first_error = rounds[i].error};
		a->denying.is_under_way = true;
		(void)apply_go_on(a, ++now);
		said = errors_end(errors);
		assert_int_equal(strstr(said, words) != NULL, rounds[i].logged);
		assert_int_equal(strstr(said, "dataplane: programmed\"") != NULL, i > 0);
		assert_int_equal(a->retry_at == NSEC_NEVER, rounds[i].error == 0);
		assert_true(a->retry_at > now); /* not in the same turn, again and again */
		since = rounds[i].error == 0 ? 0 : since ? since : now;
		if (since)
			assert_int_equal(a->refused.since, since);
	}
	rig_free(rig);
}

static void denied_prefixes_that_stay_out_are_a_problem_once_it_lasts(void **state)
{
	static const struct {
		int error;
		nsec_t lasts;
		bool told;
	} cases[] = {
		{0, 10 * NSEC_PER_SEC, false},
		{-EAGAIN, 3 * NSEC_PER_SEC - 1, false},
		{-EAGAIN, 3 * NSEC_PER_SEC, true},
		{-ENOSPC, 0, true},
	};
	struct agent_rig *rig = rig_with_dataplane();
	const nsec_t now = 100 * NSEC_PER_SEC;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena *arena = arena_new();
		struct problems list = {.arena = arena};
		size_t n = 0;

		rig->agent.denying.error = cases[i].error;
		rig->agent.denying.since = now - cases[i].lasts;
		problems_own_add(&rig->agent, now, &list);
		for (size_t k = 0; k < list.n; k++)
			n += strcmp(list.items[k].reason, "DenyIncomplete") == 0;
		assert_int_equal(n, cases[i].told);
		arena_free(arena);
	}
	rig_free(rig);
}

static void blackholes_that_can_be_set_again_are_no_matter_for_the_log(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();
	int before;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	log_init(LOG_LEVEL_WARN, false);
	rig->agent.discards.error = -ENOSPC; /* as they were before */
	before = errors_begin();
	discards_apply(&rig->agent, clock_now());
	assert_string_equal(errors_end(before), "");
	assert_int_equal(rig->agent.discards.error, 0);
	rig_free(rig);
}

static void blackholes_of_the_plan_are_those_of_the_programs(void **state)
{
	const struct ip_addr addr = ip_addr_from_v4(0xc0000201);
	const struct plan_discard discard = {.what.prefix = ip_prefix_of(&addr, 32)};
	struct agent_rig *rig = rig_with_dataplane();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_discard *have;
	struct plan *plan;
	size_t n;

	(void)state;
	NEEDS_DATAPLANE(rig);
	RIG_WAIT(rig, serves);
	plan = &rig->agent.current->plan;
	plan->discards = &discard;
	plan->n_discards = 1;
	for (int again = 0; again < 2; again++) {
		discards_apply(&rig->agent, clock_now());
		assert_int_equal(rig->agent.discards.error, 0);
		assert_int_equal(rig->agent.discards.changed, !again);
		have = bpf_dataplane_discards(rig->agent.dataplane, arena, &n);
		assert_int_equal(n, 1);
		assert_int_equal(lb_discard_cmp(have, &discard.what), 0);
	}
	plan->n_discards = 0;
	discards_apply(&rig->agent, clock_now());
	assert_true(rig->agent.discards.changed);
	(void)bpf_dataplane_discards(rig->agent.dataplane, arena, &n);
	assert_int_equal(n, 0);
	rig_free(rig);
}

/* --- turns ------------------------------------------------------------------------------------ */

/* A step that begins late in its turn. Each of its plans is one round, and the next comes at once.
 */
static nsec_t late_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	const nsec_t planned_at = rig->agent.planned_at;
	nsec_t next;

	while (clock_now() - now < 5 * NSEC_PER_MSEC)
		;
	router_turn(rig->router);
	next = reconcile_step(&rig->agent, now);
	if (rig->agent.has_rounds_left && rig->agent.planned_at != planned_at) {
		rig->turns++;
		assert_in_range(next, 0, now);
	}
	if (rig->agent.current && serves(rig))
		loop_stop(rig->agent.loop);
	assert_in_range(now, 0, rig->give_up);
	return nsec_min(next, now + NSEC_PER_MSEC);
}

/* What is programmed in one round is announced in another: both in one turn would be a long one. */
static void a_turn_that_was_long_leaves_the_next_round_to_the_next(void **state)
{
	struct agent_rig *rig = rig_with_dataplane();

	(void)state;
	NEEDS_DATAPLANE(rig);
	rig->turns = 0;
	rig->give_up = clock_now() + RIG_PATIENCE_S * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, late_step, rig), 0);
	assert_in_range(rig->turns, 1, 20);
	assert_false(rig->agent.has_rounds_left);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_agent_sleeps),
		cmocka_unit_test(restart_without_the_folder_keeps_maps_and_hooks),
		cmocka_unit_test(what_is_served_is_known_to_the_next_agent),
		cmocka_unit_test(service_removed_meanwhile_leaves_after_end_of_rib),
		cmocka_unit_test(mode_off_at_a_restart_adopts_then_leaves),
		cmocka_unit_test(mode_off_at_run_time_withdraws_first),
		cmocka_unit_test(a_dataplane_that_failed_is_adopted_by_the_next_try),
		cmocka_unit_test(what_the_store_refuses_is_logged_when_it_begins_or_changes),
		cmocka_unit_test(denied_prefixes_that_stay_out_are_a_problem_once_it_lasts),
		cmocka_unit_test(blackholes_that_can_be_set_again_are_no_matter_for_the_log),
		cmocka_unit_test(blackholes_of_the_plan_are_those_of_the_programs),
		cmocka_unit_test(a_turn_that_was_long_leaves_the_next_round_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

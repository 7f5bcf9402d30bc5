// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When the agent plans: after every change of an input, again after a sink failed, and never
 * without a reason.
 */
#include "agent/reconcile.h"

#include "agent/plan_check.h"
#include "agent/problems_own.h"
#include "agent/sources.h"
#include "agent_rig.h"
#include "base/strbuf.h"
#include "errors.h"

/* A loop that spins makes thousands; what waits for a turn with time makes a few. */
#define TURNS_FEW 20

/* What came of the last change was planned, and nothing has moved since. */
static bool is_quiet(const struct agent_rig *rig)
{
	return rig_announces(rig) && clock_now() - rig->agent.planned_at > 200 * NSEC_PER_MSEC;
}

static struct agent_rig *rig_converged(void)
{
	struct agent_rig *rig = rig_new();

	rig_start(rig);
	RIG_WAIT(rig, is_quiet);
	return rig;
}

/* A step that is left alone: it comes back only when the agent itself wants to. */
static nsec_t idle_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	nsec_t next = reconcile_step(&rig->agent, now);

	rig->turns++;
	if (now > rig->give_up)
		loop_stop(rig->agent.loop);
	return nsec_min(next, rig->give_up + 1);
}

static void an_idle_agent_sleeps(void **state)
{
	struct agent_rig *rig = rig_converged();
	nsec_t planned_at = rig->agent.planned_at;

	(void)state;
	rig->turns = 0;
	rig->give_up = clock_now() + 3 * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_in_range(rig->turns, 1, TURNS_FEW);
	assert_false(agent_inputs_due(&rig->agent.inputs, DUE_PLAN));
	assert_int_equal(rig->agent.planned_at, planned_at);
	rig->agent.peers.unnumbered.heard = true; /* it is awake for one plan */
	rig->turns = 0;
	rig->give_up = clock_now() + 300 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_in_range(rig->turns, 1, TURNS_FEW);
	assert_true(rig->agent.planned_at > planned_at);
	assert_false(rig->agent.peers.unnumbered.heard);
	rig_free(rig);
}

/* The plan from nothing is made once, and what it was made with is given back. */
static void a_resync_holds_the_plan_against_one_from_nothing(void **state)
{
	struct agent_rig *rig = rig_converged();
	const nsec_t planned_at = rig->agent.planned_at;
	const char *said;
	int errors;

	(void)state;
	log_init(LOG_LEVEL_ERR, false);
	errors = errors_begin();
	rig->agent.resync_at = 0;
	rig->give_up = clock_now() + 500 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	said = errors_end(errors);
	assert_true(rig->agent.planned_at > planned_at);
	assert_null(rig->agent.check);
	assert_null(strstr(said, "made from nothing"));
	rig_free(rig);
}

static void kept_addresses_that_are_wrong_are_told_and_planned_again(void **state)
{
	struct agent_rig *rig = rig_converged();
	struct agent *a = &rig->agent;
	const struct ipam_inputs in = {.world = a->world,
				       .settings = &a->settings,
				       .node = &a->current->node,
				       .given = &(struct plan_addresses){0},
				       .synced = true};
	struct plan_addresses kept = a->current->addresses;
	int errors;

	(void)state;
	plan_check_addresses(a, &in, &kept);
	assert_false(agent_inputs_due(&a->inputs, DUE_PLAN));
	kept.n--;
	log_init(LOG_LEVEL_ERR, false);
	errors = errors_begin();
	plan_check_addresses(a, &in, &kept);
	assert_non_null(strstr(errors_end(errors), "made from nothing"));
	assert_true(agent_inputs_due(&a->inputs, DUE_PLAN));
	rig_free(rig);
}

/* While the scan has to wait for its time, what inotify has to say must not keep the loop awake. */
static void a_change_that_waits_for_its_scan_does_not_spin_the_loop(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	rig->agent.restless = 1000; /* a plan a second */
	rig->agent.planned_at = clock_now();
	rig->turns = 0;
	rig->give_up = clock_now() + 500 * NSEC_PER_MSEC;
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_true(agent_inputs_due(&rig->agent.inputs, DUE_SCAN));
	assert_in_range(rig->turns, 1, TURNS_FEW);
	rig->give_up = clock_now() + 600 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_false(agent_inputs_due(&rig->agent.inputs, DUE_SCAN));
	rig_write(rig, "s3.yaml", RIG_SERVICE("s3")); /* the watch is awake again */
	rig->give_up = clock_now() + 100 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_int_equal(rig->agent.current->addresses.n, 3);
	rig_free(rig);
}

struct barrier {
	struct worker_job base; /* first */
	int ends[2];
};

static void wait_at_barrier(struct worker_job *base)
{
	const struct barrier *b = (struct barrier *)base;
	char word;

	(void)!read(b->ends[0], &word, 1);
}

static void pass(struct worker_job *base)
{
	const struct barrier *b = (struct barrier *)base;

	assert_int_equal(close(b->ends[0]) + close(b->ends[1]), 0);
}

/* The helper reads the routes, which are many; a plan without the node would take things away. */
static void before_the_node_was_read_nothing_is_planned(void **state)
{
	struct barrier barrier = {.base = {.run = wait_at_barrier, .done = pass}};
	struct agent_rig *rig = rig_new();

	(void)state;
	assert_int_equal(pipe(barrier.ends), 0);
	rig_start(rig);
	worker_add(rig->agent.worker, &barrier.base);
	rig->give_up = clock_now() + 300 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_true(rig->agent.is_scanned);
	assert_null(rig->agent.current);
	assert_in_range(rig->turns, 1, TURNS_FEW); /* the loop sleeps meanwhile */
	assert_int_equal(write(barrier.ends[1], "g", 1), 1);
	RIG_WAIT(rig, rig_announces);
	assert_true(agent_inputs_are_complete(&rig->agent.inputs));
	rig_free(rig);
}

/* Behind a comment that makes it too large for a turn. */
static void write_large(struct agent_rig *rig, const char *file, const char *text)
{
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	for (int i = 0; i < 4096; i++)
		strbuf_printf(&out, "# a comment of sixty characters or so, again and again: %d\n",
			      i);
	strbuf_printf(&out, "%s", text);
	rig_write(rig, file, out.data);
	strbuf_done(&out);
}

static bool has_three_services(const struct agent_rig *rig)
{
	return rig->agent.current->addresses.n == 3;
}

/*
 * The helper decodes a large text. Until it is through the world is as it was, also for what was
 * found with it, the loop sleeps, and what else there is goes on.
 */
static void a_large_text_does_not_hold_the_loop_up(void **state)
{
	struct barrier barrier = {.base = {.run = wait_at_barrier, .done = pass}};
	struct agent_rig *rig = rig_converged();
	nsec_t planned_at = rig->agent.planned_at;

	(void)state;
	assert_int_equal(pipe(barrier.ends), 0);
	worker_add(rig->agent.reader, &barrier.base);
	write_large(rig, "s2.yaml", RIG_SERVICE("s2"));
	rig_write(rig, "s3.yaml", RIG_SERVICE("s3"));
	rig->turns = 0;
	rig->give_up = clock_now() + 300 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_true(rig->agent.changes.is_away);
	assert_in_range(rig->turns, 1, TURNS_FEW);
	rig_write(rig, "s4.yaml", ""); /* not looked at, nor is the loop kept awake by it */
	rig->agent.plan_at = clock_now();
	rig->turns = 0;
	rig->give_up = clock_now() + 300 * NSEC_PER_MSEC;
	assert_int_equal(loop_run(rig->agent.loop, idle_step, rig), 0);
	assert_in_range(rig->turns, 1, TURNS_FEW);
	assert_true(rig->agent.planned_at > planned_at);
	assert_int_equal(rig->agent.current->addresses.n, 1);
	assert_int_equal(write(barrier.ends[1], "g", 1), 1);
	RIG_WAIT(rig, has_three_services);
	rig_free(rig);
}

/* A turn that had much else to do before. */
static nsec_t busy_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	nsec_t next;

	while (clock_now() - now < 5 * NSEC_PER_MSEC)
		;
	next = reconcile_step(&rig->agent, now);
	rig->turns += rig->agent.preparing > 0;
	if (rig->agent.preparing > 0) /* nothing of it is looked at, nor waited for */
		assert_in_range(next, 0, now);
	else if (rig->agent.current->addresses.n == 2 || now > rig->give_up)
		loop_stop(rig->agent.loop);
	return nsec_min(next, now + NSEC_PER_MSEC);
}

static void a_plan_that_is_late_has_a_later_turn_but_not_for_ever(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	rig->turns = 0;
	rig->give_up = clock_now() + 5 * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, busy_step, rig), 0);
	assert_int_equal(rig->agent.current->addresses.n, 2);
	assert_in_range(rig->turns, 2, 6);
	rig_free(rig);
}

static size_t n_desired(const struct agent_rig *rig, size_t peer)
{
	return bgp_rib_n_desired(bgp_peer_rib(rig->agent.peers.items[peer]->bgp));
}

static bool has_two_peers(const struct agent_rig *rig)
{
	return rig->agent.peers.n == 2 && n_desired(rig, 1) == 1;
}

/* ... so much that of the routes only one peer's are still for it. */
static nsec_t very_busy_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	nsec_t next;

	while (clock_now() - now < 12 * NSEC_PER_MSEC)
		;
	next = reconcile_step(&rig->agent, now);
	if (n_desired(rig, 0) == 2 && n_desired(rig, 1) == 1) {
		assert_true(agent_peers_have_routes_left(&rig->agent.peers));
		assert_int_equal(next, now);
		rig->turns++;
	} else if (n_desired(rig, 1) == 2 || now > rig->give_up) {
		loop_stop(rig->agent.loop);
	}
	return nsec_min(next, now + NSEC_PER_MSEC);
}

static void routes_to_further_peers_have_the_next_turn(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	rig_write(rig, "other.yaml",
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		  "metadata: {name: s, namespace: metallb-system}\n"
		  "spec: {myASN: 64513, peerASN: 64514, peerAddress: 10.0.0.3}\n");
	RIG_WAIT(rig, has_two_peers);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	rig->turns = 0;
	rig->give_up = clock_now() + 5 * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, very_busy_step, rig), 0);
	assert_in_range(rig->turns, 1, 3); /* a plan that is due comes first, and is late twice */
	assert_int_equal(n_desired(rig, 0), 2);
	assert_int_equal(n_desired(rig, 1), 2);
	rig_free(rig);
}

/* Each turn has much else to do: what can wait is done in every fifth. */
static nsec_t always_busy_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	const unsigned before = rig->agent.n_unsaved;

	while (clock_now() - now < 8 * NSEC_PER_MSEC)
		;
	(void)reconcile_step(&rig->agent, now);
	assert_int_equal(rig->agent.n_unsaved, before == 4 ? 0 : before + 1);
	if (++rig->turns == 10)
		loop_stop(rig->agent.loop);
	return now;
}

static void what_can_wait_waits_four_turns_at_most(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	assert_int_equal(rig->agent.n_unsaved, 0);
	rig->turns = 0;
	assert_int_equal(loop_run(rig->agent.loop, always_busy_step, rig), 0);
	assert_int_equal(rig->turns, 10);
	rig_free(rig);
}

/* An agent that ends meanwhile waits for the helper, and leaves nothing behind. */
static void an_agent_may_end_while_a_large_text_is_read(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	write_large(rig, "s2.yaml", RIG_SERVICE("s2"));
	while (!rig->agent.changes.is_away) {
		nsec_t next = reconcile_step(&rig->agent, clock_now());

		assert_true(next < NSEC_NEVER);
		agent_input_changed(&rig->agent.inputs, INPUT_FOLDER);
	}
	rig_free(rig);
}

static nsec_t planned_before;
static bool has_planned_again(const struct agent_rig *rig)
{
	return rig->agent.planned_at > planned_before;
}

static bool has_no_session(const struct agent_rig *rig)
{
	return rig_problem(rig, "PeerNotEstablished");
}

/* After a few attempts, and not when one that says nothing at all would be. */
static void a_router_that_refuses_is_told_soon(void **state)
{
	struct agent_rig *rig = rig_new();
	const nsec_t begun = clock_now();

	(void)state;
	rig->router->refuses = true;
	rig_start(rig);
	RIG_WAIT(rig, has_no_session);
	assert_true(clock_now() - begun < PLAN_SILENT_NS);
	rig_free(rig);
}

static void a_sink_that_failed_is_tried_again(void **state)
{
	struct agent_rig *rig = rig_converged();
	nsec_t at = clock_now() + 300 * NSEC_PER_MSEC;

	(void)state;
	planned_before = rig->agent.planned_at;
	rig->agent.retry_at = at;
	RIG_WAIT(rig, has_planned_again);
	assert_in_range(rig->agent.planned_at, at, at + NSEC_PER_SEC);
	rig_free(rig);
}

static void the_node_is_read_again_when_reading_it_failed(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	agent_input_changed(&rig->agent.inputs, INPUT_LINKS);
	rig->agent.node_at = NSEC_NEVER - 1; /* as if it failed a while from now */
	planned_before = rig->agent.planned_at;
	assert_int_equal(system("ip addr add 10.0.0.77/32 dev lo"), 0);
	rig->agent.node_at = clock_now() + 100 * NSEC_PER_MSEC;
	RIG_WAIT(rig, has_planned_again);
	assert_false(agent_inputs_due(&rig->agent.inputs, DUE_NODE));
	rig_free(rig);
}

static bool is_withdrawn(const struct agent_rig *rig)
{
	return rig->router->withdrawn > 0;
}

static void a_file_that_goes_costs_its_objects_after_a_while(void **state)
{
	struct agent_rig *rig = rig_converged();
	nsec_t gone_at = clock_now();

	(void)state;
	rig_remove(rig, "s1.yaml");
	RIG_WAIT(rig, is_withdrawn);
	assert_in_range(clock_now() - gone_at, WATCH_GONE_NS, WATCH_GONE_NS + NSEC_PER_SEC);
	rig_free(rig);
}

/* With thousands of files to look at, which takes many turns. */
static void an_edit_does_not_wait_for_the_end_of_a_look(void **state)
{
	struct agent_rig *rig = rig_new();
	const struct agent *a = &rig->agent;
	char name[32];
	nsec_t now;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "s2-%u.yaml", i);
		rig_write(rig, name, "# nothing\n");
	}
	rig_start(rig);
	RIG_WAIT(rig, is_quiet);
	now = clock_now() + WATCH_RESCAN_NS;
	sources_scan(&rig->agent, now);
	assert_false(watch_is_through(a->watch));
	rig_write(rig, "s1.yaml", RIG_SERVICE("other"));
	do
		sources_scan(&rig->agent, now);
	while (!world_find(a->world, API_SERVICE, "default", "other") &&
	       !watch_is_through(a->watch));
	assert_non_null(world_find(a->world, API_SERVICE, "default", "other"));
	assert_false(watch_is_through(a->watch));
	assert_int_equal(a->scan_at, now);
	RIG_WAIT(rig, is_quiet);
	rig_free(rig);
}

static bool has_scanned(const struct agent_rig *rig)
{
	return !agent_inputs_due(&rig->agent.inputs, DUE_SCAN_ALL) && rig->agent.ready_said;
}

static void a_reload_without_a_change_withdraws_nothing_and_says_ready(void **state)
{
	struct agent_rig *rig = rig_converged();

	(void)state;
	agent_input_changed(&rig->agent.inputs, INPUT_RELOAD);
	rig->agent.ready_said = false;
	RIG_WAIT(rig, has_scanned);
	assert_int_equal(rig->router->withdrawn, 0);
	assert_int_equal(rig->router->announced, 1);
	rig_free(rig);
}

static void many_changes_at_once_cost_few_plans(void **state)
{
	struct agent_rig *rig = rig_converged();
	unsigned plans = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		nsec_t before = rig->agent.planned_at;

		rig_write(rig, "s2.yaml", i % 2 ? RIG_SERVICE("s2") : RIG_SERVICE("s3"));
		agent_input_changed(&rig->agent.inputs, INPUT_FOLDER);
		(void)reconcile_step(&rig->agent, rig->agent.planned_at + 50 * NSEC_PER_USEC);
		plans += rig->agent.planned_at != before;
	}
	assert_in_range(plans, 0, 2);
	rig_free(rig);
}

static void a_plan_that_does_not_converge_is_slowed_down(void **state)
{
	struct agent_rig *rig = rig_converged();
	nsec_t now;

	(void)state;
	rig->agent.restless = 1000;
	agent_input_changed(&rig->agent.inputs, INPUT_SINKS);
	now = rig->agent.planned_at + 100 * NSEC_PER_MSEC;
	planned_before = rig->agent.planned_at;
	(void)reconcile_step(&rig->agent, now);
	assert_int_equal(rig->agent.planned_at, planned_before);
	(void)reconcile_step(&rig->agent, now + NSEC_PER_SEC);
	assert_int_equal(rig->agent.planned_at, now + NSEC_PER_SEC);
	assert_int_equal(rig->agent.restless, 0);
	rig_free(rig);
}

/* Without BPF the sessions run, nothing is announced, and status says why. */
static bool is_up_and_told(const struct agent_rig *rig)
{
	return rig->router->end_of_ribs > 0 && rig_problem(rig, "DataPlaneFailed");
}

static void without_a_data_plane_sessions_run_and_nothing_is_announced(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_remove(rig, "a-config.yaml"); /* so the mode is auto; the pin folder is no bpffs */
	rig_start(rig);
	RIG_WAIT(rig, is_up_and_told);
	assert_int_equal(rig->router->announced, 0);
	assert_false(rig->agent.current->plan.services[0].announced);
	rig_free(rig);
}

static void what_the_store_refuses_becomes_a_problem_when_it_lasts(void **state)
{
	const struct options options = {.node = "node", .state = "/s"};
	struct agent a = {.options = &options};
	struct problems list = {.arena = arena_new()};

	(void)state;
	a.refused = (struct agent_refused){.n = 1, .error = -EAGAIN, .since = NSEC_PER_SEC};
	a.refused.key.addr = ip_addr_from_v4(0xc0000201);
	a.refused.key.port = 443;
	a.refused.key.proto = API_TCP;
	problems_own_add(&a, 3 * NSEC_PER_SEC, &list);
	assert_int_equal(list.n, 0); /* a slot may have to rest */
	problems_own_add(&a, 4 * NSEC_PER_SEC, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].object.kind, "DataPlane");
	assert_string_equal(list.items[0].reason, "ProgrammingFailed");
	assert_non_null(strstr(list.items[0].message, "192.0.2.1 TCP port 443"));
	assert_int_equal(list.items[0].severity, SEVERITY_ERROR);

	list.n = 0;
	a.refused.error = -ENOSPC;
	problems_own_add(&a, NSEC_PER_SEC, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].reason, "TableFull");
	arena_free(list.arena);
}

static void second_agent_of_a_pin_folder_is_refused(void **state)
{
	struct agent_rig *rig = rig_converged();
	struct options other = rig->options;
	char pin[128], sock[128];
	struct agent second;

	(void)state;
	snprintf(pin, sizeof(pin), "%s/", rig->pin); /* the same folder in other words */
	snprintf(sock, sizeof(sock), "%s.2", rig->socket);
	other.pin = pin;
	other.socket = sock;
	assert_int_equal(agent_start(&second, &other), -EWOULDBLOCK);
	agent_done(&second);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_agent_sleeps),
		cmocka_unit_test(a_resync_holds_the_plan_against_one_from_nothing),
		cmocka_unit_test(kept_addresses_that_are_wrong_are_told_and_planned_again),
		cmocka_unit_test(before_the_node_was_read_nothing_is_planned),
		cmocka_unit_test(a_change_that_waits_for_its_scan_does_not_spin_the_loop),
		cmocka_unit_test(a_large_text_does_not_hold_the_loop_up),
		cmocka_unit_test(a_plan_that_is_late_has_a_later_turn_but_not_for_ever),
		cmocka_unit_test(routes_to_further_peers_have_the_next_turn),
		cmocka_unit_test(what_can_wait_waits_four_turns_at_most),
		cmocka_unit_test(an_agent_may_end_while_a_large_text_is_read),
		cmocka_unit_test(a_router_that_refuses_is_told_soon),
		cmocka_unit_test(a_sink_that_failed_is_tried_again),
		cmocka_unit_test(the_node_is_read_again_when_reading_it_failed),
		cmocka_unit_test(a_file_that_goes_costs_its_objects_after_a_while),
		cmocka_unit_test(an_edit_does_not_wait_for_the_end_of_a_look),
		cmocka_unit_test(a_reload_without_a_change_withdraws_nothing_and_says_ready),
		cmocka_unit_test(many_changes_at_once_cost_few_plans),
		cmocka_unit_test(a_plan_that_does_not_converge_is_slowed_down),
		cmocka_unit_test(without_a_data_plane_sessions_run_and_nothing_is_announced),
		cmocka_unit_test(what_the_store_refuses_becomes_a_problem_when_it_lasts),
		cmocka_unit_test(second_agent_of_a_pin_folder_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

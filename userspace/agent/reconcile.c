// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When to plan, and how a plan reaches the sinks. The first change after quiet is planned at the
 * end of its turn, later ones so that plans take a tenth of the time, but at least every COALESCE;
 * what is urgent (a session down) does not wait. Inputs are read only here, and what changes one (a
 * file, a new picture of the node) makes the plan urgent in the same step: a plan borrows from
 * both, and nobody runs between the change and the next plan.
 */
#include "agent/reconcile.h"

#include "agent/agent.h"
#include "agent/apply.h"
#include "agent/ctl.h"
#include "agent/sources.h"
#include "agent/state.h"
#include "sys/bpf_dataplane.h"
#include "sys/notify.h"

#define COALESCE_NS (10 * NSEC_PER_MSEC)
#define PLAN_SHARE  10 /* one part in so many of the loop's time */
#define RESYNC_NS   (30 * NSEC_PER_SEC)
#define HOOKS_NS    (2 * RESYNC_NS) /* where each plan puts off the resync */
#define QUIET_NS    (1 * NSEC_PER_SEC)
#define SLOW_NS     (1 * NSEC_PER_SEC)
#define LEARNED_NS  (1 * NSEC_PER_SEC) /* neighbours come and go all the time */

/* Of plan and apply in one turn, and when the last of them begins; the rest goes on in the next. */
#define ROUNDS_MAX 4
#define ROUNDS_NS  (4 * NSEC_PER_MSEC)

#define LATE_MAX 2 /* turns in a row */

/* Pods are asked for and what is to be saved is saved within so much of a turn, or in one of the
 * next: behind a plan and the store it would be too much. */
#define SPARE_NS     (8 * NSEC_PER_MSEC)
#define PUT_OFFS_MAX 4 /* turns in a row */

/* UPDATEs went out, which is the next plan's affair: it is due soon, but not at once. */
static void note_written(struct agent *a)
{
	if (a->peers.written)
		agent_input_changed(&a->inputs, INPUT_WRITTEN);
}

/* A round takes as long as thousands of Services make it: two may be too long for one turn. */
static bool has_time_for_a_round(const struct agent *a)
{
	return loop_turn_so_far(a->loop) < ROUNDS_NS;
}

static void reconcile(struct agent *a, nsec_t now)
{
	const nsec_t begun = loop_turn_so_far(a->loop);
	bool again;
	int i = 0;

	a->preparing = a->n_late = 0;
	agent_inputs_done(&a->inputs, DUE_PLAN | DUE_PLAN_NOW);
	do
		again = apply_round(a, now);
	while (again && ++i < ROUNDS_MAX && has_time_for_a_round(a));
	a->has_rounds_left = again && i < ROUNDS_MAX;
	a->restless = again ? a->restless + 1 : 0;
	if (apply_is_opening(a))
		return; /* and once more when that is over */
	agent_inputs_done(&a->inputs, DUE_PLAN);
	if (again)
		agent_input_changed(&a->inputs, INPUT_SINKS);
	feed_wishes_step(a);
	ctl_apply(a, now);
	metrics_apply(a, now);
	page_apply(a, now);
	note_written(a);
	a->planned_at = now;
	a->resync_at = now + RESYNC_NS;
	a->quiet_at = now + QUIET_NS;
	loop_doing(a->loop, "state");
	state_save(a, now);
	loop_doing(a->loop, "problems");
	problem_log_update(&a->problem_log, &a->current->problems);
	a->plan_pause = (loop_turn_so_far(a->loop) - begun) * PLAN_SHARE;
}

/* Once after each plan that no other followed soon, and after each look at all files. */
static nsec_t tick_quiet(struct agent *a, nsec_t now)
{
	if (now >= a->quiet_at && !a->preparing) {
		a->quiet_at = NSEC_NEVER;
		loop_doing(a->loop, "memory");
		apply_give_back(a);
	}
	return a->quiet_at;
}

/* Applied is what the files say, after a start or when all were to be read again. */
static void say_ready(struct agent *a)
{
	if (a->ready_said || !a->current || a->is_put_off || a->preparing || !a->is_scanned ||
	    agent_inputs_due(&a->inputs, DUE_SCAN_ALL))
		return;
	a->ready_said = a->was_ready = true;
	notify_ready("serving");
}

/*
 * Not before this, unless it is urgent: the first change after quiet does not wait, nor do the
 * rounds that a turn had no time for. A plan that does not converge must cost neither the CPU nor
 * the rest of the agent's work.
 */
static nsec_t coalesced_at(const struct agent *a)
{
	if (a->restless >= AGENT_RESTLESS)
		return nsec_add(a->planned_at, SLOW_NS);
	if (a->has_rounds_left)
		return a->planned_at;
	return nsec_add(a->planned_at, nsec_min(a->plan_pause, COALESCE_NS));
}

/* Before files and node were read once, and what is in place, there is nothing to plan. */
static bool can_plan(const struct agent *a)
{
	return a->current || (a->is_scanned && a->is_node_read && blackholes_are_known(a));
}

static bool plan_due(const struct agent *a, nsec_t now)
{
	if (!can_plan(a))
		return false;
	if (now >= a->plan_at || now >= a->resync_at || now >= a->retry_at)
		return true;
	return agent_inputs_due(&a->inputs, DUE_PLAN) &&
	       (agent_inputs_due(&a->inputs, DUE_PLAN_NOW) || now >= coalesced_at(a));
}

static nsec_t plan_deadline(const struct agent *a)
{
	nsec_t at = nsec_min(nsec_min(a->plan_at, a->resync_at), a->retry_at);

	return agent_inputs_due(&a->inputs, DUE_PLAN) && can_plan(a) ? nsec_min(at, coalesced_at(a))
								     : at;
}

/* When the configuration is to be read on; what the helper is at comes first. */
static nsec_t scan_deadline(const struct agent *a)
{
	if (sources_are_away(a))
		return NSEC_NEVER;
	if (agent_inputs_due(&a->inputs, DUE_SCAN_ALL))
		return 0;
	return agent_inputs_due(&a->inputs, DUE_SCAN) ? nsec_min(a->scan_at, coalesced_at(a))
						      : a->scan_at;
}

/*
 * Ways are asked for once the kernel has all that was decided of received routes: one that is about
 * to go would be taken for the way to a next hop, and nobody tells of our own changes.
 */
static nsec_t node_deadline(const struct agent *a)
{
	if (a->is_node_back)
		return 0;
	return agent_inputs_due(&a->inputs, DUE_NODE) && !a->receiving.is_busy ? a->node_at
									       : NSEC_NEVER;
}

/* When the inputs are to be read at the latest. */
static nsec_t input_deadline(const struct agent *a)
{
	nsec_t at = nsec_min(scan_deadline(a), feed_deadline(a, coalesced_at(a)));

	at = nsec_min(at, node_deadline(a));
	if (a->dataplane)
		at = nsec_min(at, nsec_min(a->dataplane_at, a->hooks_at));
	if (a->dataplane && agent_inputs_due(&a->inputs, DUE_NEW_PODS))
		at = nsec_min(at, a->pods_at);
	return a->dataplane && agent_inputs_due(&a->inputs, DUE_HOOKS)
		       ? nsec_min(at, coalesced_at(a))
		       : at;
}

static void verify_hooks(struct agent *a, nsec_t now)
{
	if (now < a->resync_at && now < a->hooks_at &&
	    !(agent_inputs_due(&a->inputs, DUE_HOOKS) && now >= coalesced_at(a)))
		return;
	loop_doing(a->loop, "hooks");
	a->hooks_at = nsec_add(now, HOOKS_NS);
	if (a->dataplane && !a->check) {
		bpf_dataplane_verify(a->dataplane);
		agent_input_changed(&a->inputs, INPUT_VERIFIED);
	}
	agent_inputs_done(&a->inputs, DUE_HOOKS);
}

/* The helper came back from attaching: routes may have waited for that. */
static void note_hooks(struct agent *a)
{
	unsigned generation = a->dataplane ? bpf_dataplane_hooks_generation(a->dataplane) : 0;

	if (generation == a->hooks_seen)
		return;
	a->hooks_seen = generation;
	agent_input_changed(&a->inputs, INPUT_SINKS);
}

/* The last flow of something that waits for that may have ended. */
static void tick_dataplane(struct agent *a, nsec_t now)
{
	const uint64_t before = bpf_dataplane_idle_generation(a->dataplane);

	a->dataplane_at = bpf_dataplane_tick(a->dataplane, now);
	if (bpf_dataplane_idle_generation(a->dataplane) != before)
		agent_input_changed(&a->inputs, INPUT_SINKS);
}

static void take_flags(struct agent *a, nsec_t now)
{
	if (now >= scan_deadline(a)) {
		loop_doing(a->loop, "config");
		sources_scan(a, now);
		/* What it took for a moment lies where free memory had gone back. */
		if (a->is_scanned && !agent_inputs_due(&a->inputs, DUE_PLAN))
			a->quiet_at = now + 1; /* in a turn of its own */
	}
	if (now >= feed_deadline(a, coalesced_at(a))) {
		loop_doing(a->loop, "feed");
		feed_step(a, now);
	}
	if (now >= node_deadline(a)) {
		loop_doing(a->loop, "node");
		sources_refresh_node(a, now);
	}
	verify_hooks(a, now);
	loop_doing(a->loop, "tables");
	if (a->dataplane && now >= a->dataplane_at)
		tick_dataplane(a, now);
	note_hooks(a);
	if (a->peers.changed) {
		agent_input_changed(&a->inputs,
				    a->peers.urgent ? INPUT_SESSION_DOWN : INPUT_SESSIONS);
	}
	if (a->peers.unnumbered.heard) {
		a->peers.unnumbered.heard = false;
		agent_input_changed(&a->inputs, INPUT_ROUTERS);
	}
	note_written(a);
}

/*
 * Much of the turn is gone, for reading or for what the plan is made of: then the plan has the next
 * one. Not for ever, where each turn has such work.
 */
static bool is_late(struct agent *a)
{
	if (has_time_for_a_round(a) || a->n_late == LATE_MAX)
		return false;
	a->n_late++;
	a->preparing += a->preparing == 0; /* nobody reads the former one */
	return true;
}

/* What is due now; true: there is more of it, for the next turn. */
static bool plan_or_go_on(struct agent *a, nsec_t now)
{
	if (!plan_due(a, now)) {
		if (apply_is_under_way(a) && apply_go_on(a, now))
			agent_input_changed(&a->inputs, INPUT_SINKS);
		return false;
	}
	if (is_late(a) || !apply_prepare(a, now) || is_late(a))
		return true;
	reconcile(a, now);
	return false;
}

/* Tells the supervisor that the loop turns, if it asked for that. */
static nsec_t tick_watchdog(struct agent *a, nsec_t now)
{
	if (now >= a->watchdog_at) {
		notify_watchdog();
		a->watchdog_at = nsec_add(now, notify_watchdog_interval());
	}
	return a->watchdog_at;
}

/*
 * While the helper opens the data plane: what the plan borrows stays as it is. What the feeder
 * tells is decoded meanwhile.
 */
static nsec_t wait_for_dataplane(struct agent *a, nsec_t now)
{
	nsec_t next = nsec_min(agent_peers_tick(&a->peers, now), tick_watchdog(a, now));

	if (feed_may_read_ahead(a)) {
		loop_doing(a->loop, "feed");
		feed_step(a, now);
	}
	if (feed_may_read_ahead(a))
		next = now;
	next = nsec_min(next, metrics_step(a, now));
	next = nsec_min(next, page_step(a, now));
	return nsec_min(next, ctl_tick(a, now));
}

/* What can wait a turn has been put off so often. */
static bool has_time_to_spare(const struct agent *a, unsigned *n_put_off)
{
	if (loop_turn_so_far(a->loop) >= SPARE_NS && *n_put_off < PUT_OFFS_MAX) {
		++*n_put_off;
		return false;
	}
	*n_put_off = 0;
	return true;
}

/* True: there is more to do. */
static bool tick_pods(struct agent *a, nsec_t now)
{
	if (!has_time_to_spare(a, &a->n_unasked))
		return true;
	if (agent_inputs_due(&a->inputs, DUE_NEW_PODS) && now >= a->pods_at) {
		agent_inputs_done(&a->inputs, DUE_NEW_PODS);
		a->pods_at = nsec_add(now, LEARNED_NS);
		pods_learned(&a->pods);
	}
	return pods_tick(&a->pods, &a->current->plan);
}

static nsec_t tick_state(struct agent *a, nsec_t now)
{
	return has_time_to_spare(a, &a->n_unsaved) ? state_tick(a, now) : now;
}

nsec_t reconcile_step(void *ctx, nsec_t now)
{
	struct agent *a = ctx;
	nsec_t next, received;
	bool more;

	loop_doing(a->loop, "sessions");
	if (apply_is_opening(a))
		return wait_for_dataplane(a, now);
	agent_peers_tick(&a->peers, now);
	take_flags(a, now);
	more = plan_or_go_on(a, now);
	if (apply_is_opening(a))
		return wait_for_dataplane(a, now);
	say_ready(a);
	loop_doing(a->loop, "received routes");
	received = receiving_step(a, now);
	loop_doing(a->loop, "sessions");
	next = nsec_min(agent_peers_tick(&a->peers, now), more ? now : plan_deadline(a));
	next = nsec_min(next, received);
	next = nsec_min(next, takeover_tick(a, now));
	next = nsec_min(next, nsec_min(tunnels_tick(a, now), tunnel_hops_tick(a, now)));
	loop_doing(a->loop, "pods");
	if (a->dataplane && !more && tick_pods(a, now))
		next = now;
	if (apply_wants_a_turn(a))
		next = now;
	loop_doing(a->loop, "state");
	next = nsec_min(next, tick_state(a, now));
	next = nsec_min(next, input_deadline(a));
	next = nsec_min(next, tick_quiet(a, now));
	next = nsec_min(next, tick_watchdog(a, now));
	loop_doing(a->loop, "reports");
	next = nsec_min(next, feed_report_step(a, now));
	next = nsec_min(next, metrics_step(a, now));
	next = nsec_min(next, page_step(a, now));
	return nsec_min(next, ctl_tick(a, now));
}

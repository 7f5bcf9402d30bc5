// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When to plan, and how a plan reaches the sinks. The first change after quiet is planned at the
 * end of its turn, later ones at most every COALESCE; what is urgent (a session down) does not
 * wait. Inputs are read only here, and what changes one (a file, a new picture of the node) makes
 * the plan urgent in the same step: a plan borrows from both, and nobody runs between the change
 * and the next plan.
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
#define RESYNC_NS   (30 * NSEC_PER_SEC)
#define SLOW_NS     (1 * NSEC_PER_SEC)
#define ROUNDS_MAX  4 /* of plan and apply in one turn; the rest goes on in the next */

static void reconcile(struct agent *a, nsec_t now)
{
	bool again = true;

	a->plan_dirty = a->plan_urgent = false;
	for (int i = 0; i < ROUNDS_MAX && again; i++)
		again = apply_round(a, now);
	a->unsettled = again ? a->unsettled + 1 : 0;
	a->plan_dirty = again;
	a->planned_at = now;
	a->resync_at = now + RESYNC_NS;
	state_save(a, now);
	problem_log_update(&a->problem_log, &a->current->problems);
	if (!a->ready_said) {
		a->ready_said = true;
		notify_ready("serving");
	}
}

/*
 * Not before this, unless it is urgent: the first change after quiet does not wait. A plan that
 * does not settle must cost neither the CPU nor the rest of the agent's work.
 */
static nsec_t coalesced_at(const struct agent *a)
{
	return nsec_add(a->planned_at, a->unsettled < AGENT_UNSETTLED ? COALESCE_NS : SLOW_NS);
}

static bool plan_due(const struct agent *a, nsec_t now)
{
	if (now >= a->plan_at || now >= a->resync_at || now >= a->retry_at)
		return true;
	return a->plan_dirty && (a->plan_urgent || now >= coalesced_at(a));
}

static nsec_t plan_deadline(const struct agent *a)
{
	nsec_t at = nsec_min(nsec_min(a->plan_at, a->resync_at), a->retry_at);

	return a->plan_dirty ? nsec_min(at, coalesced_at(a)) : at;
}

/* When the inputs are to be read at the latest. */
static nsec_t input_deadline(const struct agent *a)
{
	nsec_t at = a->scan_wanted ? nsec_min(a->scan_at, coalesced_at(a)) : a->scan_at;

	if (a->node_dirty)
		at = nsec_min(at, a->node_at);
	if (a->dataplane)
		at = nsec_min(at, a->dataplane_at);
	return a->dataplane && a->hooks_dirty ? nsec_min(at, coalesced_at(a)) : at;
}

static void verify_hooks(struct agent *a, nsec_t now)
{
	if (now < a->resync_at && !(a->hooks_dirty && now >= coalesced_at(a)))
		return;
	if (a->dataplane) {
		bpf_dataplane_verify(a->dataplane);
		a->plan_dirty = a->pods_dirty = true;
	}
	a->hooks_dirty = false;
}

static void take_flags(struct agent *a, nsec_t now)
{
	if ((a->scan_wanted && (a->scan_forced || now >= coalesced_at(a))) || now >= a->scan_at)
		sources_scan(a, now);
	if (a->node_dirty && now >= a->node_at)
		sources_refresh_node(a, now);
	verify_hooks(a, now);
	if (a->dataplane && now >= a->dataplane_at)
		a->dataplane_at = bpf_dataplane_tick(a->dataplane, now);
	if (a->peers.changed) {
		a->plan_dirty = true;
		a->plan_urgent |= a->peers.urgent;
	}
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

nsec_t reconcile_step(void *ctx, nsec_t now)
{
	struct agent *a = ctx;
	nsec_t next;

	agent_peers_tick(&a->peers, now);
	take_flags(a, now);
	if (plan_due(a, now))
		reconcile(a, now);
	next = nsec_min(agent_peers_tick(&a->peers, now), plan_deadline(a));
	next = nsec_min(next, state_tick(a, now));
	next = nsec_min(next, input_deadline(a));
	next = nsec_min(next, tick_watchdog(a, now));
	return nsec_min(next, ctl_tick(a, now));
}

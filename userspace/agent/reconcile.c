// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When to plan, and how a plan reaches the sinks. The first change after quiet is planned at the
 * end of its turn, later ones at most every COALESCE; what is urgent (a session down) does not
 * wait. The configuration is read only right before a plan, so no plan outlives the objects it
 * borrows from.
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
#define ROUNDS_MAX  4 /* of plan and apply in one turn; the rest goes on in the next */

static void reconcile(struct agent *a, nsec_t now)
{
	bool again = true;

	a->plan_dirty = a->plan_urgent = false;
	for (int i = 0; i < ROUNDS_MAX && again; i++)
		again = apply_round(a, now);
	a->plan_dirty = again;
	a->planned_at = now;
	a->resync_at = now + RESYNC_NS;
	problem_log_update(&a->problem_log, &a->current->problems);
	state_save(a, now);
	if (!a->ready_said) {
		a->ready_said = true;
		notify_ready("serving");
	}
}

static bool plan_due(const struct agent *a, nsec_t now)
{
	if (now >= a->plan_at || now >= a->resync_at)
		return true;
	return a->plan_dirty && (a->plan_urgent || now >= nsec_add(a->planned_at, COALESCE_NS));
}

static nsec_t plan_deadline(const struct agent *a)
{
	nsec_t at = nsec_min(a->plan_at, a->resync_at);

	return a->plan_dirty ? nsec_min(at, nsec_add(a->planned_at, COALESCE_NS)) : at;
}

static void take_flags(struct agent *a, nsec_t now)
{
	if ((a->scan_wanted && now >= nsec_add(a->planned_at, COALESCE_NS)) || now >= a->scan_at)
		sources_scan(a, now);
	if (a->node_dirty)
		sources_refresh_node(a);
	if (a->dataplane && (a->hooks_dirty || now >= a->resync_at)) {
		bpf_dataplane_verify(a->dataplane);
		a->plan_dirty = a->pods_dirty = true;
	}
	a->hooks_dirty = false;
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
	if (!a->stopping && plan_due(a, now))
		reconcile(a, now);
	next = nsec_min(agent_peers_tick(&a->peers, now), plan_deadline(a));
	next = nsec_min(next, state_tick(a, now));
	next = nsec_min(next, a->scan_wanted ? nsec_add(a->planned_at, COALESCE_NS) : a->scan_at);
	if (a->dataplane)
		next = nsec_min(next, a->dataplane_at);
	next = nsec_min(next, tick_watchdog(a, now));
	return nsec_min(next, ctl_tick(a, now));
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What survives a restart, under --state (DESIGN 1, 4):
 *
 *   addresses.yaml  addresses this agent gave, as Services with status: another agent's --config
 *                   reads it
 *   ledger.yaml     the plan's memory (ledger_json.h), for the agent's eyes alone
 *   alive.yaml      boot and time of the last sign of life: a start soon after it in the same boot
 *                   is a restart, which graceful restart tells the peers (the R bit)
 *   drain.yaml      the operator has drained the node (drain.h)
 *   blackholes.yaml blackholes that the operator has asked for (discards.h)
 *   served.yaml     VIPs served since the machine booted (state_served.h)
 *   counts.yaml     what metrics have counted, over all processes (metrics.h)
 *   world/          the last good version of every object (state_world.h)
 *
 * A state that cannot be written is logged once, stays a problem while it is so (problems_own.h),
 * and costs only what it would have kept. An addresses.yaml that cannot be read wholly is set aside
 * as addresses.yaml.bad.
 */
#pragma once

#include "base/nsec.h"
#include "plan/plan.h"

struct agent;

#define STATE_ADDRESSES "addresses.yaml"
#define STATE_LEDGER    "ledger.yaml"

/* Part of state_load. */
void state_load_addresses(struct agent *a);
/* What the Services of addresses.yaml say, sorted, in the arena; names borrowed from the world. */
struct plan_addresses state_addresses_of(const struct world *w, struct arena *arena);

/* Reads all of it, before the first scan; a file that is missing or not ours is as good as empty.
 */
void state_load(struct agent *a, nsec_t now);

/*
 * The new ones, and of the old ones those of Services that have none of that family now. Both are
 * sorted; so is the result, in the arena.
 */
struct plan_addresses state_merge_addresses(const struct plan_addresses *new,
					    const struct plan_addresses *old, struct arena *arena);

/*
 * Takes the allocator's result as what this agent gave; what it gave earlier is kept beside it
 * while the world is not complete (plan/ipam.h).
 */
void state_note_addresses(struct agent *a, const struct plan_addresses *addresses);

/*
 * Once all is read: what addresses.yaml did not tell, from what the data plane of a former process
 * serves. Until then the allocator's result is not taken.
 */
void state_rebuild_addresses(struct agent *a);

/*
 * Has the addresses written if they changed. Until then nobody is to hear of them, or until this
 * time at the latest, for the disk may hang; 0: they are on disk, or cannot be written.
 */
void state_save_addresses(struct agent *a, nsec_t now);
nsec_t state_addresses_until(const struct agent *a);

/* Writes what else changed. */
void state_save(struct agent *a, nsec_t now);

/* Renews the sign of life and saves the world, in pieces; returns when it wants to be called again.
 */
nsec_t state_tick(struct agent *a, nsec_t now);

/* The routes were withdrawn in order: the next start is not a restart. */
void state_forget_alive(struct agent *a);

/* An orderly end: saves what has not been saved yet. */
void state_finish(struct agent *a, nsec_t now);

/* Frees what state_load made. */
void state_done(struct agent *a);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The plan's inputs, gathered: the world, the kernel's view of the node, what the sinks confirm,
 * and the addresses that the allocator gives; and the plan computed from them.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>

struct agent;
struct agent_plan;
struct arena;
struct ipam_inputs;
struct plan_cache;
struct plan_ledger;

/* So many Services are made ready in a turn: some milliseconds. Addresses that took longer than the
 * other had a turn of their own. */
#define PREPARE_MAX 250
#define PREPARE_NS  (4 * NSEC_PER_MSEC)

/* What addresses are computed from, for that node. */
struct ipam_inputs inputs_of_ipam(const struct agent *a, const struct agent_plan *p);

/* Addresses and plan_prepare() with what the agent knows, and this cache. False: the next turn goes
 * on. */
bool inputs_prepare(struct agent *a, struct plan_cache *cache) must_check;

/*
 * Computes addresses, plan and the list of all problems into *p (whose arena is empty); the next
 * ledger into `ledger_arena`. Sets a->plan_at to the plan's deadline.
 */
void inputs_compute(struct agent *a, struct agent_plan *p, nsec_t now, struct arena *ledger_arena,
		    struct plan_ledger *ret_ledger);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Observe, compute, diff, apply: the loop's step (DESIGN 1). Everything that happened only set a
 * flag; here the inputs are read, the plan is computed and each sink is brought to it. Once an
 * apply changed something, the plan is computed again with what the sinks confirm, until nothing
 * changes: that is how gates open.
 */
#pragma once

#include "base/nsec.h"

struct agent;

/* The loop's step; `ctx` is the agent. Returns when it has to run again at the latest. */
nsec_t reconcile_step(void *ctx, nsec_t now);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The router id of this node: which one, and since when it is kept.
 */
#pragma once

#include "plan/plan_objects.h"

/*
 * Host order, never 0. `peers` are this node's sessions by key, as far as address,
 * source and device;
 * *kept is the ledger's, 0 for none. It becomes the answer when that is to be kept: not before the
 * first complete picture (gate 5), and not while no session could begin anyhow.
 */
uint32_t plan_router_id(const struct plan_inputs *in, const struct plan_peer *peers, size_t n,
			uint32_t *kept);

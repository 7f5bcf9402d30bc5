// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The feeder's watches, store and feed between a model of the API server and a model of the agent,
 * with everything that may go wrong between them, and what must hold all the same:
 *
 *   - the agent loses an object only if it was deleted since the agent heard of it
 *   - no object ever becomes an older one
 *   - a kind is called complete only when everything that was there all the time was told
 *   - once nothing goes wrong any more, the agent knows exactly what the server has
 *   - a server that keeps its history is asked for a picture once a process
 */
#pragma once

#include "sim/kube/kube_model.h"

struct kube_sim_stats {
	unsigned requests, pictures, changes, frames, cuts, restarts;
};

/* NULL, or what did not hold. */
const char *kube_sim_run(uint64_t seed, struct kube_sim_stats *sum);

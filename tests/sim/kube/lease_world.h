// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Candidates for a Lease, and everything that may happen to them. */
#pragma once

#include <stdint.h>

struct lease_sim_stats {
	unsigned requests, turns_held, changes, left, late, events;
};

/* One run; NULL, or what went wrong in words. Adds to *sum. */
const char *lease_sim_run(uint64_t seed, struct lease_sim_stats *sum);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Writes that an agent wishes, at a server that fails in every way. */
#pragma once

#include <stdint.h>

struct writes_sim_stats {
	unsigned requests, commits, conflicts, out_of_date, events;
};

/* One run; NULL, or what went wrong in words. Adds to *sum. */
const char *writes_sim_run(uint64_t seed, struct writes_sim_stats *sum);

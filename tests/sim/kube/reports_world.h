// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What nodes tell in objects, at a server that fails, beside others who change them. */
#pragma once

#include <stdint.h>

struct reports_sim_stats {
	unsigned requests, commits, deleted, refused, restarts;
};

/* One run; NULL, or what went wrong in words. Adds to *sum. */
const char *reports_sim_run(uint64_t seed, struct reports_sim_stats *sum);

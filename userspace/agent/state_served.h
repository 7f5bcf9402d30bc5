// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which VIPs the data plane has served since the machine booted, in STATE/served.yaml: those that
 * are not among them begin with settled rows, also if the tables of then are gone (lb/lb_served.h).
 */
#pragma once

#include "base/arena.h"
#include "base/nsec.h"
#include "lb/lb.h"

struct agent;

struct state_served {
	struct arena *arena; /* owned; holds vips */
	const struct lb_vip *vips;
	size_t n;
	bool is_known;       /* the file said that these are all */
	uint64_t generation; /* of what was written last */
	uint64_t hash;       /* 0: it could not be written */
	nsec_t at;           /* not written again before */
};

/* Part of state_load(), state_tick() and state_done(). */
void state_load_served(struct agent *a);
nsec_t state_tick_served(struct agent *a, nsec_t now);
void state_done_served(struct agent *a);

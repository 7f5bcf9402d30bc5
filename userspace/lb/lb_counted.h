// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is counted of a frontend since it is there: flows, and where its backends' counters are. */
#pragma once

#include "base/arena.h"
#include "lb/lb.h"

struct lb_tables;

/*
 * How many flows a frontend has let in as new ones. 0: there is no such frontend. Never decreases
 * while it is there, across adoptions as well; what the programs count in the moment in which it
 * gets another slot may be missing.
 */
uint64_t lb_tables_begun(const struct lb_tables *t, const struct lb_key *key);

/*
 * All of that of one frontend, for who asks of thousands: what lb_tables_backends(), _flows() and
 * _begun() say, but for the order of backends, which is any. False: there is no such frontend.
 */
struct lb_counted {
	const uint32_t *index; /* of its backends' counters; in the arena */
	size_t n;
	uint64_t flows; /* that live, as of the last walk */
	uint64_t begun;
};
bool lb_tables_counted(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
		       struct lb_counted *ret);

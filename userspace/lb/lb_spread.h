// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the walk (lb_walk.c) and the settling by what all nodes know (lb_spread.c) share. */
#pragma once

#include "lb/lb_inside.h"

/* What the walk has found out about a row's flows, by the row's number in its whole table. */
enum lb_row_flows {
	LB_FLOWS_OF_FIRST, /* or none */
	LB_FLOWS_FOREIGN,  /* of a later candidate, too */
	LB_FLOWS_BEYOND,   /* of a backend that is none */
};
enum lb_row_flows lb_walk_noted(const struct lb_tables *t, uint32_t row);
/* Other nodes may give flows to its backends, and tell what they know of its rows. */
bool lb_is_spread(const struct lb_service *svc);
/* Settles its rows by what this node and all others know. */
void lb_spread_settle(struct lb_tables *t, const struct lb_service *svc, uint32_t first_row,
		      uint32_t n_rows);

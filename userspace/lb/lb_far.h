// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The far programs: those behind xdp_lb that serve what is not on this node (backends on other
 * nodes, real servers, `nat`) and what other nodes send here in tunnels. A node that has nothing of
 * all that does without them, so nothing that leads a packet to one is written into the tables
 * before it is said that they are there: what would need them is refused by LB_NEED_FAR.
 */
#pragma once

#include "lb/lb.h"

struct lb_tables;

/* Of lb_tables_put() and lb_nodes_set_nat(), as LB_NEED_* of lb_tables.h: load them, and again. */
#define LB_NEED_FAR 5

/* Some packet to this frontend is for a far program. */
bool lb_frontend_is_far(const struct lb_frontend *f);

/*
 * Something in the tables leads to a far program: after adoption, a former run has had them, and
 * packets may come already.
 */
bool lb_tables_are_far(const struct lb_tables *t);

/* They are there, for good. */
void lb_tables_add_far(struct lb_tables *t);
bool lb_tables_have_far(const struct lb_tables *t);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What lb_nodes.c and the tables share. */
#pragma once

#include "lb/lb_nodes.h"

/* The images, borrowed; the places are written anew. */
struct lb_nodes *lb_nodes_new(struct lb_tables *t, uint64_t *places, struct lb_tunnel *tunnel);
struct lb_nodes *lb_nodes_free(struct lb_nodes *n);
/* Takes over what the chunks hold, after they were added; who is known stays so until told. */
void lb_nodes_adopt(struct lb_nodes *n);
/* A node has this number. */
bool lb_nodes_has(const struct lb_nodes *n, uint32_t number);
/* Each node that a target of the frontend is on has a number after that: as lb_nodes_take(). */
int lb_nodes_take_all(struct lb_nodes *n, const struct lb_clock *c,
		      const struct lb_frontend *f) must_check;
/* LB_SVC_* that the programs are told of a frontend beside its own. */
#define LB_SVC_DERIVED (LB_SVC_NO_BACKENDS | LB_SVC_REMOTE)
uint32_t lb_derived_flags(const struct lb_frontend *f);
/*
 * Tunnels end at this address of this node from now on, or no more; domain 0's are told apart.
 * is_closed: no flow is to begin here, by whichever end.
 */
void lb_nodes_set_end(struct lb_nodes *n, const struct lb_key *key, bool is_there, bool is_closed);
/* Sets the bits of numbers that backends in use name. Of the tables (lb_place.c). */
void lb_tables_name_nodes(const struct lb_tables *t, uint64_t bits[LB_NODES / 64]);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Other nodes and the ways there, from the planner's words into the maps. */
#pragma once

#include "sys/bpf_grow.h"

struct bpf_nodes;

/* Takes over what the map `next_devices` holds; tables and grow are borrowed. */
struct bpf_nodes *bpf_nodes_new(int devices_fd, struct lb_tables *tables, struct bpf_grow *grow);
struct bpf_nodes *bpf_nodes_free(struct bpf_nodes *n);

/* As lb_ways_ops.nodes, next_hops and nat; of the last also LB_NEED_FAR. */
int bpf_nodes_tell(struct bpf_nodes *n, const struct lb_clock *c, const struct lb_node_told *items,
		   size_t n_items) must_check;
int bpf_nodes_set_hops(struct bpf_nodes *n, const struct lb_clock *c,
		       const struct plan_next_hop *items, size_t n_items) must_check;
int bpf_nodes_set_nat(struct bpf_nodes *n, nsec_t now, uint16_t first_port) must_check;

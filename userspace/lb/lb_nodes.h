// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Other nodes in the images that the programs read (bpf/abi.h, `nodes`): their numbers, which are
 * this node's own and stay as long as a backend names them, what is told of them, and the ways
 * there. Real servers, of which nothing is told, have numbers and ways like them. A part of the
 * tables (lb_tables_nodes()); the images are the only truth here, too.
 */
#pragma once

#include "lb/lb.h"
#include "lb/lb_slots.h"

struct lb_tables;
struct lb_nodes;

/* What lb_nodes_take() asks for: a chunk of nodes, and then again. As LB_NEED_* of lb_tables.h. */
#define LB_NEED_NODE_CHUNK 4

/* The next chunk of LB_NODE_CHUNK nodes, zeroed or of a former run; borrowed. */
void lb_nodes_add_chunk(struct lb_nodes *n, struct lb_node *nodes);

/* Number of the node with this address; 0: it has none. */
uint32_t lb_nodes_find(const struct lb_nodes *n, const struct ip_addr *addr);
/*
 * The same, and if it has none it gets one: 0; or LB_NEED_NODE_CHUNK. -ENOSPC: there are too many.
 * -EAGAIN: possible once a number has rested.
 */
int lb_nodes_take(struct lb_nodes *n, const struct lb_clock *c,
		  const struct ip_addr *addr) must_check;
/* Its address; none: no node has the number. */
struct ip_addr lb_nodes_addr(const struct lb_nodes *n, uint32_t number);

/*
 * All nodes that are there, sorted by address; others are known no more: no flow begins there and
 * nothing is taken from them. As lb_nodes_take(), after which all is as before, or, with -ENOSPC,
 * as many as there is room for are told.
 */
int lb_nodes_tell(struct lb_nodes *n, const struct lb_clock *c, const struct lb_node_told *items,
		  size_t n_items) must_check;

/* How a packet that came in by `uplink` leaves for a node; ifindexes of devices. */
struct lb_hop_told {
	struct ip_addr node, source;
	uint32_t uplink, ifindex;
	bool on_link; /* the neighbour is the node itself */
	bool nat;     /* what it answers comes to `source` */
	uint16_t mtu; /* LB_HOP_MTU_LEAST or more; less counts as no way */
	uint8_t mac[6], own_mac[6];
};
#define LB_HOP_MTU_LEAST 576
/*
 * All ways that there are, by uplink and node. As lb_nodes_tell(). -ENOSPC: more uplinks than are
 * told apart, too. The smallest MTU of those to nodes that were told of says to what MSS segments
 * are clamped: answers of real servers do not come by.
 */
/* That range, as bpf/nat_ports.h has it; 0: there is none. */
uint64_t lb_nodes_nat(const struct lb_nodes *n);

int lb_nodes_set_hops(struct lb_nodes *n, const struct lb_clock *c, const struct lb_hop_told *items,
		      size_t n_items) must_check;

/*
 * Source ports for targets that are LB_BY_NAT: so many as the table has lines, from this one on; 0:
 * there are no such targets any more, nor ways that are `nat`. Whether there is a table is the
 * caller's. Addresses that were the source of such a way are looked for answers until then, also
 * after a restart, since flows know them. 0, or LB_NEED_FAR (lb_far.h).
 */
int lb_nodes_set_nat(struct lb_nodes *n, uint16_t first_port) must_check;

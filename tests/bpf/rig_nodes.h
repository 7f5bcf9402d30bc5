// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A part of rig.h: other nodes, whose addresses may be of another family than the frames. */
#pragma once

#include "bpf/rig.h"

struct rig_hop {
	uint32_t ifindex;
	uint32_t uplink; /* by which it comes in; 0: any */
	uint16_t mtu;
	uint8_t source[16];
	uint16_t tag; /* any */
	bool is_torn; /* as if it were just being changed */
	bool is_on_link;
};
static const uint8_t rig_neighbour[6] = {0x02, 0, 0, 0xaa, 0xbb, 0x01};
static const uint8_t rig_own[6] = {0x02, 0, 0, 0xaa, 0xbb, 0x02};

/* frame_address() in a family of its own. */
void rig_node_address(uint8_t to[16], int family, uint32_t v4);
/*
 * A node that is known and usable, of this number; its number is at that of the ten places (two
 * words of five) where an address may have it. One of its ways.
 */
void rig_add_node(struct rig *r, uint32_t number, int family, uint32_t v4, unsigned place);
void rig_set_node_state(struct rig *r, uint32_t number, uint64_t state);
void rig_set_hop(struct rig *r, uint32_t number, unsigned place, const struct rig_hop *h);
/* A device that packets may leave by. */
void rig_add_device(struct rig *r, uint32_t ifindex);
/* Tunnels end at this address of this node. */
void rig_add_tunnel_end(struct rig *r, int family, uint32_t v4);
/* No packet is sent on any more for want of a token. */
void rig_use_up_hops(struct rig *r);
/* No flow is to begin here that another node has the first packet of. */
void rig_close_end(struct rig *r);
/* What is not known at once is dropped from here on: the programs for it are gone, so the rig is to
 * be one of rig_new_sized(). */
void rig_take_cold_out(struct rig *r);
/* ... nor is there any other of the far programs. */
void rig_take_far_out(struct rig *r);
void rig_set_mss(struct rig *r, uint16_t v4, uint16_t v6);
/* Backend i is on the node of this number; ready, of generation 1. */
void rig_set_remote(struct rig *r, const struct rig_service *s, unsigned i, uint32_t number);
/* The same, but that it drains. */
void rig_set_remote_draining(struct rig *r, const struct rig_service *s, unsigned i,
			     uint32_t number);
/* ... or a real server, by this LB_WAY_*. */
void rig_set_server(struct rig *r, const struct rig_service *s, unsigned i, uint32_t number,
		    unsigned way);
/* Sources are translated to ports of this range; the table is there from then on. A line of it, to
 * look at or to change. */
void rig_set_nat(struct rig *r, uint16_t first, uint32_t count);
struct lb_nat_line *rig_nat_line(struct rig *r, uint32_t line);
/* The range alone: there is no table. */
void rig_set_nat_range(struct rig *r, uint16_t first, uint32_t count);
/* The entry of the frame's flow with a backend on another node. */
struct lb_flow *rig_remote_flow(struct rig *r, const struct frame_spec *s, uint16_t domain);

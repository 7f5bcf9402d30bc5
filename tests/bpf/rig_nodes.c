// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Other nodes: their numbers, the ways to them, and this node's end of the tunnels. */
#include "bpf/rig_nodes.h"
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include "bpf/beside_slots.h"
#include "bpf/wire.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void rig_node_address(uint8_t to[16], int family, uint32_t v4)
{
	const int before = frame_family();

	frame_use_family(family);
	frame_address(to, v4);
	frame_use_family(before);
}

static int chunk_of(struct rig *r, uint32_t number, uint32_t *ret_in)
{
	*ret_in = number % LB_NODE_CHUNK;
	return rig_chunk(r, RIG_NODES_MAP, number / LB_NODE_CHUNK);
}

static struct lb_node read_node(struct rig *r, uint32_t number)
{
	struct lb_node node;
	uint32_t in;
	const int fd = chunk_of(r, number, &in);

	rig_must(bpf_map_lookup_elem(fd, &in, &node), "read node");
	return node;
}

static void write_node(struct rig *r, uint32_t number, const struct lb_node *node)
{
	uint32_t in;
	const int fd = chunk_of(r, number, &in);

	rig_must(bpf_map_update_elem(fd, &in, node, BPF_ANY), "write node");
}

void rig_add_node(struct rig *r, uint32_t number, int family, uint32_t v4, unsigned place)
{
	const int fd = bpf_map__fd(r->xdp->maps.node_places);
	struct lb_node node = read_node(r, number);
	uint32_t key;
	uint64_t word;

	rig_node_address((uint8_t *)node.addr, family, v4);
	node.state = LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE;
	write_node(r, number, &node);
	key = lb_node_place(node.addr, place / LB_NODE_WAYS);
	rig_must(bpf_map_lookup_elem(fd, &key, &word), "read place");
	word |= (uint64_t)number << place % LB_NODE_WAYS * LB_NODE_BITS;
	rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write place");
}

void rig_set_node_state(struct rig *r, uint32_t number, uint64_t state)
{
	struct lb_node node = read_node(r, number);

	node.state = state;
	write_node(r, number, &node);
}

static uint64_t mac(const uint8_t octets[6])
{
	uint64_t ret = 0;

	memcpy(&ret, octets, 6);
	return ret;
}

void rig_set_hop(struct rig *r, uint32_t number, unsigned place, const struct rig_hop *h)
{
	const uint64_t tag = (uint64_t)(h->tag + 1) << LB_HOP_TAG_SHIFT;
	struct lb_node node = read_node(r, number);
	struct lb_next_hop *to = &node.hops[place];

	*to = (struct lb_next_hop){.way = h->ifindex | (uint64_t)h->mtu << LB_HOP_MTU_SHIFT | tag,
				   .neighbour = mac(rig_neighbour) | tag,
				   .own = mac(rig_own) | (h->is_torn ? 0 : tag),
				   .uplink = h->uplink,
				   .flags = h->is_on_link ? LB_HOP_ON_LINK : 0};
	memcpy(to->source, h->source, sizeof(to->source));
	write_node(r, number, &node);
}

/* There is one device only in many a machine, so it stands for others. */
void rig_add_device(struct rig *r, uint32_t ifindex)
{
	const uint32_t device = RIG_IFINDEX;

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.next_devices), &ifindex, &device,
				     BPF_ANY),
		 "add a device");
}

void rig_add_tunnel_end(struct rig *r, int family, uint32_t v4)
{
	const int before = frame_family();
	struct rig_service end = {
		.vip = v4, .port = LB_GUE_PORT, .proto = IPPROTO_UDP, .flags = LB_SVC_TUNNEL};

	frame_use_family(family);
	rig_add_service(r, &end);
	rig_set_rows_none(r, &end);
	rig_set_vip_bit(r, v4);
	frame_use_family(before);
}

void rig_set_mss(struct rig *r, uint16_t v4, uint16_t v6)
{
	const struct lb_tunnel t = {.mss = v4 | (uint64_t)v6 << LB_TUNNEL_MSS_V6_SHIFT};
	const uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.tunnel), &zero, &t, BPF_ANY),
		 "write tunnel");
}

void rig_close_end(struct rig *r)
{
	const struct lb_tunnel t = {.closed = 1};
	const uint32_t zero = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.tunnel), &zero, &t, BPF_ANY),
		 "write tunnel");
}

void rig_use_up_hops(struct rig *r)
{
	uint64_t *until = calloc(r->n_cpus, sizeof(*until));
	const uint32_t zero = 0;

	if (!until)
		abort();
	for (unsigned i = 0; i < r->n_cpus; i++)
		until[i] = UINT64_MAX / 2;
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.hops), &zero, until, BPF_ANY),
		 "write hops");
	free(until);
}

static void take_out(struct rig *r, uint32_t slot)
{
	rig_need_far(r);
	rig_must(bpf_map_delete_elem(bpf_map__fd(r->xdp->maps.beside), &slot),
		 "take out a program");
}

void rig_take_cold_out(struct rig *r)
{
	take_out(r, BESIDE_TUNNEL);
	take_out(r, BESIDE_OPENED);
}

void rig_take_far_out(struct rig *r)
{
	for (uint32_t slot = BESIDE_BFD + 1; slot < BESIDE_SLOTS; slot++)
		take_out(r, slot);
}

void rig_set_remote_draining(struct rig *r, const struct rig_service *s, unsigned i,
			     uint32_t number)
{
	struct lb_backend be;

	rig_set_remote(r, s, i, number);
	be = rig_read_backend(r, s, i);
	be.state &= ~((uint64_t)LB_BE_READY << LB_BE_FLAGS_SHIFT);
	rig_change_backend(r, s, i, &be);
}

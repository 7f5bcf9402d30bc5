/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a packet leaves for another node: as the agent resolved it for the uplink that the packet
 * came in by, else for any; else, until it has, by the kernel's routes and neighbours, which is a
 * call of 80 ns. Without a neighbour nothing leaves, and that is counted.
 */
#pragma once

#include "vmlinux.h"

#include "common.h"
#include "maps.h"
#include "node.h"

#define HOP_AF_INET  2
#define HOP_AF_INET6 10
#define HOP_MAC      0x0000ffffffffffffull

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, LB_NEXT_DEVICES);
	__type(key, __u32);
	__type(value, __u32);
} next_devices SEC(".maps");

/* Words of MAC addresses as in lb_next_hop, without tags. */
struct hop {
	__u64 neighbour, own;
	__u32 source[4];
	__u32 target[4];
	__u32 ifindex;
	__u32 mtu;
	__u64 is_on_link; /* the neighbour is the target itself */
	__u8 version;     /* of private data that the node there is sent */
};

/* False: it is not known, or just being changed. */
static __always_inline bool hop_read(struct hop *h, const struct lb_next_hop *from)
{
	__u64 way = READ_ONCE(from->way), neighbour = READ_ONCE(from->neighbour);
	__u64 own = READ_ONCE(from->own);

	if (unlikely(!(__u32)way || ((way ^ neighbour) | (way ^ own)) >> LB_HOP_TAG_SHIFT))
		return false;
	h->ifindex = (__u32)way;
	h->mtu = way >> LB_HOP_MTU_SHIFT & 0xffff;
	h->neighbour = neighbour & HOP_MAC;
	h->own = own & HOP_MAC;
	h->is_on_link = from->flags & LB_HOP_ON_LINK;
	addr_copy(h->source, from->source);
	return true;
}

static __always_inline __u64 hop_mac(const __u8 mac[6])
{
	__u64 ret = 0;

	__builtin_memcpy(&ret, mac, 6);
	return ret;
}

/* What the kernel was asked for, and is not changed where the target is on a link. */
static __always_inline bool hop_is_direct(const struct bpf_fib_lookup *fib, const struct hop *h)
{
	if (addr_is_v4(h->target))
		return fib->family == HOP_AF_INET && fib->ipv4_dst == h->target[3];
	return addr_is(fib->ipv6_dst, h->target);
}

/*
 * By the kernel, from the node's own end of tunnels, or where there is none from the source that is
 * filled in. The target is, too.
 */
__noinline bool hop_ask(struct xdp_md *ctx, struct hop *h)
{
	struct bpf_fib_lookup fib = {};
	const struct lb_tunnel *own;
	__u32 zero = 0;

	own = bpf_map_lookup_elem(&tunnel, &zero);
	if (!h || !own)
		return false;
	fib.ifindex = ctx->ingress_ifindex;
	fib.l4_protocol = IPPROTO_UDP;
	fib.dport = bpf_htons(LB_GUE_PORT);
	if (addr_is_v4(h->target)) {
		if (own->own_v4[3])
			addr_copy(h->source, own->own_v4);
		fib.family = HOP_AF_INET;
		fib.ipv4_src = h->source[3];
		fib.ipv4_dst = h->target[3];
	} else {
		if (own->own_v6[0])
			addr_copy(h->source, own->own_v6);
		fib.family = HOP_AF_INET6;
		addr_copy(fib.ipv6_src, h->source);
		addr_copy(fib.ipv6_dst, h->target);
	}
	if (!h->source[3] || bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return false;
	h->ifindex = fib.ifindex;
	h->mtu = fib.mtu_result;
	h->neighbour = hop_mac(fib.dmac);
	h->own = hop_mac(fib.smac);
	h->is_on_link = hop_is_direct(&fib, h);
	return true;
}

static __always_inline bool hop_is_first(const struct lb_node *node, __u32 uplink)
{
	return READ_ONCE(node->hops[0].uplink) == uplink;
}

/* As told: that of the uplink, else the first. */
static __always_inline bool hop_is_told(struct hop *h, const struct lb_node *node, __u32 uplink)
{
	if (likely(hop_is_first(node, uplink)))
		return hop_read(h, &node->hops[0]);
#pragma unroll
	for (__u32 i = 1; i < LB_NODE_HOPS; i++)
		if (READ_ONCE(node->hops[i].uplink) == uplink)
			return hop_read(h, &node->hops[i]) || hop_read(h, &node->hops[0]);
	return hop_read(h, &node->hops[0]);
}

/* Of private data that a node of this state word is sent. */
static __always_inline __u8 hop_version(__u64 state)
{
	__u8 version = state >> LB_NODE_VERSION_SHIFT & 0xff;

	return version ? version : LB_TUNNEL_LEAST;
}

/* The way to a node; false: there is none. */
static __always_inline bool hop_find(struct xdp_md *ctx, __u32 number, struct hop *h)
{
	const struct lb_node *node = node_at(number);
	__u64 state = node ? READ_ONCE(node->state) : 0;

	if (!node || !(state & LB_NODE_IN_USE))
		return false;
	h->version = hop_version(state);
	addr_copy(h->target, node->addr);
	return likely(hop_is_told(h, node, ctx->ingress_ifindex)) || hop_ask(ctx, h);
}

/* The same to a real server, from the source of the way that was told last: it needs no tunnels. */
static __always_inline bool hop_find_server(struct xdp_md *ctx, __u32 number, struct hop *h)
{
	const struct lb_node *node = node_at(number);

	if (!node)
		return false;
	addr_copy(h->source, node->hops[0].source);
	return hop_find(ctx, number, h);
}

static __always_inline int hop_leave(const struct xdp_md *ctx, __u32 ifindex)
{
	if (likely(ifindex == ctx->ingress_ifindex))
		return XDP_TX;
	return (int)bpf_redirect_map(&next_devices, ifindex, XDP_DROP);
}

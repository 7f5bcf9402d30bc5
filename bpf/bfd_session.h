/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BFD sessions that the agent has told of, and how a packet is found to be of one of them.
 */
#pragma once

#include "vmlinux.h"

#include "common.h"
#include "packet.h"

#include <bpf/bpf_helpers.h>

#define BFD_HOPS  0xff /* TTL of who sends it (RFC 5881 5) */
#define BFD_V4    0x45 /* first octet of an IPv4 header without options */
#define BFD_BYTES (LB_BFD_WORDS * sizeof(__u32))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_BFD_SESSIONS);
	__type(key, __u32);
	__type(value, struct lb_bfd);
} bfd_sessions SEC(".maps");

struct bfd_timer {
	struct bpf_timer timer;
};

/* Beside the sessions, since what the agent has mapped may hold no timer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_BFD_SESSIONS);
	__type(key, __u32);
	__type(value, struct bfd_timer);
} bfd_timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LB_BFD_WOKEN_BYTES);
} bfd_woken SEC(".maps");

/* It may be BFD: UDP over no hop at all. Both lie in 16 bits of either header, which is read. */
static __always_inline bool bfd_may_be(const struct packet *p)
{
	const __u8 *ip = p->ip;

	if (p->family == FAMILY_V4) /* TTL, protocol */
		return unlikely(*(const __u16 *)(ip + 8) == bpf_htons(BFD_HOPS << 8 | IPPROTO_UDP));
	return unlikely(*(const __u16 *)(ip + 6) == bpf_htons(IPPROTO_UDP << 8 | BFD_HOPS));
}

/* The UDP header of such a packet, and that many octets behind it; NULL: it is something else. */
static __always_inline struct udphdr *bfd_udp(const struct packet *p, __u32 bytes)
{
	struct udphdr *udp =
		p->ip + (p->family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	const struct iphdr *v4 = p->ip;

	if ((void *)udp + sizeof(*udp) + bytes > p->end || !bfd_may_be(p))
		return NULL;
	if (p->family == FAMILY_V4)
		return *(const __u8 *)v4 == BFD_V4 && !(v4->frag_off & bpf_htons(IP_FRAGMENT))
			       ? udp
			       : NULL;
	return *(const __u8 *)p->ip >> 4 == 6 ? udp : NULL;
}

static __always_inline struct lb_bfd *bfd_at(__u32 place)
{
	return bpf_map_lookup_elem(&bfd_sessions, &place);
}

/* A barrier on both sides, so that what is read between two of these is of that version. */
static __always_inline __u64 bfd_version(struct lb_bfd *e)
{
	return __sync_fetch_and_add(&e->version, 0);
}

static __always_inline bool bfd_is_from_peer(const struct lb_bfd *e, const struct xdp_md *ctx,
					     const struct packet *p)
{
	__u32 saddr[4];

	parse_saddr(p, saddr);
	return addr_is(saddr, e->told.peer) &&
	       (!e->told.ifindex || e->told.ifindex == ctx->ingress_ifindex);
}

static __always_inline bool bfd_is_to(const __u32 addr[4], const struct packet *p)
{
	__u32 daddr[4];

	parse_daddr(p, daddr);
	return addr_is(daddr, addr);
}

/* --- sent back -------------------------------------------------------------------------------- */

/* To who sent the frame. False: it was sent to a group. */
static __always_inline bool bfd_turn_frame(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ethhdr turned;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end || eth->h_dest[0] & 1)
		return false;
	turned.h_proto = eth->h_proto;
	__builtin_memcpy(turned.h_dest, eth->h_source, sizeof(turned.h_dest));
	__builtin_memcpy(turned.h_source, eth->h_dest, sizeof(turned.h_source));
	*eth = turned;
	return true;
}

/* Exchanging two addresses leaves every sum as it is. */
static __always_inline void bfd_turn_ip(const struct packet *p)
{
	struct ipv6hdr *v6 = p->ip;
	struct iphdr *v4 = p->ip;
	struct in6_addr from;

	if (p->family == FAMILY_V4) {
		v4->saddr = p->daddr;
		v4->daddr = p->saddr;
		return;
	}
	from = v6->saddr;
	v6->saddr = v6->daddr;
	v6->daddr = from;
}

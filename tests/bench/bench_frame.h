/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the drivers of the way there and of the way back share: their maps, and the frame that is
 * laid before each repetition. Checksums are not filled in, but where the kernel is to go on with
 * the packet: nobody looks at them before the wire.
 */
#pragma once

#include "common.h"

#include <bpf/bpf_helpers.h>

#include "tests/bench/bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_plan);
} plan SEC(".maps");

#define BENCH_TAG sizeof(struct vlan_hdr)

/* Who sends the frame, and to whom; network order, IPv4 in its mapped form. */
struct bench_ends {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__be16 id;
};

static __always_inline void bench_lay_l4(struct tcphdr *tcp, const struct bench_plan *p,
					 const struct bench_ends *ends)
{
	tcp->source = ends->sport;
	tcp->dest = ends->dport;
	((__u8 *)tcp)[TCP_FLAGS] = p->tcp_flags;
	tcp->check = 0x4321;
	tcp->ack_seq = 0x87654321; /* where SCTP has its checksum, of which 0 is none */
}

/* RFC 791 3.1, of a header without options. */
static __always_inline void bench_lay_checksum(struct iphdr *ip)
{
	const __u16 *words = (void *)ip;
	__u32 sum = 0;

	ip->check = 0;
	for (unsigned i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = (__u16) ~(sum + (sum >> 16));
}

static __always_inline void bench_lay_v4(struct iphdr *ip, const struct bench_plan *p,
					 const struct bench_ends *ends)
{
	*(__be16 *)ip = bpf_htons(0x4500);
	ip->tot_len = bpf_htons(BENCH_FRAME - sizeof(struct ethhdr) - p->n_tags * BENCH_TAG);
	ip->id = ends->id;
	ip->frag_off = p->frag;
	ip->ttl = 64;
	ip->protocol = p->proto;
	ip->check = 0x1234;
	ip->saddr = ends->saddr[3];
	ip->daddr = ends->daddr[3];
	bench_lay_l4((void *)(ip + 1), p, ends);
}

/* What the kernel looks at as well; the frame may be one that it had before. */
static __always_inline void bench_lay_rest(struct ethhdr *eth)
{
	static const __u8 mac[] = BENCH_MAC;
	struct iphdr *ip = (void *)(eth + 1);
	__u8 *tcp = (void *)(ip + 1);

	__builtin_memcpy(eth->h_dest, mac, sizeof(mac));
	bench_lay_checksum(ip);
	tcp[TCP_FLAGS - 1] = sizeof(struct tcphdr) / 4 << 4;
}

static __always_inline void bench_lay_v6(struct ipv6hdr *ip, const struct bench_plan *p,
					 const struct bench_ends *ends)
{
	*(__be16 *)ip = bpf_htons(0x6000);
	ip->payload_len = bpf_htons(BENCH_FRAME - sizeof(struct ethhdr) - sizeof(*ip));
	ip->nexthdr = p->proto;
	ip->hop_limit = 64;
	addr_copy(ip->saddr.in6_u.u6_addr32, ends->saddr);
	addr_copy(ip->daddr.in6_u.u6_addr32, ends->daddr);
	bench_lay_l4((void *)(ip + 1), p, ends);
}

/* IPv4 behind so many tags, which are 1 or 2 and known to the compiler. */
static __always_inline void bench_lay_tagged(struct ethhdr *eth, const struct bench_plan *p,
					     const struct bench_ends *ends, int n)
{
	struct vlan_hdr *tag = (void *)(eth + 1);

	eth->h_proto = bpf_htons(ETH_P_8021Q);
	tag[0].h_vlan_TCI = bpf_htons(7);
	tag[0].h_vlan_encapsulated_proto = bpf_htons(n == 2 ? ETH_P_8021Q : ETH_P_IP);
	if (n == 2) {
		tag[1].h_vlan_TCI = bpf_htons(8);
		tag[1].h_vlan_encapsulated_proto = bpf_htons(ETH_P_IP);
	}
	bench_lay_v4((void *)(tag + n), p, ends);
}

static __always_inline void bench_lay(struct ethhdr *eth, const struct bench_plan *p,
				      const struct bench_ends *ends)
{
	if (p->n_tags == 1)
		return bench_lay_tagged(eth, p, ends, 1);
	if (p->n_tags == 2)
		return bench_lay_tagged(eth, p, ends, 2);
	eth->h_proto = p->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	if (p->v6)
		bench_lay_v6((void *)(eth + 1), p, ends);
	else
		bench_lay_v4((void *)(eth + 1), p, ends);
	if (p->for_real)
		bench_lay_rest(eth);
}

/* The client of a flow, by the flow's number. */
static __always_inline void bench_client(__u32 to[4], const struct bench_plan *p, __u32 flow)
{
	addr_from_v4(to, bpf_htonl(0x0b000000 + (flow >> 5)));
	if (p->v6)
		to[0] = bpf_htonl(0x20010db8);
}

static __always_inline __be16 bench_client_port(__u32 flow)
{
	return bpf_htons(1024 + (flow & 31));
}

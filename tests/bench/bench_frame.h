/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the drivers of the way there and of the way back share: their maps, and the frame that is
 * laid before each repetition. Checksums are not filled in: nobody looks at them before the wire.
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

/* Who sends the frame, and to whom; network order. */
struct bench_ends {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

static __always_inline void bench_lay(struct ethhdr *eth, const struct bench_plan *p,
				      const struct bench_ends *ends)
{
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	eth->h_proto = bpf_htons(ETH_P_IP);
	*(__u8 *)ip = 0x45;
	ip->tot_len = bpf_htons(BENCH_FRAME - sizeof(*eth));
	ip->frag_off = 0;
	ip->ttl = 64;
	ip->protocol = p->proto;
	ip->check = 0x1234;
	ip->saddr = ends->saddr;
	ip->daddr = ends->daddr;
	tcp->source = ends->sport;
	tcp->dest = ends->dport;
	((__u8 *)tcp)[TCP_FLAGS] = p->tcp_flags;
	tcp->check = 0x4321;
}

/* The client of a flow, by the flow's number. */
static __always_inline __be32 bench_client(__u32 flow)
{
	return bpf_htonl(0x0b000000 + (flow >> 5));
}

static __always_inline __be16 bench_client_port(__u32 flow)
{
	return bpf_htons(1024 + (flow & 31));
}

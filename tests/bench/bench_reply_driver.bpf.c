// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same as bench_driver for the way back: lays a fresh answer of a backend before each
 * repetition and tail-calls the program under test. Of the plan, daddr and dport are the backend's;
 * flows are those of bench_driver under the same numbers, answered by backend 0.
 */
#include "vmlinux.h"

#include "common.h"

#include <bpf/bpf_helpers.h>

#include "tests/bench/bench.h"

char LICENSE[] SEC("license") = "GPL";

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

static __always_inline void lay(struct ethhdr *eth, const struct bench_plan *p, __u32 flow)
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
	ip->saddr = p->daddr;
	ip->daddr = bpf_htonl(0x0b000000 + (flow >> 5));
	tcp->source = bpf_htons(p->dport);
	tcp->dest = bpf_htons(1024 + (flow & 31));
	((__u8 *)tcp)[TCP_FLAGS] = p->tcp_flags;
	tcp->check = 0x4321;
}

SEC("tc")
int bench_reply_driver(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 zero = 0, flow;
	struct bench_plan *p = bpf_map_lookup_elem(&plan, &zero);

	if (!p || (void *)eth + BENCH_FRAME > (void *)(long)skb->data_end)
		return TCX_NEXT;
	flow = p->first + p->next++;
	if (p->next == p->n_flows)
		p->next = 0;
	lay(eth, p, flow);
	bpf_tail_call(skb, &under_test, 0);
	return TCX_NEXT;
}

SEC("tc")
int bench_reply_empty(struct __sk_buff *skb)
{
	return TCX_NEXT;
}

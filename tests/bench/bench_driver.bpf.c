// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lays a fresh frame before each repetition of BPF_PROG_TEST_RUN, which does not reset the packet,
 * and tail-calls the program under test. Flows follow each other in a cycle of n_flows; 0 means
 * that every packet begins a new one. Checksums are not filled in: nobody looks at them before the
 * wire.
 *
 * bench_empty is what is subtracted: the driver's own cost and that of the call.
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
	ip->saddr = bpf_htonl(0x0b000000 + (flow >> 5));
	ip->daddr = p->daddr;
	tcp->source = bpf_htons(1024 + (flow & 31));
	tcp->dest = bpf_htons(p->dport + (p->n_services ? flow % p->n_services : 0));
	((__u8 *)tcp)[TCP_FLAGS] = p->tcp_flags;
	tcp->check = 0x4321;
}

SEC("xdp.frags")
int bench_driver(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 zero = 0, flow;
	struct bench_plan *p = bpf_map_lookup_elem(&plan, &zero);

	if (!p || (void *)eth + BENCH_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	flow = p->first + p->next++;
	if (p->next == p->n_flows)
		p->next = 0;
	lay(eth, p, flow);
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int bench_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

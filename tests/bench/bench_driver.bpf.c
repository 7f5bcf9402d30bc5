// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lays a fresh frame before each repetition of BPF_PROG_TEST_RUN, which does not reset the packet,
 * and tail-calls the program under test. Flows follow each other in a cycle of n_flows; 0 means
 * that every packet begins a new one.
 *
 * bench_empty is what is subtracted: the driver's own cost and that of the call. bench_longer makes
 * the frame longer, as a program that encapsulates does, which the driver takes back before the
 * next one, as it does when the frame was answered by a shorter one.
 */
#include "vmlinux.h"

#include "tests/bench/bench_frame.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline void lay(struct ethhdr *eth, const struct bench_plan *p, __u32 flow)
{
	struct bench_ends ends = {
		.sport = bench_client_port(flow),
		.id = bpf_htons((__u16)flow),
		.dport = bpf_htons(p->dport + (p->n_services ? flow % p->n_services : 0)),
	};

	bench_client(ends.saddr, p, flow);
	addr_copy(ends.daddr, p->daddr);
	if (p->n_hosts)
		ends.daddr[3] = bpf_htonl(bpf_ntohl(p->daddr[3]) + flow % p->n_hosts);
	bench_lay(eth, p, &ends);
}

SEC("xdp.frags")
int bench_driver(struct xdp_md *ctx)
{
	int longer = (int)(ctx->data_end - ctx->data) - BENCH_FRAME;
	struct ethhdr *eth;
	__u32 zero = 0, flow;
	struct bench_plan *p = bpf_map_lookup_elem(&plan, &zero);

	if (longer > 0)
		bpf_xdp_adjust_head(ctx, longer);
	else if (longer)
		bpf_xdp_adjust_tail(ctx, -longer);
	eth = (void *)(long)ctx->data;
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

SEC("xdp.frags")
int bench_longer(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)) ? XDP_ABORTED : XDP_TX;
}

__u64 n_dropped;

/* Ends the way of a live frame, on the device where it is attached, and counts it. */
SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&n_dropped, 1);
	return XDP_DROP;
}

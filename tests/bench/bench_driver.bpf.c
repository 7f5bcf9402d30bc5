// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lays a fresh frame before each repetition of BPF_PROG_TEST_RUN, which does not reset the packet,
 * and tail-calls the program under test. Flows follow each other in a cycle of n_flows; 0 means
 * that every packet begins a new one.
 *
 * bench_empty is what is subtracted: the driver's own cost and that of the call. bench_longer makes
 * the frame longer, as a program that encapsulates does, which the driver takes back before the
 * next one, as it does when the frame was answered by a shorter one.
 *
 * bench_tunnel_driver is for what goes to other nodes or comes from them: it calls for a frame of
 * the right length each time, also when that is the length already, so that the call is in what is
 * subtracted.
 */
#include "vmlinux.h"

#include "tests/bench/bench_frame.h"

#include "wire.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline struct bench_ends ends_of(const struct bench_plan *p, __u32 flow)
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
	return ends;
}

static __always_inline void lay(struct ethhdr *eth, const struct bench_plan *p, __u32 flow)
{
	const struct bench_ends ends = ends_of(p, flow);

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

struct bench_outer outers[2];

/* A packet that another node sent. Its outer headers are copied in whole words, over whose last
 * octets the packet is laid. */
static __always_inline void lay_tunnelled(void *frame, const struct bench_plan *p, __u32 flow,
					  bool v6)
{
	const __u32 over = lb_tunnel_overhead(!v6, !v6, 0);
	const __u32 words = (sizeof(struct ethhdr) + over + 7) / 8;
	const struct bench_ends ends = ends_of(p, flow);
	__u64 *to = frame;

	_Static_assert(sizeof(struct bench_outer) <= BENCH_FRAME, "it lies in a frame");
#pragma unroll
	for (__u32 i = 0; i < words; i++)
		to[i] = outers[v6].words[i];
	if (v6)
		bench_lay_v6(frame + sizeof(struct ethhdr) + over, p, &ends);
	else
		bench_lay_v4(frame + sizeof(struct ethhdr) + over, p, &ends);
}

SEC("xdp.frags")
int bench_tunnel_driver(struct xdp_md *ctx)
{
	int longer = (int)(ctx->data_end - ctx->data) - BENCH_FRAME;
	__u32 zero = 0, flow;
	struct bench_plan *p = bpf_map_lookup_elem(&plan, &zero);
	void *frame;

	if (!p)
		return XDP_ABORTED;
	if (p->way == BENCH_FROM_NODE)
		longer -= lb_tunnel_overhead(!p->v6, !p->v6, 0);
	if (bpf_xdp_adjust_head(ctx, longer))
		return XDP_ABORTED;
	frame = (void *)(long)ctx->data;
	if (frame + BENCH_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	flow = p->first + p->next++;
	if (p->next == p->n_flows)
		p->next = 0;
	if (p->way != BENCH_FROM_NODE)
		lay(frame, p, flow);
	else if (frame + BENCH_FRAME + lb_tunnel_overhead(1, 1, 0) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	else if (p->v6)
		lay_tunnelled(frame, p, flow, true);
	else
		lay_tunnelled(frame, p, flow, false);
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

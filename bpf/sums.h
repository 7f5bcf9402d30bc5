/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What backends have counted, summed over the processors, for the agent, which runs this by
 * BPF_PROG_TEST_RUN; no packet of the network comes here. The kernel's own look-up of many copies
 * each processor's counters to user space by themselves, with two checks each: ten times as long.
 */
#pragma once

#include "common.h"
#include "maps.h"

struct sums_walk {
	struct xdp_md *ctx;
	__u32 n;
};

/* All of them of one processor; 1: some are not there. */
static long sums_of(__u32 cpu, struct sums_walk *w)
{
	struct lb_sums *sums = (void *)(long)w->ctx->data;

	if ((void *)(sums + 1) > (void *)(long)w->ctx->data_end)
		return 1;
	for (__u32 i = 0; i < LB_SUMS && i < w->n; i++) {
		__u32 chunk = sums->index[i] / LB_BACKEND_CHUNK;
		__u32 in = sums->index[i] % LB_BACKEND_CHUNK;
		void *inner = bpf_map_lookup_elem(&counters, &chunk);
		struct lb_counter *of;

		if (!inner)
			return 1;
		of = bpf_map_lookup_percpu_elem(inner, &in, cpu);
		if (!of)
			return 1;
		sums->of[i].packets += of->packets;
		sums->of[i].bytes += of->bytes;
	}
	return 0;
}

/* XDP_PASS: the packet has the sums, which begin at what it held. */
SEC("xdp")
int xdp_sums(struct xdp_md *ctx)
{
	struct lb_sums *asked = (void *)(long)ctx->data;
	struct sums_walk w = {.ctx = ctx};
	__u32 cpus;

	if ((void *)(asked + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	w.n = asked->n;
	cpus = asked->cpus;
	return bpf_loop(cpus, sums_of, &w, 0) == cpus ? XDP_PASS : XDP_DROP;
}

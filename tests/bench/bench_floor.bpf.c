// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: the array reads without which no packet can be balanced this way (bit, service slot,
 * row, backend slot, counter; for a SYN one line of the flow table), the two multiplications of a
 * hash, and the rewrite. No domains, no VLANs, no options, no policies, no second slot, no second
 * line, no states, no keyed hash, no checks but those that the verifier wants. The bars of the real
 * program are ratios to this one, measured in the same run on the same maps.
 */
#include "tests/bench/bench_floor.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int floor(struct xdp_md *ctx, enum floor_more more)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct lb_backend *be;
	struct packet p = {};
	int verdict;
	__u32 index;

	if (!floor_parse(ctx, sizeof(*eth), FAMILY_V4, &p) || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	be = floor_find(&p, more == FLOOR_ALONE, &index, &verdict);
	if (!be)
		return verdict;
	return floor_give(&p, be, index, more);
}

SEC("xdp.frags")
int bench_floor(struct xdp_md *ctx)
{
	return floor(ctx, FLOOR_ALONE);
}

SEC("xdp.frags")
int bench_floor_reads(struct xdp_md *ctx)
{
	return floor(ctx, FLOOR_READS);
}

SEC("xdp.frags")
int bench_floor_claims(struct xdp_md *ctx)
{
	return floor(ctx, FLOOR_CLAIMS);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: the array reads without which no packet can be balanced this way (bit, service slot,
 * row, backend slot, counter; for a SYN one line of the flow table), the two multiplications of a
 * hash, and the rewrite. No domains, no VLANs, no options, no policies, no second slot, no second
 * line, no states, no keyed hash, no checks but those that the verifier wants. The bars of the real
 * program are ratios to this one, measured in the same run on the same maps.
 *
 * Two more say where the rest comes from, and are no bar's base: the floor with one read of the
 * line of the flow table that the real program reads, and with an entry claimed there as it must
 * be, by the keyed hash and one compare-and-swap. Nothing is decided by either.
 */
#include "tests/bench/bench_floor.h"

#include "stats.h"

char LICENSE[] SEC("license") = "GPL";

/* The line where the flow's entry with this backend may be. */
static __always_inline struct lb_flow_line *floor_line(const struct packet *p,
						       const struct lb_backend *be, __u64 *ret_hash)
{
	flow_table_t t = flow_table();

	*ret_hash = lb_flow_hash_v4(flow_secret(), be->addr[3], p->saddr,
				    lb_flow_ports(be->port, p->sport), p->proto);
	return flow_line_at(t, lb_flow_first(*ret_hash, flow_table_lines(t)));
}

static __always_inline void floor_read(const struct packet *p, const struct lb_backend *be)
{
	__u64 hash;
	struct lb_flow_line *line = floor_line(p, be, &hash);

	if (line)
		(void)LB_FLOW_READ(&line->way[0].hash);
}

static __always_inline void floor_claim(const struct packet *p, const struct lb_backend *be)
{
	__u64 hash, seen;
	struct lb_flow_line *line = floor_line(p, be, &hash);
	struct lb_flow *way = line ? lb_flow_room(line, &seen) : NULL;

	if (way)
		(void)lb_flow_claim(way, seen, hash, 1);
}

enum floor_more { FLOOR_ALONE, FLOOR_READS, FLOOR_CLAIMS };

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
	if (more == FLOOR_READS)
		floor_read(&p, be);
	if (more == FLOOR_CLAIMS)
		floor_claim(&p, be);
	rewrite_to_backend(&p, be);
	stats_delivered(index, parse_bytes(&p));
	return XDP_PASS;
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

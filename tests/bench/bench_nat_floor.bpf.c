// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floors of flows whose source is translated: the array reads of bench_floor.h, the two hashes
 * and the one line of their table that a flow is in, and the same change of both ends of the
 * packet. No second line, no states, no MTU, no domains, no scratch value, no call of another
 * program, no question for the way to the client.
 */
#include "tests/bench/bench_floor.h"

#include "nat_line.h"
#include "nat_rewrite.h"
#include "node.h"
#include "stats.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline struct cold_packet floor_packet(const struct packet *p)
{
	struct cold_packet c = {
		.ip_off = sizeof(struct ethhdr), .family = p->family, .proto = p->proto};

	c.l4_off = c.ip_off + patch_ip_len(p->family);
	return c;
}

/* Both ends become these. */
static __always_inline bool floor_turn(struct xdp_md *ctx, const struct packet *p,
				       struct nat_ends *e)
{
	const struct cold_packet c = floor_packet(p);
	__u32 saddr[4], daddr[4];

	parse_saddr(p, saddr);
	parse_daddr(p, daddr);
	nat_deltas(e, saddr, daddr, p->sport, p->dport);
	return nat_rewrite(ctx, &c, e);
}

static __always_inline bool floor_frame(struct xdp_md *ctx, const struct lb_next_hop *hop)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(eth->h_dest, &hop->neighbour, sizeof(eth->h_dest));
	__builtin_memcpy(eth->h_source, &hop->own, sizeof(eth->h_source));
	return true;
}

static __always_inline void floor_hop(const struct packet *p)
{
	struct ipv6hdr *v6 = p->ip;
	struct iphdr *v4 = p->ip;

	if (p->family == FAMILY_V4) {
		v4->ttl--;
		v4->check = csum_add(v4->check, (__u16)~bpf_htons(0x100));
	} else {
		v6->hop_limit--;
	}
}

/* --- there ------------------------------------------------------------------------------------ */

/* A flow's port is that of its first line; what a SYN finds no entry for gets one, in any way. */
static __always_inline bool floor_port(const struct packet *p, const struct lb_backend *be,
				       const struct lb_next_hop *hop, struct nat_ends *e)
{
	__u32 saddr[4], daddr[4], at, way;
	struct lb_nat_line *line;
	__u64 hash;

	parse_saddr(p, saddr);
	parse_daddr(p, daddr);
	hash = flow_hash_words(daddr, saddr, lb_flow_ports(p->dport, p->sport),
			       lb_remote_proto(p->proto, 0));
	at = lb_nat_line(hash, 0, LB_NAT_LINES);
	line = nat_line_at(at);
	if (!line)
		return false;
	e->sport = bpf_htons((__u16)(lb_nat_first(nat_range()) + at));
	hash = nat_hash(be->addr, be->port, e->sport, p->proto);
	way = lb_flow_way_of((struct lb_flow_line *)line->way, hash);
	if (way) {
		addr_copy(e->saddr, line->of[(way - 1) & (LB_FLOW_WAYS - 1)].own);
		return true;
	}
	addr_copy(e->saddr, hop->source);
	addr_copy(line->of[0].client, saddr);
	addr_copy(line->of[0].vip, daddr);
	addr_copy(line->of[0].own, hop->source);
	line->way[0].hash = hash;
	return true;
}

static __always_inline int floor_there(struct xdp_md *ctx, enum family family)
{
	struct nat_ends e = {};
	struct packet p = {};
	struct lb_backend *be;
	struct lb_node *node;
	__u32 index;
	int verdict;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_PASS;
	be = floor_find(&p, true, &index, &verdict);
	node = be ? node_at(node_of(be->state)) : NULL;
	if (!node || !floor_port(&p, be, &node->hops[0], &e))
		return XDP_PASS;
	stats_delivered(index, parse_bytes(&p));
	addr_copy(e.daddr, be->addr);
	e.dport = be->port;
	floor_hop(&p);
	return floor_turn(ctx, &p, &e) && floor_frame(ctx, &node->hops[0]) ? XDP_TX : XDP_ABORTED;
}

/* --- and back --------------------------------------------------------------------------------- */

static __always_inline int floor_back(struct xdp_md *ctx, enum family family)
{
	const __u32 *own;
	struct lb_nat_line *line;
	struct nat_ends e = {};
	struct packet p = {};
	__u32 saddr[4], way;
	int verdict;
	__u64 live;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p) ||
	    floor_service(&p, &live, &verdict))
		return XDP_ABORTED;
	line = nat_line_at(lb_nat_line_of(nat_range(), bpf_ntohs(p.dport)));
	if (!line)
		return XDP_ABORTED;
	parse_saddr(&p, saddr);
	way = lb_flow_way_of((struct lb_flow_line *)line->way,
			     nat_hash(saddr, p.sport, p.dport, p.proto));
	if (!way)
		return XDP_ABORTED;
	way = (way - 1) & (LB_FLOW_WAYS - 1);
	own = line->of[way].own;
	if (own[3] == 0)
		return XDP_ABORTED;
	nat_ends_back(&e, &line->of[way]);
	return floor_turn(ctx, &p, &e) ? XDP_PASS : XDP_ABORTED;
}

static __always_inline bool floor_is_v6(struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;

	return (void *)(eth + 1) <= (void *)(long)ctx->data_end &&
	       eth->h_proto == bpf_htons(ETH_P_IPV6);
}

SEC("xdp.frags")
int bench_floor_there(struct xdp_md *ctx)
{
	return floor_is_v6(ctx) ? floor_there(ctx, FAMILY_V6) : floor_there(ctx, FAMILY_V4);
}

SEC("xdp.frags")
int bench_floor_back(struct xdp_md *ctx)
{
	return floor_is_v6(ctx) ? floor_back(ctx, FAMILY_V6) : floor_back(ctx, FAMILY_V4);
}

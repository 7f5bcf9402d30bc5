// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floors of tunnels between nodes: the array reads of bench_floor.h and those of the other
 * node, and the same headers pushed or pulled by bpf_xdp_adjust_head, octet for octet what xdp_lb
 * and the programs beside it make of the same frame. No domains, no policies, no MTU, no ECN, no
 * second way, no scratch value, no call of another program. Headers are written by the functions of
 * tunnel_send.h that only write. Likewise those of ways to real servers.
 */
#include "tests/bench/bench_floor.h"

#include "node.h"
#include "stats.h"
#include "tunnel_send.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline enum family floor_family(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	return eth->h_proto == bpf_htons(ETH_P_IPV6) ? FAMILY_V6 : FAMILY_V4;
}

/* --- to another node -------------------------------------------------------------------------- */

static __always_inline bool floor_write(struct xdp_md *ctx, const struct tunnel_outer *o,
					const struct lb_tunnel_data *d, bool v4)
{
	const __u32 ip_len = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 over = lb_tunnel_overhead(v4, v4, 0);
	struct udphdr *udp;
	void *at;

	if (bpf_xdp_adjust_head(ctx, -(int)over))
		return false;
	at = (void *)(long)ctx->data;
	if (at + TUNNEL_ETH + over > (void *)(long)ctx->data_end)
		return false;
	tunnel_write_eth(at, o, v4);
	at += TUNNEL_ETH;
	if (v4)
		tunnel_write_v4(at, o, over + o->inner, IPPROTO_UDP);
	else
		tunnel_write_v6(at, o, over - ip_len + o->inner, IPPROTO_UDP);
	udp = at + ip_len;
	udp->source = o->sport;
	udp->dest = bpf_htons(LB_GUE_PORT);
	udp->len = bpf_htons((__u16)(over - ip_len + o->inner));
	udp->check = 0;
	*(__u32 *)(udp + 1) =
		bpf_htonl(lb_gue_word(lb_tunnel_words(v4, 0), v4 ? LB_GUE_IPIP : LB_GUE_IPV6));
	lb_tunnel_put((__u32 *)(udp + 1) + 1, d, v4, 1);
	return true;
}

static __always_inline int floor_push(struct xdp_md *ctx, enum family family)
{
	struct lb_tunnel_data d = {.version = LB_TUNNEL_VERSION};
	struct tunnel_outer o = {};
	struct packet p = {};
	struct lb_backend *be;
	struct lb_node *node;
	__u32 index, saddr[4];
	__u64 hash;
	int verdict;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_PASS;
	be = floor_find(&p, true, &index, &verdict);
	node = be ? node_at(node_of(be->state)) : NULL;
	if (!node)
		return XDP_PASS;
	parse_saddr(&p, saddr);
	hash = lb_wire_flow_hash(saddr, p.sport, p.dport, p.proto);
	o.sport = bpf_htons(lb_gue_source_port(hash));
	o.label = hash >> 44;
	o.tos = family == FAMILY_V4 ? ((__u8 *)p.ip)[1]
				    : (__u8)(*(__u8 *)p.ip << 4 | ((__u8 *)p.ip)[1] >> 4);
	o.inner = parse_bytes(&p);
	o.hop.neighbour = node->hops[0].neighbour;
	o.hop.own = node->hops[0].own;
	addr_copy(o.hop.source, node->hops[0].source);
	addr_copy(o.hop.target, node->addr);
	addr_copy(d.candidates[0].addr, be->addr);
	d.candidates[0].port = be->port;
	stats_delivered(index, o.inner);
	return floor_write(ctx, &o, &d, family == FAMILY_V4) ? XDP_TX : XDP_ABORTED;
}

SEC("xdp.frags")
int bench_floor_push(struct xdp_md *ctx)
{
	return floor_family(ctx) == FAMILY_V6 ? floor_push(ctx, FAMILY_V6)
					      : floor_push(ctx, FAMILY_V4);
}

/* --- to a real server ------------------------------------------------------------------------- */

/* A hop is counted in the packet (RFC 1624). */
static __always_inline void floor_count_hop(const struct packet *p, bool v4)
{
	struct ipv6hdr *v6 = p->ip;
	struct iphdr *ip = p->ip;

	if (v4) {
		ip->ttl--;
		ip->check = csum_add(ip->check, (__u16)~bpf_htons(0x100));
	} else {
		v6->hop_limit--;
	}
}

static __always_inline bool floor_write_server(struct xdp_md *ctx, const struct tunnel_outer *o,
					       __u32 way, bool v4)
{
	const __u32 ip_len = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 udp_len = way == LB_WAY_GUE ? sizeof(struct udphdr) : 0;
	const __u32 over = way == LB_WAY_L2 ? 0 : ip_len + udp_len;
	const __u32 proto = way == LB_WAY_GUE ? IPPROTO_UDP : v4 ? LB_GUE_IPIP : LB_GUE_IPV6;
	void *at;

	if (over && bpf_xdp_adjust_head(ctx, -(int)over))
		return false;
	at = (void *)(long)ctx->data;
	if (at + TUNNEL_ETH + over > (void *)(long)ctx->data_end)
		return false;
	tunnel_write_eth(at, o, v4);
	at += TUNNEL_ETH;
	if (way == LB_WAY_L2)
		return true;
	if (v4)
		tunnel_write_v4(at, o, over + o->inner, proto);
	else
		tunnel_write_v6(at, o, udp_len + o->inner, proto);
	if (udp_len)
		tunnel_write_udp(at + ip_len, o, udp_len + o->inner);
	return true;
}

/* As floor_push() has it. */
static __always_inline void floor_outer(const struct packet *p, const struct lb_node *node,
					struct tunnel_outer *o)
{
	const __u8 *head = p->ip;
	__u32 saddr[4];
	__u64 hash;

	parse_saddr(p, saddr);
	hash = lb_wire_flow_hash(saddr, p->sport, p->dport, p->proto);
	o->sport = bpf_htons(lb_gue_source_port(hash));
	o->label = hash >> 44;
	o->tos = p->family == FAMILY_V4 ? head[1] : (__u8)(head[0] << 4 | head[1] >> 4);
	o->inner = parse_bytes(p);
	o->hop.neighbour = node->hops[0].neighbour & HOP_MAC;
	o->hop.own = node->hops[0].own & HOP_MAC;
	addr_copy(o->hop.source, node->hops[0].source);
	addr_copy(o->hop.target, node->addr);
}

static __always_inline int floor_serve(struct xdp_md *ctx, enum family family, __u32 way)
{
	struct tunnel_outer o = {};
	struct packet p = {};
	struct lb_backend *be;
	struct lb_node *node;
	__u32 index;
	int verdict;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_PASS;
	be = floor_find(&p, true, &index, &verdict);
	node = be ? node_at(node_of(be->state)) : NULL;
	if (!node)
		return XDP_PASS;
	floor_outer(&p, node, &o);
	floor_count_hop(&p, family == FAMILY_V4);
	stats_delivered(index, o.inner);
	return floor_write_server(ctx, &o, way, family == FAMILY_V4) ? XDP_TX : XDP_ABORTED;
}

static __always_inline int floor_serve_either(struct xdp_md *ctx, __u32 way)
{
	return floor_family(ctx) == FAMILY_V6 ? floor_serve(ctx, FAMILY_V6, way)
					      : floor_serve(ctx, FAMILY_V4, way);
}

SEC("xdp.frags")
int bench_floor_l2(struct xdp_md *ctx)
{
	return floor_serve_either(ctx, LB_WAY_L2);
}

SEC("xdp.frags")
int bench_floor_ipip(struct xdp_md *ctx)
{
	return floor_serve_either(ctx, LB_WAY_IPIP);
}

SEC("xdp.frags")
int bench_floor_gue(struct xdp_md *ctx)
{
	return floor_serve_either(ctx, LB_WAY_GUE);
}

/* --- from another node ------------------------------------------------------------------------ */

/* The packet is for this node's end, and from a node; whose address is not compared. */
static __always_inline bool floor_is_tunnel(struct xdp_md *ctx, enum family family)
{
	struct packet p = {};
	struct lb_node *node;
	__u32 saddr[4], place;
	__u64 live, *word;
	int verdict;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p) ||
	    !floor_service(&p, &live, &verdict))
		return false;
	parse_saddr(&p, saddr);
	place = lb_node_place(saddr, 0);
	word = bpf_map_lookup_elem(&node_places, &place);
	node = word ? node_at(*word & (LB_NODES - 1)) : NULL;
	return node && READ_ONCE(node->state);
}

static __always_inline bool floor_take_off(struct xdp_md *ctx, __u32 over)
{
	struct ethhdr *eth = (void *)(long)ctx->data, kept;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	kept = *eth;
	if (bpf_xdp_adjust_head(ctx, (int)over))
		return false;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	*eth = kept;
	return true;
}

static __always_inline int floor_pull(struct xdp_md *ctx, enum family family)
{
	const bool v4 = family == FAMILY_V4;
	struct packet p = {};
	struct lb_backend *be;
	int verdict;
	__u32 index;

	if (!floor_is_tunnel(ctx, family) || !floor_take_off(ctx, lb_tunnel_overhead(v4, v4, 0)) ||
	    !floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_ABORTED;
	be = floor_find(&p, true, &index, &verdict);
	if (!be)
		return verdict;
	rewrite_to_backend(&p, be);
	stats_delivered(index, parse_bytes(&p));
	return XDP_PASS;
}

SEC("xdp.frags")
int bench_floor_pull(struct xdp_md *ctx)
{
	return floor_family(ctx) == FAMILY_V6 ? floor_pull(ctx, FAMILY_V6)
					      : floor_pull(ctx, FAMILY_V4);
}

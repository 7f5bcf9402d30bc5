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
#include "tunnel_send.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline enum family floor_family(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	return eth->h_proto == bpf_htons(ETH_P_IPV6) ? FAMILY_V6 : FAMILY_V4;
}

/* --- to another node, or a real server -------------------------------------------------------- */

/* Octets that go before the packet. */
static __always_inline __u32 floor_over(__u32 way, bool v4)
{
	const __u32 ip_len = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	if (way == LB_WAY_TUNNEL)
		return lb_tunnel_overhead(v4, v4, 0);
	if (way == LB_WAY_L2)
		return 0;
	return way == LB_WAY_GUE ? ip_len + sizeof(struct udphdr) : ip_len;
}

/* The backend that is named lies behind UDP. */
static __always_inline void floor_name(__u32 *gue, const struct lb_backend *be, bool v4)
{
	struct lb_tunnel_data d = {.version = LB_TUNNEL_VERSION};

	addr_copy(d.candidates[0].addr, be->addr);
	d.candidates[0].port = be->port;
	*gue = bpf_htonl(lb_gue_word(lb_tunnel_words(v4, 0), v4 ? LB_GUE_IPIP : LB_GUE_IPV6));
	lb_tunnel_put(gue + 1, &d, v4, 1);
}

static __always_inline bool floor_write(struct xdp_md *ctx, const struct tunnel_outer *o,
					const struct lb_backend *be, __u32 way, bool v4)
{
	const __u32 ip_len = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 over = floor_over(way, v4);
	const __u32 inside = v4 ? LB_GUE_IPIP : LB_GUE_IPV6;
	const __u32 proto = way == LB_WAY_IPIP ? inside : IPPROTO_UDP;
	void *at;

	if (over && bpf_xdp_adjust_head(ctx, -(int)over))
		return false;
	at = (void *)(long)ctx->data;
	if (at + TUNNEL_ETH + over > (void *)(long)ctx->data_end)
		return false;
	tunnel_write_eth(at, o, v4);
	if (way == LB_WAY_L2)
		return true;
	at += TUNNEL_ETH;
	if (v4)
		tunnel_write_v4(at, o, over + o->inner, proto);
	else
		tunnel_write_v6(at, o, over - ip_len + o->inner, proto);
	at += ip_len;
	if (way != LB_WAY_IPIP)
		tunnel_write_udp(at, o, over - ip_len + o->inner);
	if (way == LB_WAY_TUNNEL)
		floor_name(at + sizeof(struct udphdr), be, v4);
	return true;
}

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
	o->hop.neighbour = node->hops[0].neighbour;
	o->hop.own = node->hops[0].own;
	addr_copy(o->hop.source, node->hops[0].source);
	addr_copy(o->hop.target, node->addr);
}

static __always_inline int floor_push(struct xdp_md *ctx, enum family family, __u32 way,
				      enum floor_more more)
{
	struct tunnel_outer o = {};
	struct packet p = {};
	struct lb_backend *be;
	struct lb_node *node;
	__u32 index, vip[4];
	int verdict;

	if (!floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_PASS;
	be = floor_find(&p, more == FLOOR_ALONE, &index, &verdict);
	node = be ? node_at(node_of(be->state)) : NULL;
	if (!node)
		return XDP_PASS;
	floor_outer(&p, node, &o);
	parse_daddr(&p, vip); /* by that and the client, whoever the backend is */
	if (more != FLOOR_ALONE)
		floor_look(more, floor_hash(&p, vip, p.dport, lb_remote_proto(p.proto, 0)));
	if (way != LB_WAY_TUNNEL)
		floor_count_hop(&p, family == FAMILY_V4);
	stats_delivered(index, o.inner);
	return floor_write(ctx, &o, be, way, family == FAMILY_V4) ? XDP_TX : XDP_ABORTED;
}

static __always_inline int floor_push_either(struct xdp_md *ctx, __u32 way, enum floor_more more)
{
	return floor_family(ctx) == FAMILY_V6 ? floor_push(ctx, FAMILY_V6, way, more)
					      : floor_push(ctx, FAMILY_V4, way, more);
}

SEC("xdp.frags")
int bench_floor_push(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_TUNNEL, FLOOR_ALONE);
}

SEC("xdp.frags")
int bench_floor_push_reads(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_TUNNEL, FLOOR_READS);
}

SEC("xdp.frags")
int bench_floor_push_claims(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_TUNNEL, FLOOR_CLAIMS);
}

SEC("xdp.frags")
int bench_floor_l2(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_L2, FLOOR_ALONE);
}

SEC("xdp.frags")
int bench_floor_ipip(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_IPIP, FLOOR_ALONE);
}

SEC("xdp.frags")
int bench_floor_gue(struct xdp_md *ctx)
{
	return floor_push_either(ctx, LB_WAY_GUE, FLOOR_ALONE);
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

static __always_inline int floor_pull(struct xdp_md *ctx, enum family family, enum floor_more more)
{
	const bool v4 = family == FAMILY_V4;
	struct packet p = {};
	struct lb_backend *be;
	int verdict;
	__u32 index;

	if (!floor_is_tunnel(ctx, family) || !floor_take_off(ctx, lb_tunnel_overhead(v4, v4, 0)) ||
	    !floor_parse(ctx, sizeof(struct ethhdr), family, &p))
		return XDP_ABORTED;
	be = floor_find(&p, more == FLOOR_ALONE, &index, &verdict);
	return be ? floor_give(&p, be, index, more) : verdict;
}

static __always_inline int floor_pull_either(struct xdp_md *ctx, enum floor_more more)
{
	return floor_family(ctx) == FAMILY_V6 ? floor_pull(ctx, FAMILY_V6, more)
					      : floor_pull(ctx, FAMILY_V4, more);
}

SEC("xdp.frags")
int bench_floor_pull(struct xdp_md *ctx)
{
	return floor_pull_either(ctx, FLOOR_ALONE);
}

SEC("xdp.frags")
int bench_floor_pull_reads(struct xdp_md *ctx)
{
	return floor_pull_either(ctx, FLOOR_READS);
}

SEC("xdp.frags")
int bench_floor_pull_claims(struct xdp_md *ctx)
{
	return floor_pull_either(ctx, FLOOR_CLAIMS);
}

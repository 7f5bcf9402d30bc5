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
#include "vmlinux.h"

#include "backend.h"
#include "common.h"
#include "flow.h"
#include "maps.h"
#include "rewrite.h"
#include "row.h"
#include "service.h"
#include "stats.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline void floor_record(__u64 hash, __u32 backend)
{
	flow_table_t t = flow_table();
	struct lb_flow_line *line = flow_line_at(t, (__u32)hash & (flow_table_lines(t) - 1));
	struct lb_flow *way;

	if (!line)
		return;
	way = &line->way[LB_FLOW_WAYS - 1];
	if (way->hash == hash) /* its own: nobody writes unread */
		return;
	way->hash = hash;
	way->backend = (__u16)backend;
	way->age = 1;
}

static __always_inline bool floor_parse(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	p->family = FAMILY_V4;
	p->end = (void *)(long)ctx->data_end;
	p->ip = ip;
	p->l4 = ip + 1;
	if (p->l4 + sizeof(struct tcphdr) > p->end || eth->h_proto != bpf_htons(ETH_P_IP))
		return false;
	p->sport = ((struct tcphdr *)p->l4)->source;
	p->dport = ((struct tcphdr *)p->l4)->dest;
	p->saddr = ip->saddr;
	p->daddr = ip->daddr;
	p->bytes = bpf_ntohs(ip->tot_len);
	p->proto = ip->protocol;
	p->tcp_flags = ((__u8 *)p->l4)[TCP_FLAGS];
	return true;
}

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
	struct lb_service_key key = {};
	struct lb_service *svc;
	struct lb_backend *be;
	struct packet p = {};
	__u64 live, hash, *row;
	__u32 saddr[4], index, slot;

	if (!floor_parse(ctx, &p))
		return XDP_PASS;
	parse_daddr(&p, key.addr);
	if (!service_may_be_ours(key.addr))
		return XDP_PASS;
	key.port = p.dport;
	key.proto = p.proto;
	svc = service_find(&key, &slot, &live);
	if (!svc)
		return XDP_DROP;
	parse_saddr(&p, saddr);
	hash = lb_wire_flow_hash(saddr, p.sport, p.dport, svc->seed);
	row = row_slot(row_index(live, hash));
	if (!row)
		return XDP_DROP;
	index = row_candidate(*row, 0);
	if (more == FLOOR_ALONE && p.tcp_flags & TCP_SYN)
		floor_record(hash, index);
	index = backend_index(live, index);
	be = backend_slot(index);
	if (!be)
		return XDP_DROP;
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

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the floor programs share: a packet read without a look at what it might be besides, and the
 * array reads from it to its backend.
 */
#pragma once

#include "vmlinux.h"

#include "backend.h"
#include "common.h"
#include "flow.h"
#include "maps.h"
#include "rewrite.h"
#include "row.h"
#include "service.h"
#include "stats.h"

/*
 * What a floor does with the line of the flow table that the real program looks at, by the keyed
 * hash. The bars' floors do nothing; the others say where the rest comes from, and decide nothing.
 */
enum floor_more {
	FLOOR_ALONE,  /* only a SYN leaves an entry, by no keyed hash */
	FLOOR_READS,  /* one read */
	FLOOR_CLAIMS, /* an entry, claimed as it must be: by one compare-and-swap */
};

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

/* A packet of TCP or UDP in this family, behind so many octets. */
static __always_inline bool floor_parse(struct xdp_md *ctx, __u32 off, enum family family,
					struct packet *p)
{
	const __u32 ip_len = family == FAMILY_V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct iphdr *v4 = (void *)(long)ctx->data + off;
	struct ipv6hdr *v6 = (void *)v4;

	p->family = family;
	p->end = (void *)(long)ctx->data_end;
	p->ip = v4;
	p->l4 = p->ip + ip_len;
	if (p->l4 + sizeof(struct tcphdr) > p->end)
		return false;
	p->sport = ((struct tcphdr *)p->l4)->source;
	p->dport = ((struct tcphdr *)p->l4)->dest;
	p->tcp_flags = ((__u8 *)p->l4)[TCP_FLAGS];
	if (family == FAMILY_V6) {
		p->proto = v6->nexthdr;
		return true;
	}
	p->saddr = v4->saddr;
	p->daddr = v4->daddr;
	p->bytes = bpf_ntohs(v4->tot_len);
	p->proto = v4->protocol;
	return true;
}

/* The service that a packet is for; else NULL, and what becomes of the packet. */
static __always_inline struct lb_service *floor_service(const struct packet *p, __u64 *ret_live,
							int *ret_verdict)
{
	struct lb_service_key key = {};
	struct lb_service *svc;
	__u32 slot;

	parse_daddr(p, key.addr);
	*ret_verdict = XDP_PASS;
	if (!service_may_be_ours(key.addr))
		return NULL;
	key.port = p->dport;
	key.proto = p->proto;
	*ret_verdict = XDP_DROP;
	svc = service_find(&key, &slot, ret_live);
	return svc;
}

/* Its backend and the index of that over all; NULL as above. With `records` a SYN leaves an entry.
 */
static __always_inline struct lb_backend *floor_find(const struct packet *p, bool records,
						     __u32 *ret_index, int *ret_verdict)
{
	__u64 live, hash, *row;
	__u32 saddr[4], index;
	struct lb_service *svc = floor_service(p, &live, ret_verdict);

	if (!svc)
		return NULL;
	parse_saddr(p, saddr);
	hash = lb_wire_flow_hash(saddr, p->sport, p->dport, svc->seed);
	row = row_slot(row_index(live, hash));
	if (!row)
		return NULL;
	index = row_candidate(*row, 0);
	if (records && p->tcp_flags & TCP_SYN)
		floor_record(hash, index);
	*ret_index = backend_index(live, index);
	return backend_slot(*ret_index);
}

/* The keyed hash of its flow with who is at the other end. */
static __always_inline __u64 floor_hash(const struct packet *p, const __u32 there[4], __be16 port,
					__u32 proto)
{
	__u32 client[4], ports = lb_flow_ports(port, p->sport);

	parse_saddr(p, client);
	if (p->family == FAMILY_V4)
		return lb_flow_hash_v4(flow_secret(), there[3], client[3], ports, proto);
	return lb_flow_hash(flow_secret(), there, client, ports, proto);
}

static __always_inline void floor_look(enum floor_more more, __u64 hash)
{
	flow_table_t t = flow_table();
	struct lb_flow_line *line = flow_line_at(t, lb_flow_first(hash, flow_table_lines(t)));
	struct lb_flow *way;
	__u64 seen;

	if (!line)
		return;
	if (more == FLOOR_READS) {
		(void)LB_FLOW_READ(&line->way[0].hash);
		return;
	}
	way = lb_flow_room(line, &seen);
	if (way)
		(void)lb_flow_claim(way, seen, hash, 1);
}

/* The packet is one for this backend here. */
static __always_inline int floor_give(const struct packet *p, const struct lb_backend *be,
				      __u32 index, enum floor_more more)
{
	if (more != FLOOR_ALONE)
		floor_look(more, floor_hash(p, be->addr, be->port, p->proto));
	rewrite_to_backend(p, be);
	stats_delivered(index, parse_bytes(p));
	return XDP_PASS;
}

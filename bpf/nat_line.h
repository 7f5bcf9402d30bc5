/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of flows whose source is translated, as both programs reach it (nat_table.h says how it
 * is made up), and the flow of a backend's packet in it: its line is the port that it came to.
 */
#pragma once

#include "common.h"
#include "flow.h"
#include "maps.h"
#include "nat_ports.h"

static __always_inline __u64 nat_range(void)
{
	__u32 zero = 0;
	const struct lb_tunnel *t = bpf_map_lookup_elem(&tunnel, &zero);

	return t ? READ_ONCE(t->nat) : 0;
}

static __always_inline struct lb_nat_line *nat_line_at(__u32 index)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&nat, &zero);

	return inner ? bpf_map_lookup_elem(inner, &index) : NULL;
}

/* Of what the backend sends to this port. */
static __always_inline __u64 nat_hash(const __u32 backend[4], __be16 backend_port, __be16 port,
				      __u8 proto)
{
	const __u32 nobody[4] = {};

	return flow_hash_words(backend, nobody, lb_flow_ports(backend_port, port),
			       lb_nat_proto(proto));
}

/* Copies what lies beside a hash, as whole as it was written; false: it was not. */
static __always_inline bool nat_read(const struct lb_nat *from, __u64 hash, struct lb_nat *to)
{
	*to = *(const volatile struct lb_nat *)from;
	return lb_nat_sum(to, hash) == to->sum;
}

static __always_inline bool nat_is_port(__u64 range, __be16 port)
{
	return lb_nat_line_of(range, bpf_ntohs(port)) < lb_nat_count(range);
}

/* What a backend sent, or what an ICMP error says that it was sent. */
struct nat_answer {
	__u32 backend[4], own[4];
	__be16 backend_port, port; /* to which it came */
	__u8 proto, tcp_flags;
	__u8 is_spoken_of; /* then nothing of the flow moves */
	__u8 zero;
};

/* The flow that it is of, with the state that it has now: true, and *is. */
static __always_inline bool nat_find_way(const struct nat_answer *a, struct lb_nat *is)
{
	__u64 range = nat_range(), hash, rest, now;
	struct lb_nat_line *line;
	__u32 way;

	line = nat_is_port(range, a->port) ? nat_line_at(lb_nat_line_of(range, bpf_ntohs(a->port)))
					   : NULL;
	if (!line)
		return false;
	hash = nat_hash(a->backend, a->backend_port, a->port, a->proto);
	way = lb_flow_way_of((struct lb_flow_line *)line->way, hash);
	if (!way)
		return false;
	way = (way - 1) & (LB_FLOW_WAYS - 1);
	if (!nat_read(&line->of[way], hash, is) || !addr_is(is->own, a->own))
		return false;
	if (a->is_spoken_of)
		return true;
	rest = LB_FLOW_READ(lb_flow_rest_of(&line->way[way]));
	now = lb_rest_after_answer(rest, a->tcp_flags & TCP_FIN, a->tcp_flags & TCP_SYN,
				   a->tcp_flags & TCP_RST, age_now());
	if (now != rest)
		(void)lb_flow_change(&line->way[way], rest, now);
	return true;
}

#define NAT_AF_INET  2
#define NAT_AF_INET6 10

/* What is asked for the way of an answer of so many octets to its client: the routes of the world
 * that it came from. */
static __always_inline void nat_ask_way(struct bpf_fib_lookup *way, const struct lb_nat *n,
					enum family family, __u8 proto, __u32 len)
{
	way->ifindex = n->uplink;
	way->l4_protocol = proto;
	way->sport = n->vip_port;
	way->dport = n->client_port;
	way->tot_len = (__u16)len;
	if (family == FAMILY_V4) {
		way->family = NAT_AF_INET;
		way->ipv4_src = n->vip[3];
		way->ipv4_dst = n->client[3];
	} else {
		way->family = NAT_AF_INET6;
		addr_copy(way->ipv6_src, n->vip);
		addr_copy(way->ipv6_dst, n->client);
	}
}

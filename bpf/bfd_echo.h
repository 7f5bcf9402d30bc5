/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Echo packets (RFC 5881 4, RFC 5880 6.4): sent back by the way they came, if their source is the
 * peer of a session that says so, and to nobody but that source. They are addressed to us, or to
 * the peer itself, as the RFC has it, and then only forwarded. What they hold is the peer's own
 * business. One hop is counted, as a router would: FRR takes no other for its own.
 */
#pragma once

#include "bfd_session.h"
#include "csum.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_BFD_SESSIONS);
	__type(key, struct lb_bfd_echo);
	__type(value, __u32);
} bfd_echoes SEC(".maps");

static __always_inline struct lb_bfd *bfd_echo_session(const struct xdp_md *ctx,
						       const struct packet *p)
{
	struct lb_bfd_echo key = {.ifindex = 0};
	__u32 *place;

	parse_saddr(p, key.peer);
	place = bpf_map_lookup_elem(&bfd_echoes, &key);
	if (!place) {
		key.ifindex = ctx->ingress_ifindex;
		place = bpf_map_lookup_elem(&bfd_echoes, &key);
	}
	return place ? bfd_at(*place) : NULL;
}

static __always_inline bool bfd_echo_is_wanted(struct lb_bfd *e, const struct xdp_md *ctx,
					       const struct packet *p)
{
	__u64 version = bfd_version(e);

	return !(version & 1) && e->told.flags & LB_BFD_REFLECTS && bfd_is_from_peer(e, ctx, p) &&
	       (bfd_is_to(e->told.local, p) || bfd_is_to(e->told.peer, p)) &&
	       bpf_ktime_get_ns() < READ_ONCE(e->valid_until) && bfd_version(e) == version;
}

static __always_inline void bfd_echo_count_hop(const struct packet *p)
{
	struct ipv6hdr *v6 = p->ip;
	struct iphdr *v4 = p->ip;

	if (p->family == FAMILY_V6) {
		v6->hop_limit = BFD_HOPS - 1;
		return;
	}
	v4->ttl = BFD_HOPS - 1;
	v4->check =
		csum_replace(v4->check, bpf_htons(BFD_HOPS << 8), bpf_htons((BFD_HOPS - 1) << 8));
}

static __always_inline int bfd_reflect(struct xdp_md *ctx, const struct packet *p,
				       struct udphdr *udp)
{
	struct lb_bfd *e = bfd_echo_session(ctx, p);
	__be16 port = udp->source;
	bool is_to_us;

	if (!e || !bfd_echo_is_wanted(e, ctx, p))
		return XDP_PASS;
	is_to_us = !bfd_is_to(e->told.peer, p);
	if (!bfd_turn_frame(ctx))
		return XDP_PASS;
	bfd_echo_count_hop(p);
	if (is_to_us) {
		bfd_turn_ip(p);
		udp->source = udp->dest;
		udp->dest = port;
	}
	__sync_fetch_and_add(&e->n_reflected, 1);
	return XDP_TX;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets for backends that answer this node: a program of its own, that xdp_tunnel goes on with on
 * the way there, and xdp_lb with what comes back to this node's own address. On the way there a
 * packet gets the backend as its destination, and an address of this node and a port of the range
 * as its source; on the way back the client as its destination and the VIP as its source. Both are
 * forwarded here, by the device that the way leads to: in between there is no VIP and no client, so
 * the backend needs to know of neither. Checksums go by difference; each time is a hop.
 *
 * ICMP errors about either are turned likewise, with what they quote. Fragments, SCTP and what has
 * extension headers are not: to a VIP they are dropped, to this node they are the kernel's.
 */
#pragma once

#include "capture_xdp.h"
#include "nat_there.h"

/* --- the way back ------------------------------------------------------------------------------
 */

/*
 * The way to the client, by the routes of the world that it came from: BPF_FIB_LKUP_RET_*, and
 * s->nat has it. What the kernel has no neighbour for yet it resolves itself, if the packet is
 * passed on to it.
 */
__noinline int nat_way_back(struct xdp_md *ctx, struct lb_scratch *s)
{
	struct bpf_fib_lookup way = {};
	const struct lb_nat *n;
	int ret;

	if (!s)
		return BPF_FIB_LKUP_RET_UNREACHABLE;
	n = &s->nat.is;
	nat_ask_way(&way, n, s->packet.family, s->flow.proto, s->packet.end - s->packet.ip_off);
	ret = (int)bpf_fib_lookup(ctx, &way, sizeof(way), 0);
	if (ret == BPF_FIB_LKUP_RET_SUCCESS && way.ifindex != ctx->ingress_ifindex &&
	    !bpf_map_lookup_elem(&next_devices, &way.ifindex))
		ret = BPF_FIB_LKUP_RET_NOT_FWDED; /* by a device that is not ours to send by */
	s->nat.ifindex = way.ifindex;
	s->nat.mtu = way.mtu_result;
	s->nat.neighbour = hop_mac(way.dmac);
	s->nat.own = hop_mac(way.smac);
	return ret;
}

/* An error about what went to the backend: it is about what the client sent, to which it goes. Who
 * complains is said, unless it is the backend, which is no one that the client knows. */
__noinline bool nat_error_back(struct xdp_md *ctx, struct lb_scratch *s)
{
	const __u32 *saddr;
	struct lb_nat *n;
	__u32 delta;

	if (!s)
		return false;
	n = &s->nat.is;
	saddr = addr_is(s->packet.saddr, s->quote.daddr) ? n->vip : s->packet.saddr;
	delta = nat_sum_of(
		(__u16)nat_requote(ctx, s, PATCH_SOURCE, NAT_ADDR(n->client), n->client_port),
		(__u16)nat_requote(ctx, s, PATCH_DESTINATION, NAT_ADDR(n->vip), n->vip_port));
	return nat_readdress(ctx, s, delta, NAT_ADDR(saddr), NAT_ADDR(n->client));
}

static __always_inline bool nat_may_fragment(struct xdp_md *ctx, const struct cold_packet *p)
{
	const __u8 *head = lb_bytes_at(ctx, p->ip_off, TUNNEL_HEAD);

	return p->family == FAMILY_V4 && head && !(head[6] & IP_DONT_FRAGMENT >> 8);
}

static __always_inline int nat_leave(struct xdp_md *ctx, const struct lb_scratch *s, int looked)
{
	if (unlikely(looked != BPF_FIB_LKUP_RET_SUCCESS))
		return XDP_PASS;
	if (unlikely(!nat_frame(ctx, &s->packet, s->nat.neighbour, s->nat.own)))
		return vip_drop(false, LB_DROP_NO_NEXT_HOP);
	return hop_leave(ctx, s->nat.ifindex);
}

/* A packet to this node's own address, of which s->packet is filled in: XDP_PASS as it is, if it is
 * of no flow of ours. */
__noinline int nat_back(struct xdp_md *ctx, struct lb_scratch *s)
{
	bool is_error;
	int looked;

	if (!s)
		return XDP_PASS;
	is_error = s->what == NAT_ERROR;
	if (is_error && !icmp_error_parse(ctx, s))
		return XDP_PASS;
	if (!nat_find_answer(s, is_error))
		return XDP_PASS;
	looked = nat_way_back(ctx, s);
	if (unlikely(looked == BPF_FIB_LKUP_RET_FRAG_NEEDED && !is_error))
		return tunnel_too_big(ctx, s, s->nat.mtu, nat_may_fragment(ctx, &s->packet));
	/* Where it is passed on the kernel counts the hop. */
	if (looked == BPF_FIB_LKUP_RET_SUCCESS && unlikely(!dsr_counts(ctx, &s->packet)))
		return is_error ? vip_drop(false, LB_DROP_TTL) : dsr_expired(ctx, s);
	if (unlikely(is_error)) {
		if (!nat_error_back(ctx, s))
			return vip_drop(false, LB_DROP_ICMP);
		return nat_leave(ctx, s, looked);
	}
	if (unlikely(!nat_turn(ctx, s)))
		return vip_drop(false, LB_DROP_MALFORMED);
	return nat_leave(ctx, s, looked);
}

SEC("xdp.frags")
int xdp_nat(struct xdp_md *ctx)
{
	struct lb_scratch *s = scratch_get();

	if (!s)
		return XDP_PASS;
	if (s->what == NAT_ANSWER || s->what == NAT_ERROR)
		return capture_end(ctx, nat_back(ctx, s));
	return capture_end(ctx, nat_there(ctx, s));
}

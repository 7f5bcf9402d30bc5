/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments that a client sends are to fit into a tunnel between nodes: in every SYN-ACK of a
 * Service whose flows may come by one the MSS becomes what fits (RFC 9293 3.7.1), if it is more;
 * also where this flow does not, since routers may send it to another node at any time. An answer
 * without the option says 536, which fits.
 */
#pragma once

#include "answer.h"
#include "bytes_skb.h"
#include "common.h"
#include "maps.h"
#include "service.h"

#define CLAMP_OPTIONS 40 /* octets of options that a TCP header has at most */
#define CLAMP_ROOM    64 /* a power of two */
#define CLAMP_END     0
#define CLAMP_NOP     1
#define CLAMP_MSS     2
#define CLAMP_MSS_LEN 4

/* What fits, in host order; 0: whatever comes. */
static __always_inline __u16 clamp_to(__u8 family)
{
	__u32 zero = 0;
	const struct lb_tunnel *t = bpf_map_lookup_elem(&tunnel, &zero);
	__u64 mss = t ? READ_ONCE(t->mss) : 0;

	return (__u16)(family == FAMILY_V4 ? mss : mss >> LB_TUNNEL_MSS_V6_SHIFT);
}

static __always_inline bool clamp_asks(const struct answer *a, const struct lb_service *vip)
{
	const __u8 flags = TCP_SYN | TCP_ACK;

	return unlikely((a->tcp_flags & flags) == flags) && a->proto == IPPROTO_TCP &&
	       service_flags(READ_ONCE(vip->live)) & LB_SVC_CLAMP;
}

/* Options; what lies behind them is zero, which ends them. */
struct clamp_options {
	__u8 octets[CLAMP_ROOM];
};

#define CLAMP_DONE 0x100 /* and where the option's value lies; alone: there is none */

/* Where the next option lies, or CLAMP_DONE. A function of its own, for the verifier. */
__noinline __u32 clamp_step(const struct clamp_options *o, __u32 at)
{
	__u8 kind, len;

	if (!o)
		return CLAMP_DONE;
	kind = o->octets[at & (CLAMP_ROOM - 1)];
	len = o->octets[(at + 1) & (CLAMP_ROOM - 1)];
	if (kind == CLAMP_NOP)
		return at + 1;
	if (kind == CLAMP_MSS && len == CLAMP_MSS_LEN)
		return CLAMP_DONE | (at + 2);
	return kind == CLAMP_END || kind == CLAMP_MSS || len < 2 ? CLAMP_DONE : at + len;
}

/* By n octets of options at this place of the packet, 4 to CLAMP_OPTIONS; 0: there is none. */
static __always_inline __u32 clamp_find(struct __sk_buff *skb, __u32 from, __u32 n)
{
	struct clamp_options o = {};
	__u32 at = 0;

	n = (n - 1) & (CLAMP_ROOM - 1); /* what the verifier believes */
	if (n >= CLAMP_OPTIONS || bpf_skb_load_bytes(skb, from, o.octets, n + 1))
		return 0;
	for (int i = 0; i < CLAMP_OPTIONS && at <= n; i++)
		at = clamp_step(&o, at);
	at = at & CLAMP_DONE ? at & (CLAMP_DONE - 1) : 0;
	return at + 2 <= n + 1 ? at : 0;
}

/* False: it is as it was. */
__noinline bool reply_clamp(struct __sk_buff *skb, const struct answer *a)
{
	const __u32 fixed = sizeof(struct tcphdr);
	__u32 off, len;
	__be16 have, want;
	__u8 doff;

	if (!a || !lb_bytes_read(skb, a->l4_off + TCP_FLAGS - 1, &doff, sizeof(doff)))
		return false;
	len = (doff >> 4) * 4;
	want = bpf_htons(clamp_to(a->family));
	if (!want || len <= fixed)
		return false;
	off = clamp_find(skb, a->l4_off + fixed, len - fixed);
	if (!off)
		return false;
	off += a->l4_off + fixed;
	if (!lb_bytes_read(skb, off, &have, sizeof(have)) || bpf_ntohs(have) <= bpf_ntohs(want))
		return false;
	/* A value at an odd place adds to the sum with its octets exchanged. */
	bpf_l4_csum_replace(skb, a->l4_off + __builtin_offsetof(struct tcphdr, check),
			    (off - a->l4_off) & 1 ? __builtin_bswap16(have) : have,
			    (off - a->l4_off) & 1 ? __builtin_bswap16(want) : want, sizeof(want));
	bpf_skb_store_bytes(skb, off, &want, sizeof(want), 0);
	return true;
}

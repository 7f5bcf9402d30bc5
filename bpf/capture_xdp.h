/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture.h for xdp_lb and those beside it: what clients send, by itself or in a tunnel from
 * another node. It is meant if it is for a VIP that is asked for, or for any; which addresses are
 * VIPs the bits of the programs say, so now and then a packet may be captured that is not ours.
 */
#pragma once

#include "bytes_xdp.h"

typedef struct xdp_md capture_ctx;
#define CAPTURE_FLAG  LB_CAPTURE_IN
#define CAPTURE_POINT LB_CAPTURE_ARRIVED

#ifdef LB_CAPTURE
#define CAPTURE_WORDS 7 /* all addresses are in them */

static __always_inline __u32 capture_len(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __always_inline __u32 capture_ifindex(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex;
}

static __always_inline bool capture_is_dropped(int verdict)
{
	return verdict == XDP_DROP || verdict == XDP_ABORTED;
}
#endif

#include "capture.h"

#ifdef LB_CAPTURE
static __always_inline bool capture_may_be_vip(const __u32 addr[4])
{
	__u32 bit = lb_vip_bit(addr), word = bit >> 6;
	__u64 *bits = bpf_map_lookup_elem(&vip_bits, &word);

	return bits && READ_ONCE(*bits) >> (bit & 63) & 1;
}

/*
 * What looks like a tunnel's packet: the key becomes that of the packet inside. Whether it is one
 * is for xdp_inner to say; what is inside has to be for a VIP in any case. False: it is a word
 * between nodes.
 */
static __always_inline bool capture_open(struct lb_capturing *c, struct capture_key *k)
{
	const __u32 gue = c->l4_off + sizeof(struct udphdr);
	const __u8 *at = capture_at(c, gue, LB_GUE_BYTES);

	if (!at || (at[0] & ~LB_GUE_HLEN) || (at[1] != LB_GUE_IPIP && at[1] != LB_GUE_IPV6))
		return !at || !(at[0] & LB_GUE_CONTROL);
	return capture_read(c, gue + LB_GUE_BYTES + (at[0] & LB_GUE_HLEN) * 4, k);
}

static __always_inline bool capture_is_meant(struct lb_capturing *c, const struct lb_capture *asked)
{
	__u32 off = capture_ip_off(c);
	struct capture_key k = {};

	if (!off || !capture_read(c, off, &k))
		return false;
	if (k.proto == IPPROTO_UDP && k.dport == bpf_htons(LB_GUE_PORT) && !capture_open(c, &k))
		return false;
	if (!k.saddr[3] && !k.saddr[0] && !k.saddr[1]) /* the agent's self-test */
		return false;
	return capture_is_client(asked, k.saddr) && capture_may_be_vip(k.daddr) &&
	       capture_is_vip(asked, k.daddr, k.dport, &k);
}

/* What is passed to the kernel untouched is one frame. */
static __always_inline bool capture_is_still(struct xdp_md *ctx, struct lb_capturing *c,
					     const struct lb_capture *asked, bool *ret_has_changed)
{
	__u64 now[CAPTURE_WORDS], was, differs = 0;

	*ret_has_changed = true;
	if (!lb_bytes_read(ctx, 0, now, sizeof(now)))
		return true;
	for (int i = 0; i < CAPTURE_WORDS; i++) {
		__builtin_memcpy(&was, c->bytes + i * sizeof(was), sizeof(was));
		differs |= was ^ now[i];
	}
	*ret_has_changed = !!differs;
	return true;
}
#endif

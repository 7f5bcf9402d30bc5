/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture.h for tc_reply: what backends answer. Whether an answer is ours is seen by its source,
 * which is another one afterwards: that of the VIP.
 */
#pragma once

#include "bytes_skb.h"

typedef struct __sk_buff capture_ctx;
#define CAPTURE_FLAG          LB_CAPTURE_REPLY
#define CAPTURE_POINT         LB_CAPTURE_REPLY_ARRIVED
#define LB_CAPTURE_OF_REPLIES 1

#ifdef LB_CAPTURE
#define CAPTURE_SHOT 2 /* TC_ACT_SHOT */

static __always_inline __u32 capture_len(struct __sk_buff *skb)
{
	return skb->len;
}

static __always_inline __u32 capture_ifindex(struct __sk_buff *skb)
{
	return skb->ifindex;
}

static __always_inline bool capture_is_dropped(int verdict)
{
	return verdict == CAPTURE_SHOT;
}
#endif

#include "capture.h"

#ifdef LB_CAPTURE
/* Errors that a backend sends, and later fragments, have no port by which it could be told. */
static __always_inline bool capture_may_be_backend(const struct capture_key *k)
{
	__u32 bit = lb_backend_bit(k->saddr, k->sport, k->proto), word = bit >> 6;
	__u64 *bits = bpf_map_lookup_elem(&backend_bits, &word);

	return !k->has_ports || (bits && READ_ONCE(*bits) >> (bit & 63) & 1);
}

static __always_inline bool capture_is_meant(struct lb_capturing *c, const struct lb_capture *asked)
{
	__u32 off = capture_ip_off(c);
	struct capture_key k = {};

	return off && capture_read(c, off, &k) && capture_is_client(asked, k.daddr) &&
	       capture_may_be_backend(&k);
}

/* The source of the packet as it is now. */
static __always_inline bool capture_source(struct __sk_buff *skb, const struct lb_capturing *c,
					   bool is_v4, struct capture_key *k)
{
	__u32 off = c->frame.ip_off, addr;

	if (!is_v4)
		return lb_bytes_read(skb, off + 8, k->saddr, sizeof(k->saddr));
	if (!lb_bytes_read(skb, off + 12, &addr, sizeof(addr)))
		return false;
	addr_from_v4(k->saddr, addr);
	return true;
}

/* It has become a VIP's, or was dropped or counted. */
static __always_inline bool capture_is_still(struct __sk_buff *skb, struct lb_capturing *c,
					     const struct lb_capture *asked, bool *ret_has_changed)
{
	struct capture_key was = {}, is = {};
	__be16 port = 0;

	if (!capture_read(c, c->frame.ip_off, &was) ||
	    !capture_source(skb, c, addr_is_v4(was.saddr), &is))
		return false;
	if (was.has_ports && !lb_bytes_read(skb, c->l4_off, &port, sizeof(port)))
		return false;
	*ret_has_changed = !addr_is(was.saddr, is.saddr);
	if (!*ret_has_changed)
		return c->frame.reasons && !asked->n_vips;
	return capture_is_vip(asked, is.saddr, port, &was);
}
#endif

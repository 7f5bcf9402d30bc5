/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changes in an ICMP error about a packet whose source was translated. bytes_xdp.h or
 * bytes_skb.h comes before.
 */
#pragma once

#include "common.h"
#include "csum.h"
#include "quote.h"

static __always_inline __u16 nat_sum_of(__u16 a, __u16 b)
{
	__u32 sum = (__u32)a + b;

	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* One end of what is quoted becomes this one: what that adds to the message's sum. */
static __always_inline __u16 nat_quote_end(lb_bytes *to, struct quote *q, enum patch_end end,
					   const __u32 addr[4], __be16 port)
{
	struct quote_change c = {.port = port};
	__u16 delta;

	addr_copy(c.addr, addr);
	c.l3_delta = lb_l3_delta(end == PATCH_SOURCE ? q->saddr : q->daddr, c.addr);
	c.l4_delta = lb_l4_delta(c.l3_delta, end == PATCH_SOURCE ? q->sport : q->dport, port);
	delta = quote_rewrite(to, q, end, &c);
	q->ip_check = csum_add(q->ip_check, c.l3_delta);
	q->l4_check = patch_l4_sum(q->proto, q->l4_check, c.l4_delta);
	return delta;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet's bytes by helper calls, for xdp_lb's cold half: no bounds for the verifier to follow,
 * and frames of several buffers are read like others. ext.h, patch.h and quote.h are made of these;
 * bytes_skb.h is the same for tc_reply.
 *
 * A call is some 30 ns. So where packets of living flows go, headers are reached directly if they
 * lie in the first buffer, as they nearly always do; everywhere that would be too much for the
 * verifier to follow.
 */
#pragma once

#include "common.h"

typedef struct xdp_md lb_bytes;

#define LB_BYTES_REACH 0x3fffu /* offsets that are reached directly */

/* Where `len` bytes lie in the first buffer; NULL: not there, or not all of them. */
static __always_inline void *lb_bytes_at(lb_bytes *from, __u32 off, __u32 len)
{
	void *data = (void *)(long)from->data, *end = (void *)(long)from->data_end, *at;

	if (unlikely(off > LB_BYTES_REACH))
		return NULL;
	asm volatile("" : "+r"(off)); /* else the bound is lost on the way to the sum */
	at = data + (off & LB_BYTES_REACH);
	return at + len > end ? NULL : at;
}

static __always_inline bool lb_bytes_read(lb_bytes *from, __u32 off, void *to, __u32 len)
{
	return !bpf_xdp_load_bytes(from, off, to, len);
}

/* Only what was read before is written, so it does not fail. */
static __always_inline void lb_bytes_write(lb_bytes *to, __u32 off, const void *from, __u32 len)
{
	(void)bpf_xdp_store_bytes(to, off, (void *)from, len);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet's bytes by helper calls, for tc_reply's cold half: wherever they lie, in the linear part
 * or not. See bytes_xdp.h.
 */
#pragma once

#include "common.h"

typedef struct __sk_buff lb_bytes;

static __always_inline bool lb_bytes_read(lb_bytes *from, __u32 off, void *to, __u32 len)
{
	return !bpf_skb_load_bytes(from, off, to, len);
}

/* Only what was read before is written; it fails for want of memory alone. */
static __always_inline void lb_bytes_write(lb_bytes *to, __u32 off, const void *from, __u32 len)
{
	(void)bpf_skb_store_bytes(to, off, from, len, 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp_lb as it is, but for the reply entry: every claim is granted and nothing is written. The
 * difference between the two is what a reply entry costs.
 */
#include "vmlinux.h"

#pragma clang diagnostic ignored "-Wunused-function"
#define reply_claim reply_claim_for_real
#include "reply.h"
#undef reply_claim

static __always_inline int reply_claim(const struct flow *f, const struct lb_backend *be,
				       __u32 backend)
{
	return REPLY_FRESH;
}

#include "bpf/xdp_lb.bpf.c"

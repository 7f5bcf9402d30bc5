/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ECN where a tunnel ends, as RFC 6040 4.2 has it: what was marked on the way is marked inside, and
 * a packet whose sender knows no such marks is dropped, as a router would have done.
 */
#pragma once

#include "common.h"
#include "csum.h"

#define ECN_MASK  0x03
#define ECN_ECT_0 0x02
#define ECN_ECT_1 0x01
#define ECN_CE    0x03

static __always_inline __u8 ecn_of(__u8 outer, __u8 inner)
{
	if (outer == ECN_CE)
		return ECN_CE;
	return outer == ECN_ECT_1 && inner == ECN_ECT_0 ? ECN_ECT_1 : inner;
}

/* The packet inside learns what happened to the one outside; its ECN lies in its first 16 bits. */
static __always_inline enum lb_drop ecn_merge(void *inner, bool is_v4, __u8 outer)
{
	__u16 *word = inner, old = *word, shift = is_v4 ? 0 : 4, now;
	__u8 ecn = (bpf_ntohs(old) >> shift) & ECN_MASK, merged = ecn_of(outer, ecn);
	struct iphdr *ip = inner;

	if (likely(merged == ecn))
		return LB_DROP_NONE;
	if (!ecn)
		return outer == ECN_CE ? LB_DROP_TUNNEL_ECN : LB_DROP_NONE;
	now = bpf_htons((bpf_ntohs(old) & ~(ECN_MASK << shift)) | merged << shift);
	*word = now;
	if (is_v4)
		ip->check = csum_replace(ip->check, old, now);
	return LB_DROP_NONE;
}

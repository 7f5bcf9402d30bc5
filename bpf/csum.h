/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internet checksums by difference (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). What changes is
 * known beforehand, so the agent keeps the sum of ~m and m' with each backend (lb_l3_delta() and
 * lb_l4_delta() in abi.h) and a packet costs one addition. Payload is never read.
 */
#pragma once

#include "common.h"

static __always_inline __u16 csum_add(__u16 check, __u16 delta)
{
	__u32 sum = (__u16)~check + (__u32)delta;

	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

/* UDP: 0 means "not computed" and stays; a sum of 0 is sent as 0xffff (RFC 768). */
static __always_inline __u16 csum_add_udp(__u16 check, __u16 delta)
{
	__u16 sum = csum_add(check, delta);

	if (!check)
		return 0;
	return sum ? sum : 0xffff;
}

/* One 16-bit word of the sum changed. */
static __always_inline __u16 csum_replace(__u16 check, __u16 from, __u16 to)
{
	__u32 delta = (__u16)~from + (__u32)to;

	return csum_add(check, (__u16)((delta & 0xffff) + (delta >> 16)));
}

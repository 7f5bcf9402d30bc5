/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Which source ports a flow may leave by, and how what is kept of it is told from anything else:
 * arithmetic that the programs, the agent and tests share. BPF includes it after vmlinux.h, user
 * space after <linux/types.h>.
 */
#pragma once

#include "abi.h"

/* The range in lb_tunnel.nat: its first port, and how many; 0: there is none. */
LB_INLINE __u64 lb_nat_range(__u16 first, __u32 count)
{
	return first | (__u64)count << LB_NAT_COUNT_SHIFT;
}

LB_INLINE __u16 lb_nat_first(__u64 range)
{
	return (__u16)range;
}

LB_INLINE __u32 lb_nat_count(__u64 range)
{
	__u32 count = (range >> LB_NAT_COUNT_SHIFT) & 0xffff;

	return count < LB_NAT_LINES ? count : LB_NAT_LINES;
}

/* The line of a port, in host order; a number not below the range's: it is not in it. */
LB_INLINE __u32 lb_nat_line_of(__u64 range, __u16 port)
{
	return (__u16)(port - lb_nat_first(range));
}

/*
 * The line of the port that comes i-th for a flow with this hash. Clients choose much of a flow,
 * but know nothing of its hash, which is keyed.
 */
LB_INLINE __u32 lb_nat_line(__u64 hash, __u32 i, __u32 count)
{
	__u32 x = (__u32)hash + i * ((__u32)(hash >> 32) | 1);

	return (__u32)(((__u64)x * count) >> 32);
}

/* Beside the protocol, where no packet has anything, of the hash of what a backend sends to such a
 * port: whatever this node's address is, which is written beside it. */
LB_INLINE __u32 lb_nat_proto(__u8 proto)
{
	return proto | 0x400;
}

/* Of all that is written beside the hash, and the hash itself: a reader that comes between two
 * writers finds it wrong. */
LB_INLINE __u32 lb_nat_sum(const struct lb_nat *n, __u64 hash)
{
	__u64 sum = hash;

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		sum = (sum ^ n->client[i] ^ (__u64)n->vip[i] << 32) * LB_SLOT_M1 + n->own[i];
	sum = (sum ^ n->client_port ^ (__u64)n->vip_port << 16 ^ (__u64)n->domain << 32) *
	      LB_SLOT_M2;
	sum = (sum ^ n->uplink) * LB_SLOT_M1;
	return (__u32)(sum >> 32);
}

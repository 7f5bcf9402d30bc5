/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What bench.c tells the driver program about the packets it wants.
 */
#pragma once

#define BENCH_FRAME 128 /* bytes, as in the measurements that the bars come from */

/* Of a frame that the kernel goes on with; its own address is the last octet. */
#define BENCH_MAC                                                                                  \
	{                                                                                          \
		2, 0, 0, 0, 0, 0x0a                                                                \
	}

/* Which way a plan's packets go: only here, or they are to go to another node, or come from one. */
enum bench_way { BENCH_HERE, BENCH_TO_NODE, BENCH_FROM_NODE };

/* Ethernet and all outer headers of a packet from another node, in whole words. */
struct bench_outer {
	__u64 words[12];
};

struct bench_plan {
	__u32 n_flows; /* length of the cycle; 0: never comes round */
	__u32 first;
	__u32 next;       /* of the cycle, from 0 */
	__u32 daddr[4];   /* IPv4 in its mapped form */
	__u16 dport;      /* host order */
	__u16 n_services; /* packets go to ports dport .. dport + n_services - 1; 0: to dport alone
			   */
	__u8 proto;
	__u8 tcp_flags;
	__u8 v6;
	__u8 n_tags;   /* of VLANs: 0 to 2 */
	__be16 frag;   /* IPv4's fragment word; the identification is the flow's number */
	__u8 n_hosts;  /* IPv4: flows go to so many addresses from daddr on; 0: to daddr alone */
	__u8 for_real; /* the kernel goes on with it: a whole frame, in IPv4 */
	__u8 way;      /* enum bench_way */
};

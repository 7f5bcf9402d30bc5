/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every header of the data plane needs: the kernel's types, the ABI, reading and writing once,
 * hints for the compiler, numbers of the headers on the wire, and the age of things.
 *
 * Age is the one clock of the data plane: jiffies scaled to about 64 seconds in 8 bits, compared by
 * their difference. It costs nothing: bpf_jiffies64 is inlined, bpf_ktime_get_ns would be a call of
 * 29 ns.
 */
#pragma once

#include "vmlinux.h"

#include "abi.h"
#include "wire.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)

#define ETH_P_IP     0x0800
#define ETH_P_8021Q  0x8100
#define ETH_P_IPV6   0x86dd
#define ETH_P_8021AD 0x88a8

#define IPPROTO_ICMP   1
#define IPPROTO_TCP    6
#define IPPROTO_UDP    17
#define IPPROTO_ICMPV6 58
#define IPPROTO_SCTP   132

/* Address family, known to the compiler wherever it costs time. */
enum family { FAMILY_V4, FAMILY_V6 };

#define IP_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IP_OFFSET   0x1fff

/* Byte 13 of the TCP header. */
#define TCP_FIN   0x01
#define TCP_SYN   0x02
#define TCP_RST   0x04
#define TCP_ACK   0x10
#define TCP_FLAGS 13

/* Set by the loader: log2 of the jiffies in an age unit, 14 for HZ=250, 16 for HZ=1000. */
const volatile __u32 age_shift = 14;

static __always_inline __u8 age_now(void)
{
	return (__u8)(bpf_jiffies64() >> (age_shift & 63));
}

/* The same in longer units, of affine entries (LB_AFFINITY_LONG). */
static __always_inline __u8 age_now_long(void)
{
	return (__u8)(bpf_jiffies64() >> ((age_shift + LB_AGE_LONG_SHIFT) & 63));
}

/* The third word of an IPv4 address in its 16-byte form, as it lies in memory. */
#define V4_PREFIX bpf_htonl(0xffff)

/* Addresses of either family. */
static __always_inline void addr_copy(__u32 to[4], const __u32 from[4])
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline bool addr_is(const __u32 a[4], const __u32 b[4])
{
	return a[3] == b[3] && a[2] == b[2] && a[1] == b[1] && a[0] == b[0];
}

static __always_inline bool addr_is_v4(const __u32 addr[4])
{
	return addr[2] == V4_PREFIX && !addr[1] && !addr[0];
}

static __always_inline void addr_from_v4(__u32 addr[4], __be32 v4)
{
	addr[0] = 0;
	addr[1] = 0;
	addr[2] = V4_PREFIX;
	addr[3] = v4;
}

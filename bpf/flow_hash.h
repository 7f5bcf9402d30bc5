/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The keyed hash of the flow table: 64 bits, of which some say where an entry may lie and all say
 * whose it is. Clients choose much of a key, so nobody must be able to choose keys that meet.
 *
 * Two multilinear sums over the ten words of a key, 64 bits wide with keys of 64 bits, of which the
 * upper halves are put together: whatever two keys are chosen without knowing the secret, they meet
 * in all 64 bits with probability 2^-64 and in one of 2^n lines with 2^-n (Carter and Wegman; this
 * form is Lemire's and Kaser's). A sum is linear, so who finds by its timing two keys that meet
 * could compute others that meet, too: a keyed bijection of two multiplications behind it hides
 * that. No helper call, and 64-bit multiplications only, for BPF has no wider ones.
 *
 * An IPv4 address is hashed in its mapped form. Its constant words are summed up beforehand, so
 * that IPv4 costs four words and not ten, and both forms of the function are one.
 *
 * BPF includes it after vmlinux.h, user space after <linux/types.h>.
 */
#pragma once

#include "abi.h"

#define LB_V4_PREFIX 0xffff0000u /* the third word of a mapped address, as it lies in memory */

/*
 * The words of a key, which is the backend's own packets as tc_reply sees them: addresses and ports
 * in network order, the client's port in the upper half of its word.
 */
#define LB_FLOW_WORD_BACKEND 0
#define LB_FLOW_WORD_CLIENT  4
#define LB_FLOW_WORD_PORTS   8
#define LB_FLOW_WORD_PROTO   9

LB_INLINE __u32 lb_flow_ports(__be16 backend_port, __be16 client_port)
{
	return backend_port | (__u32)client_port << 16;
}

/*
 * The same of an affine entry: in place of the client's port and beside the protocol, where no
 * packet has anything, the id of the service.
 */
LB_INLINE __u32 lb_affine_ports(__be16 backend_port, __u32 service_id)
{
	return backend_port | service_id << 16;
}

LB_INLINE __u32 lb_affine_proto(__u8 proto, __u32 service_id)
{
	return proto | 0x100 | (service_id & 0xffff0000);
}

/*
 * The same of a flow whose backend is on another node, to which that one answers without us: keyed
 * by client and VIP in that VIP's domain, whoever the backend is.
 */
LB_INLINE __u32 lb_remote_proto(__u8 proto, __u16 domain)
{
	return proto | 0x200 | (__u32)domain << 16;
}

LB_INLINE __u64 lb_flow_hash_mix(const struct lb_flow_keys *k, __u64 high, __u64 low)
{
	__u64 x = (high & 0xffffffff00000000ull) | low >> 32;

	x = (x ^ k->mix[0]) * (k->mix[1] | 1);
	x = (x ^ x >> 32) * (k->mix[2] | 1);
	x ^= x >> 29;
	return x > LB_FLOW_FREE ? x : x + LB_FLOW_FREE + 1;
}

/* What an address adds to both sums; `at`: its first word's place in a key. */
LB_INLINE void lb_flow_hash_addr(const struct lb_flow_keys *k, int at, const __u32 addr[4],
				 __u64 *high, __u64 *low)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		*high += k->high[at + i] * addr[i];
		*low += k->low[at + i] * addr[i];
	}
}

/* The sums so far, with ports and protocol added. */
LB_INLINE __u64 lb_flow_hash_end(const struct lb_flow_keys *k, __u64 high, __u64 low, __u32 ports,
				 __u32 proto)
{
	high += k->high[LB_FLOW_WORD_PORTS] * ports + k->high[LB_FLOW_WORD_PROTO] * proto;
	low += k->low[LB_FLOW_WORD_PORTS] * ports + k->low[LB_FLOW_WORD_PROTO] * proto;
	return lb_flow_hash_mix(k, high, low);
}

/* Either family, IPv4 mapped. Never one of the values that mean something else. */
LB_INLINE __u64 lb_flow_hash(const struct lb_flow_keys *k, const __u32 backend[4],
			     const __u32 client[4], __u32 ports, __u32 proto)
{
	__u64 high = k->high_begin, low = k->low_begin;

	lb_flow_hash_addr(k, LB_FLOW_WORD_BACKEND, backend, &high, &low);
	lb_flow_hash_addr(k, LB_FLOW_WORD_CLIENT, client, &high, &low);
	return lb_flow_hash_end(k, high, low, ports, proto);
}

/* The same for IPv4. */
LB_INLINE __u64 lb_flow_hash_v4(const struct lb_flow_keys *k, __be32 backend, __be32 client,
				__u32 ports, __u32 proto)
{
	__u64 high = k->high_begin_v4, low = k->low_begin_v4;

	high += k->high[LB_FLOW_WORD_BACKEND + 3] * backend;
	low += k->low[LB_FLOW_WORD_BACKEND + 3] * backend;
	high += k->high[LB_FLOW_WORD_CLIENT + 3] * client;
	low += k->low[LB_FLOW_WORD_CLIENT + 3] * client;
	return lb_flow_hash_end(k, high, low, ports, proto);
}

/* Fills in what IPv4's constant words add up to. */
LB_INLINE void lb_flow_keys_finish(struct lb_flow_keys *k)
{
	const __u32 none[4] = {0, 0, LB_V4_PREFIX};

	k->high_begin_v4 = k->high_begin;
	k->low_begin_v4 = k->low_begin;
	lb_flow_hash_addr(k, LB_FLOW_WORD_BACKEND, none, &k->high_begin_v4, &k->low_begin_v4);
	lb_flow_hash_addr(k, LB_FLOW_WORD_CLIENT, none, &k->high_begin_v4, &k->low_begin_v4);
}

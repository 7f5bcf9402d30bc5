/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * One entry of the flow table (struct lb_flow): its second word in parts, how old and how
 * dispensable it is, and what an answer of its backend makes of it. Also the few atomic accesses
 * that the table is made of, for BPF and for user space, which share it.
 *
 * BPF: loads are ordered by the processor on x86 and need not be elsewhere: who reads a hash, the
 * rest and the hash again may, on others, see a rest that is older than both. That is the state of
 * a flow whose line was taken over a few nanoseconds ago, and costs that flow one packet at worst.
 */
#pragma once

#include "abi.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "an entry's second word is taken apart as little-endian"
#endif

typedef __u64 __attribute__((may_alias)) lb_flow_word;

#ifdef __bpf__
#define LB_FLOW_READ(p)     (*(const volatile lb_flow_word *)(p))
#define LB_FLOW_WRITE(p, v) (*(volatile lb_flow_word *)(p) = (v))
#ifdef __TARGET_ARCH_x86 /* whose stores are seen in their order */
#define LB_FLOW_PUBLISH(p, v) LB_FLOW_WRITE(p, v)
#else
#define LB_FLOW_PUBLISH(p, v) ((void)__sync_lock_test_and_set((p), (v)))
#endif
#define LB_FLOW_SWAP(p, old, new) (__sync_val_compare_and_swap((p), (old), (new)) == (old))
#else
#define LB_FLOW_READ(p)           __atomic_load_n((const lb_flow_word *)(p), __ATOMIC_ACQUIRE)
#define LB_FLOW_WRITE(p, v)       __atomic_store_n((lb_flow_word *)(p), (v), __ATOMIC_RELEASE)
#define LB_FLOW_PUBLISH(p, v)     LB_FLOW_WRITE(p, v)
#define LB_FLOW_SWAP(p, old, new) __sync_bool_compare_and_swap((p), (old), (new))
#endif

/* An entry to be. */
struct lb_flow_new {
	__u64 hash, rest;
	__u64 now; /* an age */
};

LB_INLINE lb_flow_word *lb_flow_rest_of(struct lb_flow *way)
{
	return (lb_flow_word *)&way->slot;
}

/* --- the second word -------------------------------------------------------------------------- */

LB_INLINE __u64 lb_rest(__u16 slot, __u16 row, __u16 backend, __u8 state, __u8 age)
{
	return (__u64)slot | (__u64)row << 16 | (__u64)backend << 32 | (__u64)state << 48 |
	       (__u64)age << 56;
}

LB_INLINE bool lb_rest_is_of(__u64 rest, __u16 slot, __u16 row, __u16 backend)
{
	return rest << 16 == lb_rest(slot, row, backend, 0, 0) << 16;
}

LB_INLINE __u16 lb_rest_slot(__u64 rest)
{
	return (__u16)rest;
}

LB_INLINE __u16 lb_rest_row(__u64 rest)
{
	return (__u16)(rest >> 16);
}

LB_INLINE __u16 lb_rest_backend(__u64 rest)
{
	return (__u16)(rest >> 32);
}

LB_INLINE __u32 lb_rest_state(__u64 rest)
{
	return rest >> 48 & LB_FLOW_STATE_MASK;
}

LB_INLINE bool lb_rest_is_udp(__u64 rest)
{
	return rest >> 48 & LB_FLOW_UDP;
}

/* The entry was made for this generation of its backend; four bits of it are known. */
LB_INLINE bool lb_rest_is_gen(__u64 rest, __u8 gen)
{
	return (rest >> 52 & 15) == (gen & 15);
}

LB_INLINE __u8 lb_rest_age(__u64 rest)
{
	return (__u8)(rest >> 56);
}

LB_INLINE __u64 lb_rest_with_slot(__u64 rest, __u16 slot)
{
	return (rest & ~0xffffull) | slot;
}

LB_INLINE __u64 lb_rest_with_state(__u64 rest, __u32 state)
{
	return (rest & ~((__u64)LB_FLOW_STATE_MASK << 48)) | (__u64)state << 48;
}

LB_INLINE __u64 lb_rest_with_age(__u64 rest, __u8 age)
{
	return (rest & ~(0xffull << 56)) | (__u64)age << 56;
}

/* State byte of a new entry. */
LB_INLINE __u8 lb_flow_state(__u32 state, bool udp, __u8 gen)
{
	return (__u8)(state | (udp ? LB_FLOW_UDP : 0) | (gen & 15) << LB_FLOW_GEN_SHIFT);
}

/* --- life ------------------------------------------------------------------------------------- */

/* It stands for a client that keeps a backend, and not for a flow. */
LB_INLINE bool lb_rest_is_affine(__u64 rest)
{
	return lb_rest_state(rest) == LB_FLOW_AFFINE;
}

/*
 * Units of age since it was heard of; of an affine entry they may be others. It may have been heard
 * of in the next unit, on another processor, after `now` was read here: that is no silence.
 */
LB_INLINE __u32 lb_rest_silence(__u64 rest, __u8 now)
{
	__u8 since = (__u8)(now - lb_rest_age(rest));

	return since == 0xff ? 0 : since;
}

/* Of an affine entry only its service knows. */
LB_INLINE bool lb_rest_is_dead(__u64 rest, __u8 now)
{
	__u32 state = lb_rest_state(rest);
	bool lasts = (state == LB_FLOW_ESTABLISHED || state == LB_FLOW_ANSWERED) &&
		     !lb_rest_is_udp(rest);

	if (state == LB_FLOW_AFFINE)
		return false;
	return lb_rest_silence(rest, now) > (lasts ? LB_FLOW_AGES : LB_FLOW_AGES_SHORT);
}

/* State byte of an affine entry, for lb_service.affinity. */
LB_INLINE __u8 lb_affine_state(__u16 affinity, __u8 gen)
{
	return (__u8)(LB_FLOW_AFFINE | (affinity & LB_AFFINITY_LONG ? LB_FLOW_LONG : 0) |
		      (gen & 15) << LB_FLOW_GEN_SHIFT);
}

/*
 * Ages since the client's last flow began, and one: an entry may be younger than the moment at
 * which `now` was read. `now` is counted as lb_service.affinity says.
 */
LB_INLINE __u32 lb_affine_silence(__u64 rest, __u8 now)
{
	return (__u8)(now - lb_rest_age(rest) + 1);
}

/* The client of an affine entry still has its backend, by lb_service.affinity. */
LB_INLINE bool lb_affine_holds(__u64 rest, __u16 affinity, __u8 now)
{
	return !(rest >> 48 & LB_FLOW_LONG) == !(affinity & LB_AFFINITY_LONG) &&
	       lb_affine_silence(rest, now) <= (affinity & ~LB_AFFINITY_LONG) + 1;
}

/* It may still be somebody's, but others are worth more. */
LB_INLINE bool lb_rest_is_spare(__u64 rest)
{
	return lb_rest_state(rest) != LB_FLOW_ESTABLISHED;
}

/*
 * What the backend's packet makes of its entry. TCP: a SYN-ACK answers, FIN and RST close, and
 * anything else establishes. UDP: the second answer establishes; it has no flags.
 */
LB_INLINE __u64 lb_rest_after_answer(__u64 rest, bool fin, bool syn, bool rst, __u8 now)
{
	__u32 state = lb_rest_state(rest);

	if (lb_rest_is_udp(rest))
		state += state < LB_FLOW_ESTABLISHED;
	else if (syn)
		state += state == LB_FLOW_NEW;
	else if (fin || rst)
		state = LB_FLOW_CLOSING;
	else if (state < LB_FLOW_ESTABLISHED)
		state = LB_FLOW_ESTABLISHED;
	return lb_rest_with_age(lb_rest_with_state(rest, state), now);
}

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is remembered of flows that were let in without an entry: two marks each in one word, and
 * for each backend whose they are. It gives nobody up: with more flows more of those that it never
 * saw look as if it had, so a word that is a third full takes no more. It forgets by turns of some
 * four seconds: a word has marks of one turn, the words of two halves take turns, and marks count
 * in their own turn and the next.
 *
 * Atomic accesses are those of the flow table (flow_entry.h).
 */
#pragma once

#include "flow_entry.h"

#define LB_MARKS            48u /* marks in a word; its other bits are the turn */
#define LB_MARKS_TURN_SHIFT 48

LB_INLINE __u32 lb_unrecorded_place(__u64 hash, __u16 turn)
{
	return (__u32)(hash >> 48) % LB_UNRECORDED_WORDS + (turn & 1) * LB_UNRECORDED_WORDS;
}

LB_INLINE __u64 lb_unrecorded_marks(__u64 hash)
{
	return 1ull << ((hash & 0xffff) * LB_MARKS >> 16) |
	       1ull << ((hash >> 16 & 0xffff) * LB_MARKS >> 16);
}

/* A third of its marks are set: more, and too many flows would look as if they had been seen. */
LB_INLINE bool lb_unrecorded_is_full(__u64 word)
{
	__u64 x = word << (64 - LB_MARKS);

	x -= x >> 1 & 0x5555555555555555;
	x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return x * 0x0101010101010101 >> 56 >= LB_MARKS / 3;
}

/*
 * Marks the flow of a hash in its word. False: it has too many; or two CPUs met there three times.
 */
LB_INLINE bool lb_unrecorded_mark(__u64 *word, __u64 hash, __u16 turn)
{
	const __u64 begin = (__u64)turn << LB_MARKS_TURN_SHIFT;

	for (int i = 0; i < 3; i++) {
		__u64 old = LB_FLOW_READ(word);
		const bool is_turn = old >> LB_MARKS_TURN_SHIFT == turn;
		__u64 now = (is_turn ? old : begin) | lb_unrecorded_marks(hash);

		if (now == old)
			return true;
		if (is_turn && lb_unrecorded_is_full(old))
			return false;
		if (LB_FLOW_SWAP((lb_flow_word *)word, old, now))
			return true;
	}
	return false;
}

LB_INLINE bool lb_unrecorded_has(const __u64 *word, __u64 hash, __u16 turn)
{
	const __u64 now = LB_FLOW_READ(word), marks = lb_unrecorded_marks(hash);

	return now >> LB_MARKS_TURN_SHIFT == turn && (now & marks) == marks;
}

/* --- whose they are --------------------------------------------------------------------------- */

/*
 * A word of `unrecorded_at`, of a backend's address, port and protocol by their keyed hash: bits
 * 0..15 the turn in which it was said last, 16..31 the slot of the service, 32..39 of its
 * id, 40..63 of the hash. 0: nobody's.
 */
LB_INLINE __u32 lb_unrecorded_at(__u64 backend_hash)
{
	return (__u32)backend_hash % LB_UNRECORDED_AT;
}

LB_INLINE __u64 lb_unrecorded_owner(__u64 backend_hash, __u16 slot, __u8 id, __u16 turn)
{
	return backend_hash >> 40 << 40 | (__u64)id << 32 | (__u64)slot << 16 | turn;
}

LB_INLINE __u16 lb_unrecorded_slot(__u64 owner)
{
	return (__u16)(owner >> 16);
}

LB_INLINE __u8 lb_unrecorded_id(__u64 owner)
{
	return (__u8)(owner >> 32);
}

/* There may be marks yet of flows that it was said for. */
LB_INLINE bool lb_unrecorded_lasts(__u64 owner, __u16 turn)
{
	return owner && (__u16)(turn - owner) <= 1;
}

LB_INLINE bool lb_unrecorded_is_of(__u64 owner, __u64 backend_hash, __u16 turn)
{
	return lb_unrecorded_lasts(owner, turn) && owner >> 40 == backend_hash >> 40;
}

/* Says that they are `mine`; false: they are another front end's or another backend's. */
LB_INLINE bool lb_unrecorded_claim(__u64 *word, __u64 mine)
{
	const __u64 old = LB_FLOW_READ(word);

	if (old == mine)
		return true;
	if (lb_unrecorded_lasts(old, (__u16)mine) && old >> 32 != mine >> 32)
		return false;
	return LB_FLOW_SWAP((lb_flow_word *)word, old, mine) || LB_FLOW_READ(word) == mine;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A row: up to four backends of a service in order of preference, in one 64-bit word that is read
 * once. [0] takes new flows, and in a settled row every packet. The program writes a row in one
 * case only: by an atomic OR it unsettles and marks it when it gives a flow to a later candidate,
 * or to none of them.
 */
#pragma once

#include "maps.h"

#include "common.h"

/* The backend that a row's candidate i means, as an index within the service. */
static __always_inline __u32 row_candidate(__u64 row, __u32 i)
{
	return (row >> (i * LB_ROW_BITS)) & LB_ROW_NONE;
}

/* Index over all rows of the row that this hash selects. */
static __always_inline __u32 row_index(__u64 live, __u64 hash)
{
	__u32 base = (live >> LB_LIVE_ROWS_SHIFT) & LB_LIVE_BASE_MASK;
	__u32 log2 = (live >> LB_LIVE_LOG2_SHIFT) & LB_LIVE_LOG2_MASK;

	return base * LB_ROWS_UNIT + lb_wire_row(hash, log2);
}

static __always_inline bool row_exists(__u64 live)
{
	return live >> LB_LIVE_LOG2_SHIFT & LB_LIVE_LOG2_MASK;
}

/* Where the row lies; NULL where the agent has not added that chunk. */
static __always_inline __u64 *row_slot(__u32 index)
{
	__u32 chunk = index / LB_ROWS_CHUNK, in = index % LB_ROWS_CHUNK;
	void *inner = bpf_map_lookup_elem(&rows, &chunk);

	return inner ? bpf_map_lookup_elem(inner, &in) : NULL;
}

static __always_inline void row_set(__u32 index, __u64 bits)
{
	__u64 *slot = row_slot(index);

	if (slot && (READ_ONCE(*slot) & bits) != bits)
		__sync_fetch_and_or(slot, bits);
}

/* After the flow's entry is made: whoever sees no mark then has seen the entry. */
static __always_inline void row_mark(__u32 index)
{
	row_set(index, LB_ROW_UNSETTLED | LB_ROW_MARKED);
}

/* The same where the flow was given to one who is no candidate. */
static __always_inline void row_mark_beyond(__u32 index)
{
	row_set(index, LB_ROW_UNSETTLED | LB_ROW_MARKED | LB_ROW_BEYOND);
}

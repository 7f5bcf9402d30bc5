// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The flow table as user space holds it, by chunks that are mapped one by one, and with it the code
 * that the programs use to look at it (bpf/flow_table.h).
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct lb_flow_chunks {
	struct lb_flow_line **chunks;      /* LB_FLOW_CHUNK lines each; borrowed */
	size_t n;                          /* a power of two; 0: there is no table */
	const struct lb_flow_chunks *left; /* the one that is being left for this one; NULL: none */
};
typedef const struct lb_flow_chunks *flow_table_t;

static inline flow_table_t flow_table_left(flow_table_t t)
{
	return t->left;
}

static inline __u32 flow_table_lines(flow_table_t t)
{
	return (__u32)t->n * LB_FLOW_CHUNK;
}

static inline struct lb_flow_line *flow_line_at(flow_table_t t, __u32 index)
{
	return &t->chunks[index / LB_FLOW_CHUNK][index % LB_FLOW_CHUNK];
}

#include "bpf/flow_table.h"

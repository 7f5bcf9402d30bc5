/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other nodes: by the number that a backend's state word has, and by the address that a tunnel's
 * packet comes from. Arrays all, so neither is a helper call.
 */
#pragma once

#include "maps.h"

#include "common.h"

static __always_inline struct lb_node *node_at(__u32 number)
{
	__u32 chunk = number / LB_NODE_CHUNK, in = number % LB_NODE_CHUNK;
	void *inner = bpf_map_lookup_elem(&nodes, &chunk);

	return inner ? bpf_map_lookup_elem(inner, &in) : NULL;
}

/* The node of a backend, by its state word. */
static __always_inline __u32 node_of(__u64 state)
{
	return state >> LB_BE_NODE_SHIFT & (LB_NODES - 1);
}

/* LB_WAY_*: how packets for a backend of this state word get there. */
static __always_inline __u32 node_way(__u64 state)
{
	return state >> LB_BE_WAY_SHIFT & LB_BE_WAY_MASK;
}

/*
 * A flow may begin at a backend of this state word: it is here, or tunnels end where it is. A real
 * server's health is the EndpointSlice's alone.
 */
static __always_inline bool node_takes(__u64 state)
{
	const __u64 flags = LB_NODE_IN_USE | LB_NODE_USABLE;
	const struct lb_node *node;

	if (likely(state >> LB_BE_FLAGS_SHIFT & LB_BE_LOCAL) || node_way(state))
		return true;
	node = node_at(node_of(state));
	return node && (READ_ONCE(node->state) & flags) == flags;
}

/* Whether who is at a backend of this state word, on another node, would hear a question. */
static __always_inline bool node_hears(__u64 state)
{
	const struct lb_node *node = node_at(node_of(state));

	return node && READ_ONCE(node->state) & (LB_NODE_USABLE | LB_NODE_LEAVES);
}

static __always_inline bool node_is(__u32 number, const __u32 addr[4])
{
	const __u64 flags = LB_NODE_IN_USE | LB_NODE_KNOWN;
	const struct lb_node *node = node_at(number);

	return node && (READ_ONCE(node->state) & flags) == flags && addr_is(node->addr, addr);
}

/* The number of the other node that has this address; 0: none. */
static __always_inline __u32 node_find(const __u32 addr[4])
{
	for (__u32 which = 0; which < 2; which++) {
		__u32 place = lb_node_place(addr, which);
		__u64 *word = bpf_map_lookup_elem(&node_places, &place);
		__u64 numbers = word ? READ_ONCE(*word) : 0;

		for (int i = 0; i < LB_NODE_WAYS && numbers; i++, numbers >>= LB_NODE_BITS)
			if (numbers & (LB_NODES - 1) && node_is(numbers & (LB_NODES - 1), addr))
				return numbers & (LB_NODES - 1);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backend slots. A slot is found from the service's live word and an index within the service; its
 * state word is read once and says whether the slot is in use, takes new flows, and which
 * generation of flows it owns. A generation that differs means that the flow belonged to somebody
 * else.
 */
#pragma once

#include "maps.h"

#include "common.h"

static __always_inline __u32 backend_index(__u64 live, __u32 in_service)
{
	__u32 base = (live >> LB_LIVE_BACKENDS_SHIFT) & LB_LIVE_BASE_MASK;

	return base * LB_BACKEND_UNIT + in_service;
}

static __always_inline struct lb_backend *backend_slot(__u32 index)
{
	__u32 chunk = index / LB_BACKEND_CHUNK, in = index % LB_BACKEND_CHUNK;
	void *inner = bpf_map_lookup_elem(&backends, &chunk);

	return inner ? bpf_map_lookup_elem(inner, &in) : NULL;
}

static __always_inline bool backend_is(__u64 state, __u32 flags)
{
	return (state >> LB_BE_FLAGS_SHIFT & flags) == flags;
}

static __always_inline __u8 backend_gen(__u64 state)
{
	return (__u8)(state >> LB_BE_GEN_SHIFT);
}

static __always_inline __u32 backend_nsid(__u64 state)
{
	return (__u32)(state >> LB_BE_NSID_SHIFT);
}

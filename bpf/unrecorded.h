/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows that begin without an entry, since their service is beyond its rate (new_flows.h): as long
 * as a backend's such flows are all of one front end, its answers to them are known by the backend
 * alone (unrecorded_table.h). That a flow is one of them must be known, too, for pods also answer
 * who speaks to them without us.
 */
#pragma once

#include "maps.h"

#include "common.h"
#include "flow.h"
#include "unrecorded_table.h"

/* Some four seconds. */
static __always_inline __u16 unrecorded_turn(void)
{
	return (__u16)(bpf_jiffies64() >> ((age_shift - 4) & 63));
}

static __always_inline __u64 *unrecorded_word(__u64 hash, __u16 turn)
{
	__u32 place = lb_unrecorded_place(hash, turn);

	return bpf_map_lookup_elem(&unrecorded, &place);
}

static __always_inline __u64 *unrecorded_owner_word(__u64 backend_hash)
{
	__u32 place = lb_unrecorded_at(backend_hash);

	return bpf_map_lookup_elem(&unrecorded_at, &place);
}

/* Of a backend: as a flow without a client. */
static __always_inline __u64 unrecorded_backend(const __u32 addr[4], __be16 port, __u8 proto)
{
	const __u32 nobody[4] = {};

	return flow_hash(addr, port, nobody, 0, proto);
}

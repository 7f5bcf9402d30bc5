/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow table as the programs reach it. Its lines lie in inner arrays of one fixed size, so that
 * every look-up is inlined; how many of them are in use, and from where, is one word of the config
 * map.
 */
#pragma once

#include "maps.h"

#include "common.h"
#include "flow_hash.h"

/* Set by the loader, from the secret that lies with the table. */
const volatile struct lb_flow_keys flow_keys = {};

/* lb_config.flows, as read once. */
typedef __u64 flow_table_t;

static __always_inline flow_table_t flow_table(void)
{
	__u32 zero = 0;
	struct lb_config *c = bpf_map_lookup_elem(&config, &zero);

	return c ? READ_ONCE(c->flows) : 0;
}

static __always_inline __u32 flow_table_lines(flow_table_t t)
{
	return (__u32)(t & LB_FLOWS_COUNT_MASK) * LB_FLOW_CHUNK;
}

static __always_inline flow_table_t flow_table_left(flow_table_t t)
{
	return t >> LB_FLOWS_LEFT_SHIFT;
}

static __always_inline struct lb_flow_line *flow_line_at(flow_table_t t, __u32 index)
{
	__u32 chunk = ((__u32)t >> LB_FLOWS_FIRST_SHIFT) + index / LB_FLOW_CHUNK;
	__u32 in = index % LB_FLOW_CHUNK;
	void *inner = bpf_map_lookup_elem(&flows, &chunk);

	return inner ? bpf_map_lookup_elem(inner, &in) : NULL;
}

#include "flow_table.h"

/* The compiler is not to know that they are zero in the object. */
static __always_inline const struct lb_flow_keys *flow_secret(void)
{
	const struct lb_flow_keys *keys = (const struct lb_flow_keys *)&flow_keys;

	asm("" : "+r"(keys));
	return keys;
}

/*
 * Of a flow between a client and a backend. The backend's family is the flow's: a client of IPv6
 * may claim an address that looks mapped, and is not to meet one of IPv4.
 */
static __always_inline __u64 flow_hash_words(const __u32 backend[4], const __u32 client[4],
					     __u32 ports, __u32 proto)
{
	if (likely(addr_is_v4(backend)))
		return lb_flow_hash_v4(flow_secret(), backend[3], client[3], ports, proto);
	return lb_flow_hash(flow_secret(), backend, client, ports, proto);
}

static __always_inline __u64 flow_hash(const __u32 backend[4], __be16 backend_port,
				       const __u32 client[4], __be16 client_port, __u8 proto)
{
	return flow_hash_words(backend, client, lb_flow_ports(backend_port, client_port), proto);
}

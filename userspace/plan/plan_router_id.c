// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The router id (RFC 4271 4.2, RFC 6286) of sessions whose BGPPeer names none. It has to differ
 * from node to node and to stay what it is, so it is chosen once and kept in the ledger: the
 * setting, else what was kept, else the Node's InternalIP, else the address that a session comes
 * from, else a hash of the node's name. An address that merely is on some interface is never taken:
 * bridges of container runtimes have the same one on every node, and come and go.
 */
#include "plan/plan_router_id.h"

#include "base/hash.h"
#include "plan/plan_links.h"

#include <assert.h>

/* 0 if the address is none that tells one node from another. */
static uint32_t id_of(const struct ip_addr *a)
{
	const uint32_t v4 = ip_addr_is_v4(a) ? ip_addr_v4(a) : 0;
	const uint8_t first = (uint8_t)(v4 >> 24);

	return first == 0 || first == 127 || first >= 224 ? 0 : v4;
}

static uint32_t internal_address(const struct plan_inputs *in)
{
	const struct api_object *node = plan_node_object(in->world, in->settings);
	uint32_t id = 0;

	for (size_t i = 0; node && id == 0 && i < node->node.n_internal; i++)
		id = id_of(&node->node.internal[i]);
	return id;
}

/* The address of the first session, in key order, that has a way; *ret_any: there is one. */
static uint32_t session_address(const struct plan_inputs *in, const struct plan_peer *peers,
				size_t n, bool *ret_any)
{
	*ret_any = false;
	for (size_t i = 0; i < n; i++) {
		const struct plan_route_to *way =
			plan_way_to(in->node, &peers[i].address, peers[i].vrf);
		uint32_t id = id_of(&peers[i].source);

		if (peers[i].ifindex == 0)
			continue;
		*ret_any = true;
		if (ip_addr_is_none(&peers[i].source) && way)
			id = id_of(&way->source);
		if (id)
			return id;
	}
	return 0;
}

/* The top bit keeps it from being 0. */
static uint32_t hash_of_name(const struct plan_inputs *in)
{
	return (uint32_t)hash_str(HASH_INIT, in->settings->node_name) | UINT32_C(1) << 31;
}

/* *ret_is_final: nothing better will be known later. */
static uint32_t choose(const struct plan_inputs *in, const struct plan_peer *peers, size_t n,
		       bool *ret_is_final)
{
	uint32_t id = internal_address(in);

	*ret_is_final = true;
	if (id == 0)
		id = session_address(in, peers, n, ret_is_final);
	return id ? id : hash_of_name(in);
}

uint32_t plan_router_id(const struct plan_inputs *in, const struct plan_peer *peers, size_t n,
			uint32_t *kept)
{
	bool is_final;
	uint32_t id;

	if (*kept)
		return *kept;
	id = choose(in, peers, n, &is_final);
	assert(id != 0); /* RFC 6286 2.1 */
	if (in->synced && is_final)
		*kept = id;
	return id;
}

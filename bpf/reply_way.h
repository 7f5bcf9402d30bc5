/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of an answer to a client that came through a VRF. Pods are in no VRF, so their answers
 * are routed as all else that they send, and the same client address may be somebody else there. An
 * answer that leaves by a device of another domain than its VIP's is therefore sent by the device
 * to which the VRF's own routes lead, and to the neighbour that they name.
 */
#pragma once

#include "answer.h"
#include "common.h"
#include "maps.h"
#include "service.h"
#include "stats.h"

#define REPLY_AF_INET  2
#define REPLY_AF_INET6 10

/* The device that it leaves by is of another domain than the VIP. */
static __always_inline bool reply_strays(const struct __sk_buff *skb, const struct lb_service *vip)
{
	return vip->key.domain != service_domain(skb->ifindex);
}

/* False: there is no such way. */
static __always_inline bool reply_way_look(struct __sk_buff *skb, const struct answer *a,
					   struct bpf_fib_lookup *way)
{
	long found;

	if (a->family == FAMILY_V4) {
		way->family = REPLY_AF_INET;
		way->ipv4_dst = a->client[3];
	} else {
		way->family = REPLY_AF_INET6;
		addr_copy(way->ipv6_dst, a->client);
	}
	way->l4_protocol = a->proto;
	found = bpf_fib_lookup(skb, way, sizeof(*way), BPF_FIB_LOOKUP_OUTPUT);
	/* The device is known, also where its neighbour is yet to be asked, or pieces to be made.
	 */
	return found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       found == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* What tc_reply is to answer for a packet that strays, once it has been turned. */
__noinline int reply_way(struct __sk_buff *skb, const struct answer *a, __u32 domain)
{
	struct bpf_fib_lookup way = {};
	__u32 *vrf = bpf_map_lookup_elem(&vrfs, &domain);

	if (!a || !vrf) /* not of a VRF, or the agent knows of none */
		return TCX_NEXT;
	way.ifindex = *vrf;
	if (!reply_way_look(skb, a, &way)) {
		stats_drop(LB_DROP_REPLY_NO_WAY);
		return TCX_DROP;
	}
	return (int)bpf_redirect_neigh(way.ifindex, NULL, 0, 0);
}

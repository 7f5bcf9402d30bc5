/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet that leaves and may be a backend's answer, as tc_reply has read it.
 */
#pragma once

#include "common.h"

struct answer {
	__u32 backend[4];
	__u32 client[4];
	__u32 l3_off;
	__u32 l4_off;
	__u32 end; /* of the IP packet, by its own length; IPv6 */
	__be32 fragment_id;
	__be16 backend_port;
	__be16 client_port;
	__u8 family;
	__u8 proto;
	__u8 tcp_flags;
	__u8 is_fragment;
};

/* The source address becomes the VIP's. */
static __always_inline void answer_rewrite_l3(struct __sk_buff *skb, const struct answer *a,
					      const struct lb_service *vip)
{
	if (a->family == FAMILY_V4) {
		bpf_l3_csum_replace(skb, a->l3_off + __builtin_offsetof(struct iphdr, check),
				    a->backend[3], vip->key.addr[3], sizeof(__be32));
		bpf_skb_store_bytes(skb, a->l3_off + __builtin_offsetof(struct iphdr, saddr),
				    &vip->key.addr[3], sizeof(__be32), 0);
	} else {
		bpf_skb_store_bytes(skb, a->l3_off + __builtin_offsetof(struct ipv6hdr, saddr),
				    vip->key.addr, sizeof(vip->key.addr), 0);
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCTP on its way to a client. Its checksum is not the internet's, so the kernel's helpers do not
 * know it; one that the stack leaves to the card is 0 here, and computed behind us over what the
 * packet is then.
 */
#pragma once

#include "answer.h"
#include "common.h"
#include "sctp.h"
#include "stats.h"

/* Ports, what stands for flags, and where it ends. False: its headers are not whole. */
__noinline bool reply_sctp_parse(struct __sk_buff *skb, struct answer *a)
{
	__be16 ports[2];
	struct iphdr ip;
	__u8 chunk;

	if (!a)
		return false;
	if (a->family == FAMILY_V4) {
		if (!lb_bytes_read(skb, a->l3_off, &ip, sizeof(ip)))
			return false;
		a->end = a->l3_off + bpf_ntohs(ip.tot_len);
	}
	if (a->l4_off + SCTP_LEAST > a->end ||
	    !lb_bytes_read(skb, a->l4_off, ports, sizeof(ports)) ||
	    !lb_bytes_read(skb, a->l4_off + SCTP_CHUNK, &chunk, sizeof(chunk)))
		return false;
	a->backend_port = ports[0];
	a->client_port = ports[1];
	a->tcp_flags = sctp_flags(chunk);
	return true;
}

/* False: it is a first fragment whose port would change, and the checksum could not follow. */
static __always_inline bool reply_sctp_rewrite(struct __sk_buff *skb, const struct answer *a,
					       const struct lb_service *vip)
{
	if (a->is_fragment && a->backend_port != vip->key.port) {
		stats_drop(LB_DROP_REPLY_FRAGMENT);
		return false;
	}
	answer_rewrite_l3(skb, a, vip);
	sctp_patch(skb, a->l4_off, a->end - a->l4_off, SCTP_SOURCE, a->backend_port, vip->key.port);
	return true;
}

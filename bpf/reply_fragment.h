/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An answer in fragments. The first has the ports: it is turned like a whole answer, its checksum
 * too, which covers all of them, and enters the front end for the rest, which get the source
 * address alone. A later one whose first was not seen is left alone; nothing says that it is a
 * backend's.
 */
#pragma once

#include "answer.h"
#include "common.h"
#include "fragment.h"
#include "reply_way.h"
#include "service.h"
#include "stats.h"

static __always_inline void reply_fragment_key(const struct answer *a, struct fragment_key *key)
{
	addr_copy(key->saddr, a->backend);
	addr_copy(key->daddr, a->client);
	key->id = a->fragment_id;
	key->word = FRAGMENT_WORD(a->family, a->proto, 0) | FRAGMENT_OF_ANSWER;
}

/* The first fragment was turned to the VIP of this service slot. */
__noinline bool reply_fragment_enter(const struct answer *a, __u32 slot, __u32 id)
{
	struct fragment_key key = {};

	if (!a)
		return false;
	reply_fragment_key(a, &key);
	if (fragment_enter(&key, slot, (__u8)id))
		return true;
	stats_drop(LB_DROP_REPLY_FRAGMENT);
	return false;
}

/* A later one follows it, if it was seen. */
__noinline int reply_fragment_follow(struct __sk_buff *skb, const struct answer *a)
{
	const struct lb_service *vip;
	struct fragment_key key = {};
	__u64 rest = 0;

	if (!a)
		return TCX_NEXT;
	reply_fragment_key(a, &key);
	if (!fragment_find(&key, &rest))
		return TCX_NEXT;
	vip = service_at(lb_fragment_target(rest));
	if (!vip || (__u8)vip->id != lb_fragment_gen(rest))
		return TCX_NEXT;
	answer_rewrite_l3(skb, a, vip);
	return reply_strays(skb, vip) ? reply_way(skb, a, vip->key.domain) : TCX_NEXT;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a destination to its service: one bit for "may be ours", then a slot that lies at one of two
 * places (cuckoo), so a lookup is at most two array reads and never a helper call. The bit may lie
 * (two addresses, one bit); the slot's key is exact.
 */
#pragma once

#include "maps.h"

#include "common.h"

typedef __u64 __attribute__((may_alias)) service_word;

static __always_inline bool service_may_be_ours(const __u32 daddr[4])
{
	__u32 bit = lb_vip_bit(daddr), word = bit >> 6;
	__u64 *bits;

	bits = bpf_map_lookup_elem(&vip_bits, &word);
	return bits && READ_ONCE(*bits) >> (bit & 63) & 1;
}

static __always_inline __u64 service_uplink(__u32 place)
{
	__u32 key = place & (LB_UPLINKS - 1);
	__u64 *word = bpf_map_lookup_elem(&uplinks, &key);

	return word ? READ_ONCE(*word) : 0;
}

/* A device that does not lie at its own place, but up to `reach` behind it. */
__noinline int service_domain_behind(__u32 ifindex, __u32 reach)
{
	__u32 place = lb_uplink_hash(ifindex);

	for (__u32 i = 1; i <= LB_UPLINK_REACH_MAX && i <= reach; i++) {
		__u64 word = service_uplink(place + i);

		if ((__u32)word == ifindex)
			return (__u16)(word >> LB_UPLINK_DOMAIN_SHIFT);
	}
	return 0;
}

/* The same, by the word at the device's own place. */
static __always_inline __u16 service_domain_by(__u64 word, __u32 ifindex)
{
	__u32 reach = word >> LB_UPLINK_REACH_SHIFT & LB_UPLINK_REACH_MAX;

	if ((__u32)word == ifindex)
		return (__u16)(word >> LB_UPLINK_DOMAIN_SHIFT);
	return unlikely(reach) ? (__u16)service_domain_behind(ifindex, reach) : 0;
}

/* Domain of the device that a packet came in by; 0 unless the agent says otherwise. */
static __always_inline __u16 service_domain(__u32 ifindex)
{
	return service_domain_by(service_uplink(lb_uplink_hash(ifindex)), ifindex);
}

static __always_inline bool service_key_is(const struct lb_service_key *a,
					   const struct lb_service_key *b)
{
	const service_word *have = (const service_word *)a, *want = (const service_word *)b;

	return have[0] == want[0] && have[1] == want[1] && have[2] == want[2];
}

static __always_inline struct lb_service *service_at(__u32 slot)
{
	return bpf_map_lookup_elem(&services, &slot);
}

static __always_inline struct lb_service *
service_in_slot(const struct lb_service_key *key, __u32 which, __u32 *ret_slot, __u64 *ret_live)
{
	struct lb_service *svc;
	__u64 live;

	*ret_slot = lb_service_hash(key, which);
	svc = service_at(*ret_slot);

	if (!svc)
		return NULL;
	live = READ_ONCE(svc->live);
	if (!(live & LB_LIVE_IN_USE) || !service_key_is(&svc->key, key))
		return NULL;
	*ret_live = live;
	return svc;
}

/* The service of a key, with its slot and its live word as read once; NULL: not served. */
static __always_inline struct lb_service *service_find(const struct lb_service_key *key,
						       __u32 *ret_slot, __u64 *ret_live)
{
	struct lb_service *svc = service_in_slot(key, 0, ret_slot, ret_live);

	return svc ? svc : service_in_slot(key, 1, ret_slot, ret_live);
}

static __always_inline __u32 service_flags(__u64 live)
{
	return (live >> LB_LIVE_FLAGS_SHIFT) & LB_LIVE_FLAGS_MASK;
}

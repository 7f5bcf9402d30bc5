/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is known of sources, by the keyed hash of an IPv4 address or the /64 of an IPv6 one, in
 * memory that does not grow. It is lossy and without a lock: CPUs that meet may lose a count.
 *
 * SYNs are counted for a window, in two places each (a count-min sketch with conservative update):
 * the less of the two is never less than what the source has sent, and a source is taken for
 * another that sends too much only if it shares both places with such.
 *
 * Who has proven that it is there is kept by lines of four, of which the oldest makes way. Nobody
 * gets in without proof, so a flood drives nobody out.
 *
 * Also how a SYN-ACK asks for that proof, and what is one (source_check.h).
 */
#pragma once

#include "flow_entry.h"
#include "siphash.h"

/* --- counting --------------------------------------------------------------------------------- */

#define LB_SOURCE_COUNT_MASK   0xffffu
#define LB_SOURCE_WINDOW_SHIFT 16

LB_INLINE __u32 lb_source_place(__u64 hash, __u32 which)
{
	return (__u32)(which ? hash >> 32 : hash) % LB_SOURCE_WORDS + which * LB_SOURCE_WORDS;
}

LB_INLINE __u32 lb_source_count(__u32 word, __u16 window)
{
	return word >> LB_SOURCE_WINDOW_SHIFT == window ? word & LB_SOURCE_COUNT_MASK : 0;
}

/* One more of a source, by its two words: false, it had `most` in this window, 65,535 at most. */
LB_INLINE bool lb_source_take(__u32 *first, __u32 *second, __u16 window, __u32 most)
{
	const __u32 begin = (__u32)window << LB_SOURCE_WINDOW_SHIFT;
	const __u32 a = lb_source_count(*(volatile __u32 *)first, window);
	const __u32 b = lb_source_count(*(volatile __u32 *)second, window);
	const __u32 least = a < b ? a : b;

	if (least >= most)
		return false;
	if (a == least)
		*(volatile __u32 *)first = begin | (a + 1);
	if (b == least)
		*(volatile __u32 *)second = begin | (b + 1);
	return true;
}

/* --- who has proven itself -------------------------------------------------------------------- */

/* A way: bits 0..15 the window of the proof, 16..63 of the hash. 0: nobody. */
LB_INLINE bool lb_proven_is(__u64 way, __u64 hash)
{
	return way && (way ^ hash) >> 16 == 0;
}

LB_INLINE __u32 lb_proven_age(__u64 way, __u16 window)
{
	return way ? (__u16)(window - way) : 0x10000;
}

LB_INLINE bool lb_proven_has(const struct lb_proven_line *line, __u64 hash, __u16 window)
{
#pragma GCC unroll 4
	for (int i = 0; i < LB_PROVEN_WAYS; i++) {
		__u64 way = LB_FLOW_READ(&line->way[i]);

		if (lb_proven_is(way, hash))
			return lb_proven_age(way, window) < LB_PROVEN_WINDOWS;
	}
	return false;
}

/* Its own way, else the oldest. */
LB_INLINE void lb_proven_add(struct lb_proven_line *line, __u64 hash, __u16 window)
{
	__u32 oldest = 0, at = 0;

#pragma GCC unroll 4
	for (__u32 i = 0; i < LB_PROVEN_WAYS; i++) {
		__u64 way = LB_FLOW_READ(&line->way[i]);
		__u32 age = lb_proven_is(way, hash) ? 0x20000 : lb_proven_age(way, window);

		if (age > oldest) {
			oldest = age;
			at = i;
		}
	}
	LB_FLOW_WRITE(&line->way[at & (LB_PROVEN_WAYS - 1)], (hash >> 16 << 16) | window);
}

/* --- asking for the proof --------------------------------------------------------------------- */

/*
 * What a client at this address and port is asked with by the front end in this slot, at a time in
 * units of about 64 s.
 */
LB_INLINE __u32 lb_source_cookie(const __u64 key[2], const __u32 client[4], __be16 client_port,
				 __u16 slot, __u32 when)
{
	struct lb_sip s = lb_sip_begin(key);

	lb_sip_add(&s, (__u64)client[1] << 32 | client[0]);
	lb_sip_add(&s, (__u64)client[3] << 32 | client[2]);
	lb_sip_add(&s, (__u64)when << 32 | (__u32)slot << 16 | client_port);
	return (__u32)lb_sip_end(&s, 3);
}

#define LB_SOURCE_FLIP 0x80000000u

/*
 * The acknowledgement for a SYN of this sequence number, both in host order: the cookie, but never
 * one that the client would take, as it would anything up to what it has sent.
 */
LB_INLINE __u32 lb_source_ack(__u32 cookie, __u32 seq)
{
	return cookie - seq <= 0x10000 ? cookie ^ LB_SOURCE_FLIP : cookie;
}

/* A reset of this sequence number answers that. */
LB_INLINE bool lb_source_answers(__u32 cookie, __u32 seq)
{
	return !((cookie ^ seq) & ~LB_SOURCE_FLIP);
}

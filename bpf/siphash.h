/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * SipHash-2-4 of messages of whole 64-bit words (Aumasson, Bernstein: SipHash, 2012): a
 * pseudorandom function, for what others see and must not be able to compute.
 */
#pragma once

#include "abi.h"

struct lb_sip {
	__u64 v0, v1, v2, v3;
};

LB_INLINE __u64 lb_sip_rotate(__u64 x, __u32 by)
{
	return x << by | x >> (64 - by);
}

LB_INLINE void lb_sip_round(struct lb_sip *s)
{
	s->v0 += s->v1;
	s->v1 = lb_sip_rotate(s->v1, 13) ^ s->v0;
	s->v0 = lb_sip_rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = lb_sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = lb_sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = lb_sip_rotate(s->v1, 17) ^ s->v2;
	s->v2 = lb_sip_rotate(s->v2, 32);
}

LB_INLINE struct lb_sip lb_sip_begin(const __u64 key[2])
{
	return (struct lb_sip){0x736f6d6570736575 ^ key[0], 0x646f72616e646f6d ^ key[1],
			       0x6c7967656e657261 ^ key[0], 0x7465646279746573 ^ key[1]};
}

LB_INLINE void lb_sip_add(struct lb_sip *s, __u64 word)
{
	s->v3 ^= word;
	lb_sip_round(s);
	lb_sip_round(s);
	s->v0 ^= word;
}

/* After so many words. */
LB_INLINE __u64 lb_sip_end(struct lb_sip *s, __u32 words)
{
	lb_sip_add(s, (__u64)(words * 8) << 56);
	s->v2 ^= 0xff;
	lb_sip_round(s);
	lb_sip_round(s);
	lb_sip_round(s);
	lb_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

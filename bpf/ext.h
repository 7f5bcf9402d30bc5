/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * IPv6 extension headers (RFC 8200 4): one bounded walk from the fixed header to the transport's.
 * It yields the transport protocol, where its header lies, and what a fragment header said. Both
 * programs walk packets with it, and packets that ICMP errors quote; so do tests on the host.
 *
 * What is walked: hop-by-hop options (first only), destination options, routing headers that have
 * no segments left, one fragment header. AH and ESP cover what a rewrite changes, so they count as
 * a transport protocol, which nobody serves; "no next header" likewise.
 *
 * Whoever includes this says before how a packet's bytes are read: lb_bytes, a packet, and
 * lb_bytes_read(), which copies `len` bytes at an offset and says whether they are there.
 */
#pragma once

#include "abi.h"

/* Hop-by-hop, destination options, routing, fragment, destination options (RFC 8200 4.1), and one.
 */
#define LB_EXT_MAX 6

#define LB_EXT_HOPOPTS  0
#define LB_EXT_ROUTING  43
#define LB_EXT_FRAGMENT 44
#define LB_EXT_DSTOPTS  60

#define LB_EXT_FRAG_OFFSET 0xfff8u /* of the fragment word in host order; in bytes */
#define LB_EXT_FRAG_MORE   0x0001u

/*
 * Goes in: the protocol that the fixed header names, and the offset behind it. Comes out: the
 * transport's, or after a later fragment's header what the fragment begins with.
 */
struct lb_ext {
	__u32 off;
	__u32 frag_off;  /* of the fragment header; 0: there is none */
	__be32 frag_id;  /* as it lies in the packet */
	__u16 frag_word; /* host order: offset in bytes and LB_EXT_FRAG_MORE; 0: whole (RFC 6946) */
	__u8 proto;
	__u8 zero;
};

LB_INLINE bool lb_ext_is(__u8 proto)
{
	return proto == LB_EXT_HOPOPTS || proto == LB_EXT_ROUTING || proto == LB_EXT_FRAGMENT ||
	       proto == LB_EXT_DSTOPTS;
}

/* It has no transport header: that came with the first fragment. */
LB_INLINE bool lb_ext_is_later(const struct lb_ext *e)
{
	return e->frag_word & LB_EXT_FRAG_OFFSET;
}

/* One header, of which the first eight bytes lie at `head`; the `at`th of the packet. */
LB_INLINE enum lb_drop lb_ext_step(struct lb_ext *e, const __u8 head[8], __u32 at)
{
	__u32 len = (head[1] + 1u) << 3;

	if (e->proto == LB_EXT_HOPOPTS && at)
		return LB_DROP_EXTENSION;
	if (e->proto == LB_EXT_ROUTING && head[3]) /* on its way to somebody else */
		return LB_DROP_EXTENSION;
	if (e->proto == LB_EXT_FRAGMENT) {
		if (e->frag_off)
			return LB_DROP_EXTENSION;
		len = 8;
		e->frag_off = e->off;
		e->frag_word =
			(__u16)((head[2] << 8 | head[3]) & (LB_EXT_FRAG_OFFSET | LB_EXT_FRAG_MORE));
		__builtin_memcpy(&e->frag_id, head + 4, sizeof(e->frag_id));
	}
	e->proto = head[0];
	e->off += len;
	return LB_DROP_NONE;
}

/*
 * Walks the headers of a packet that ends at `end`. LB_DROP_MALFORMED: it ends within them.
 * LB_DROP_EXTENSION: there are more than LB_EXT_MAX, or one that does not belong there.
 */
LB_INLINE enum lb_drop lb_ext_walk(lb_bytes *from, __u32 end, struct lb_ext *e)
{
	enum lb_drop odd = LB_DROP_NONE;
	__u8 head[8];

	e->frag_off = 0;
	e->frag_id = 0;
	e->frag_word = 0;
	for (__u32 at = 0; at < LB_EXT_MAX && !odd; at++) {
		if (!lb_ext_is(e->proto) || lb_ext_is_later(e))
			return LB_DROP_NONE;
		if (e->off + sizeof(head) > end || !lb_bytes_read(from, e->off, head, sizeof(head)))
			return LB_DROP_MALFORMED;
		odd = lb_ext_step(e, head, at);
	}
	if (!odd && lb_ext_is(e->proto) && !lb_ext_is_later(e))
		return LB_DROP_EXTENSION;
	return odd;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A capture of packets, in programs that are built for it (capture_note.h): a frame is looked at
 * before anything else is done with it, and kept if it is meant; when its verdict is known it goes
 * to the ring buffer as it came, and once more as it leaves.
 *
 * Bounded: so many frames a jiffy and processor are looked at, and so many of them taken; the rest
 * is counted and costs next to nothing. It ends by itself, whatever becomes of the agent.
 *
 * Whoever includes this has CAPTURE_FLAG and a few functions of its side (capture_xdp.h,
 * capture_skb.h).
 */
#pragma once

#include "capture_key.h"
#include "common.h"
#include "maps.h"

#ifdef LB_CAPTURE
static __always_inline const struct lb_capture *capture_asked(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&capture, &zero);
}

static __always_inline bool capture_is_client(const struct lb_capture *asked, const __u32 addr[4])
{
	__u32 differs = 0;

	for (int i = 0; i < 4; i++)
		differs |= (addr[i] ^ asked->client[i]) & asked->mask[i];
	return !differs;
}

/* The address, with port and protocol if it has a port, is asked for. */
static __always_inline bool capture_is_vip(const struct lb_capture *asked, const __u32 addr[4],
					   __be16 port, const struct capture_key *k)
{
	if (!asked->n_vips)
		return true;
	for (__u32 i = 0; i < LB_CAPTURE_VIPS && i < asked->n_vips; i++) {
		const struct lb_capture_vip *v = &asked->vips[i];

		if (addr_is(v->addr, addr) &&
		    (!v->port || !k->has_ports || (v->port == port && v->proto == k->proto)))
			return true;
	}
	return false;
}

static bool capture_is_meant(struct lb_capturing *c, const struct lb_capture *asked);
static bool capture_is_still(capture_ctx *ctx, struct lb_capturing *c,
			     const struct lb_capture *asked, bool *ret_has_changed);

/* As much of the frame as is to be kept, or looked at. */
static __always_inline bool capture_frame(capture_ctx *ctx, struct lb_capturing *c, __u32 least,
					  __u32 bytes)
{
	__u32 n = bytes < least ? least : bytes;

	c->frame.len = capture_len(ctx);
	if (n > c->frame.len)
		n = c->frame.len;
	/* From 1 to LB_CAPTURE_BYTES, so that Linux 6.1's verifier follows; 0 is beyond it here. */
	n--;
	asm volatile("" : "+r"(n));
	if (n >= LB_CAPTURE_BYTES)
		return false;
	n++;
	c->frame.kept = n;
	return lb_bytes_read(ctx, 0, c->bytes, n);
}

/* Of a frame that just came. */
__noinline int capture_look(capture_ctx *ctx)
{
	const struct lb_capture *asked = capture_asked();
	struct lb_capturing *c = capture_get();
	__u64 now = bpf_jiffies64();

	if (!asked || !c)
		return 0;
	c->is_meant = 0;
	c->frame.reasons = 0;
	c->frame.backend = LB_CAPTURE_NOBODY;
	if (!(asked->flags & CAPTURE_FLAG) || now >= asked->until)
		return 0;
	if (c->tick != now) {
		c->tick = now;
		c->looks = 0;
		c->takes = 0;
	}
	if (c->looks >= asked->looks) {
		c->unseen++;
		return 0;
	}
	c->looks++;
	c->is_meant =
		capture_frame(ctx, c, CAPTURE_HEAD, asked->bytes) && capture_is_meant(c, asked);
	return 0;
}

static __always_inline bool capture_put(capture_ctx *ctx, struct lb_capturing *c,
					const struct lb_capture *asked, __u16 point)
{
	__u32 n = c->frame.kept;

	if (n > asked->bytes)
		n = asked->bytes;
	asm volatile("" : "+r"(n));
	if (n > LB_CAPTURE_BYTES)
		return false;
	c->frame.kept = n;
	c->frame.point = point;
	if (!bpf_ringbuf_output(&capture_ring, &c->frame, sizeof(c->frame) + n, 0))
		return true;
	c->missed++;
	return false;
}

/* Of a frame whose verdict is known. */
__noinline int capture_take(capture_ctx *ctx, int verdict)
{
	const struct lb_capture *asked = capture_asked();
	struct lb_capturing *c = capture_get();
	bool has_changed = false;

	if (!asked || !c || !c->is_meant)
		return 0;
	c->is_meant = 0;
	if (asked->reasons && !(c->frame.reasons & asked->reasons))
		return 0;
	if (!capture_is_still(ctx, c, asked, &has_changed))
		return 0;
	if (c->takes >= asked->takes) {
		c->missed++;
		return 0;
	}
	c->takes++;
	c->frame.at = bpf_ktime_get_ns();
	c->frame.ifindex = capture_ifindex(ctx);
	c->frame.verdict = (__s16)verdict;
	if (!capture_put(ctx, c, asked, CAPTURE_POINT))
		return 0;
	if (has_changed && !capture_is_dropped(verdict) &&
	    capture_frame(ctx, c, asked->bytes, asked->bytes))
		(void)capture_put(ctx, c, asked, CAPTURE_POINT + 1);
	return 0;
}

#define capture_begin(ctx) ((void)capture_look(ctx))
static __always_inline int capture_end(capture_ctx *ctx, int verdict)
{
	(void)capture_take(ctx, verdict);
	return verdict;
}
#else
#define capture_begin(ctx) ((void)0)
static __always_inline int capture_end(capture_ctx *ctx, int verdict)
{
	return verdict;
}
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * While peers are answered here the agent has nothing to do. It is woken when that ends: when our
 * last packet is so old that the agent has to send the next one, or the peer was not heard for the
 * detection time. Each answer puts the timer off, so it does not fire before.
 */
#pragma once

#include "bfd_session.h"

#define BFD_CLOCK 1         /* CLOCK_MONOTONIC */
#define BFD_AGAIN 1000000ul /* ns, while the agent writes the session */

/* How long nothing is the agent's to do, by what it told and what happened. */
static __always_inline __u64 bfd_timer_rest(const struct lb_bfd *e, __u64 now)
{
	__u64 answered_at = READ_ONCE(e->answered_at), last = READ_ONCE(e->sent_at);
	__u64 patience = e->told.interval_ns << (e->told.flags & LB_BFD_PATIENT ? 1 : 0);
	__u64 silent_at = READ_ONCE(e->seen_at) + e->told.detection_ns;

	last = (last > answered_at ? last : answered_at) + patience;
	if (silent_at < last)
		last = silent_at;
	return last > now ? last - now : 0;
}

static __always_inline void bfd_timer_start(struct lb_bfd *e, struct bfd_timer *t, __u64 now,
					    __u64 rest)
{
	WRITE_ONCE(e->timed_at, now + rest);
	if (bpf_timer_start(&t->timer, rest, 0))
		WRITE_ONCE(e->timed_at, 0);
}

static int bfd_timer_fires(void *map, __u32 *place, struct bfd_timer *t)
{
	struct lb_bfd *e = bfd_at(*place);
	__u64 now = bpf_ktime_get_ns(), version, rest;
	__u32 at = *place;

	if (!e)
		return 0;
	version = bfd_version(e);
	rest = bfd_timer_rest(e, now);
	if (version & 1 || bfd_version(e) != version)
		rest = BFD_AGAIN;
	if (now >= READ_ONCE(e->valid_until)) {
		WRITE_ONCE(e->timed_at, 0);
	} else if (rest) {
		bfd_timer_start(e, t, now, rest);
	} else {
		WRITE_ONCE(e->timed_at, 0);
		bpf_ringbuf_output(&bfd_woken, &at, sizeof(at), BPF_RB_FORCE_WAKEUP);
	}
	return 0;
}

/* After an answer. */
static __always_inline void bfd_timer_put_off(struct lb_bfd *e, __u32 place, __u64 now)
{
	struct bfd_timer *t = bpf_map_lookup_elem(&bfd_timers, &place);

	if (!t)
		return;
	if (bpf_timer_set_callback(&t->timer, bfd_timer_fires) &&
	    (bpf_timer_init(&t->timer, &bfd_timers, BFD_CLOCK) ||
	     bpf_timer_set_callback(&t->timer, bfd_timer_fires)))
		return;
	bfd_timer_start(e, t, now, bfd_timer_rest(e, now));
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capture hears of a packet on its way: why it was dropped, and whose it became. The
 * programs are built twice. Those that run have nothing of this, nor of capture.h; those with
 * LB_CAPTURE are loaded while somebody captures, over the same maps, and take the others' place at
 * the hooks.
 */
#pragma once

#include "vmlinux.h"

#include "abi.h"
#include <bpf/bpf_helpers.h>

#ifdef LB_CAPTURE
#define CAPTURES true
#else
#define CAPTURES false
#endif

#ifdef LB_CAPTURE
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_capture);
} capture SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct lb_capturing);
} capturing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LB_CAPTURE_RING);
} capture_ring SEC(".maps");

/* A value for each program, since either may be at work on a processor when the other begins. */
#ifdef LB_CAPTURE_OF_REPLIES
#define CAPTURE_WHICH 1
#else
#define CAPTURE_WHICH 0
#endif

static __always_inline struct lb_capturing *capture_get(void)
{
	__u32 which = CAPTURE_WHICH;

	return bpf_map_lookup_elem(&capturing, &which);
}

static __always_inline void capture_note_reason(enum lb_drop reason)
{
	struct lb_capturing *c = capture_get();

	if (c)
		c->frame.reasons |= 1ull << (reason & 63);
}

static __always_inline void capture_note_backend(__u32 backend)
{
	struct lb_capturing *c = capture_get();

	if (c)
		c->frame.backend = backend;
}
#else
static __always_inline void capture_note_reason(enum lb_drop reason)
{
}

static __always_inline void capture_note_backend(__u32 backend)
{
}
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters. All are per CPU, so nothing here is atomic and nothing bounces between caches: packets
 * and bytes of a backend lie in one 16-byte value, drops in one array by reason. A VIP's counters
 * are the sums over its backends; nobody counts them apart.
 *
 * Bytes are those of the IP packet, as its header says: the frame's own length would need a helper
 * call for frames of several buffers.
 */
#pragma once

#include "maps.h"

#include "capture_note.h"
#include "common.h"

static __always_inline void stats_drop(enum lb_drop reason)
{
	__u32 key = reason;
	__u64 *count = bpf_map_lookup_elem(&drops, &key);

	if (count)
		(*count)++;
	capture_note_reason(reason);
}

static __always_inline void stats_delivered(__u32 backend, __u32 bytes)
{
	__u32 chunk = backend / LB_BACKEND_CHUNK, slot = backend % LB_BACKEND_CHUNK;
	void *inner = bpf_map_lookup_elem(&counters, &chunk);
	struct lb_counter *count;

	capture_note_backend(backend);
	if (!inner)
		return;
	count = bpf_map_lookup_elem(inner, &slot);
	if (!count)
		return;
	count->packets++;
	count->bytes += bytes;
}

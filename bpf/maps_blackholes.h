/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of blackhole.h; part of maps.h, which includes it. */
#pragma once

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_BLACKHOLES);
	__type(key, struct lb_range);
	__type(value, __u32);
} blackholes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_BLACKHOLES);
	__type(key, __u32);
	__type(value, __u64);
} blackhole_drops SEC(".maps");

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A part of maps.h: what backends have counted; and those that a service had once, at which no
 * program looks. The agent adds to these when a backend leaves, so that a service's sum outlives
 * it.
 */
#pragma once

struct counters_inner {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_BACKEND_CHUNK);
	__type(key, __u32);
	__type(value, struct lb_counter);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_BACKEND_CHUNKS);
	__type(key, __u32);
	__array(values, struct counters_inner);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_RETIRED);
	__type(key, struct lb_retired_key);
	__type(value, struct lb_counter);
} retired SEC(".maps");

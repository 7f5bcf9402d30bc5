/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of new_flows.h and unrecorded.h; part of maps.h, which includes it.
 */
#pragma once

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_SERVICE_SLOTS);
	__type(key, __u32);
	__type(value, struct lb_new_flows);
} new_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * LB_UNRECORDED_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} unrecorded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_UNRECORDED_AT);
	__type(key, __u32);
	__type(value, __u64);
} unrecorded_at SEC(".maps");

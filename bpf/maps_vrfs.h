/* SPDX-License-Identifier: GPL-2.0-only */
/* A part of maps.h: what answers to clients in VRFs go by. */
#pragma once

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_VRFS);
	__type(key, __u32);
	__type(value, __u32);
} vrfs SEC(".maps");

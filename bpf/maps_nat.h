/* SPDX-License-Identifier: GPL-2.0-only */
/* A part of maps.h: flows whose source is translated. */
#pragma once

struct nat_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_NAT_LINES);
	__type(key, __u32);
	__type(value, struct lb_nat_line);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nat_inner);
} nat SEC(".maps");

/* SPDX-License-Identifier: GPL-2.0-only */
/* A part of maps.h: other nodes, and how packets get there. */
#pragma once

struct nodes_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_NODE_CHUNK);
	__type(key, __u32);
	__type(value, struct lb_node);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_NODE_CHUNKS);
	__type(key, __u32);
	__array(values, struct nodes_inner);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_NODE_PLACES);
	__type(key, __u32);
	__type(value, __u64);
} node_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_tunnel);
} tunnel SEC(".maps");

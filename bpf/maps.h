/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the data plane but xdp_lb's own scratch (scratch.h); xdp_lb and tc_reply include it
 * both. Nothing is pinned by name here: the loader pins, and gives the second object (and every
 * later version) the maps of the first by bpf_map__reuse_fd(). The structs are those of abi.h.
 *
 * The loader sets before loading the constants of the programs, which are frozen with them:
 * age_shift (common.h) and flow_keys (flow.h), in both objects; and it fills rows, backends,
 * counters and flows with inner maps as they are needed, made like the templates here (type, sizes
 * and flags must be equal, BTF too for a readable dump).
 */
#pragma once

#include "vmlinux.h"

#include "abi.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_SERVICE_SLOTS);
	__type(key, __u32);
	__type(value, struct lb_service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_VIP_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} vip_bits SEC(".maps");

/*
 * Inner maps name their values by pointer only, and clang 14 then writes no more than a forward
 * declaration into BTF. This pointer, never read, makes it write the structs out.
 */
struct lb_inner_values {
	struct lb_backend backend;
	struct lb_counter counter;
	struct lb_flow_line flow_line;
	struct lb_kernel_flow kernel_flow; /* a key */
	struct lb_node node;
	struct lb_nat_line nat_line;
};
struct lb_inner_values *const volatile inner_values = NULL;

struct rows_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_ROWS_CHUNK);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_ROWS_CHUNKS);
	__type(key, __u32);
	__array(values, struct rows_inner);
} rows SEC(".maps");

struct backends_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_BACKEND_CHUNK);
	__type(key, __u32);
	__type(value, struct lb_backend);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_BACKEND_CHUNKS);
	__type(key, __u32);
	__array(values, struct backends_inner);
} backends SEC(".maps");

struct flows_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_FLOW_CHUNK);
	__type(key, __u32);
	__type(value, struct lb_flow_line);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_FLOW_CHUNKS);
	__type(key, __u32);
	__array(values, struct flows_inner);
} flows SEC(".maps");

struct kernel_flows_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_KERNEL_FLOWS_MAX);
	__type(key, struct lb_kernel_flow);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct kernel_flows_inner);
} kernel_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_FRAGMENT_LINES);
	__type(key, __u32);
	__type(value, struct lb_fragment_line);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LB_N_DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_UPLINKS);
	__type(key, __u32);
	__type(value, __u64);
} uplinks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_BACKEND_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} backend_bits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct lb_backend_port);
	__type(value, __u32);
} backend_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_REJECT_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} rejects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_RANGES);
	__type(key, struct lb_range);
	__type(value, __u32);
} ranges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_RANGE_SETS);
	__type(key, __u32);
	__type(value, __u64);
} range_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_DENY_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} deny_bits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LB_RATES);
	__type(key, struct lb_rate_key);
	__type(value, struct lb_rate);
} rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_config);
} config SEC(".maps");

#include "maps_blackholes.h"
#include "maps_counters.h"
#include "maps_nat.h"
#include "maps_new_flows.h"
#include "maps_nodes.h"
#include "maps_vrfs.h"

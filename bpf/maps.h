/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the data plane but xdp_lb's own scratch (scratch.h); xdp_lb and tc_reply include it
 * both. Nothing is pinned by name here:
 * the loader pins, and gives the second object (and every later version) the maps of the first by
 * bpf_map__reuse_fd(). The structs are those of abi.h; who writes what is said there.
 *
 * The loader sets before loading
 *   - max_entries of flow4 (possible CPUs << flow_bits), reply_new and reply;
 *   - the constants of the hot path, which are frozen with the program: age_shift (age.h) in both
 *     objects, flow_bits and flow_seed (flow.h) in xdp_lb;
 * and fills rows, late, backends and counters with inner maps as they are needed, made like the
 * templates here (type, sizes and flags must be equal, BTF too for a readable dump).
 *
 * LRU maps are preallocated: about 136 bytes an entry of reply_new and reply.
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
	struct lb_late late;
	struct lb_backend backend;
	struct lb_counter counter;
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

struct late_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LB_ROWS_CHUNK / LB_LATE_PER_VALUE);
	__type(key, __u32);
	__type(value, struct lb_late);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LB_ROWS_CHUNKS);
	__type(key, __u32);
	__array(values, struct late_inner);
} late SEC(".maps");

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
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs << flow_bits */
	__type(key, __u32);
	__type(value, struct lb_flow4_line);
} flow4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_handshakes);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct lb_reply_key);
	__type(value, struct lb_reply);
} reply_new SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536); /* at least nf_conntrack_max */
	__type(key, struct lb_reply_key);
	__type(value, struct lb_reply);
} reply SEC(".maps");

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
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct lb_backend_port);
	__type(value, __u32);
} backend_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_config);
} config SEC(".maps");

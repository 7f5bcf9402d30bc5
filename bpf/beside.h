/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that xdp_lb goes on with by a tail call, so that its own verification knows nothing
 * of them; they may go on with each other. The map is empty at first: whoever loads the programs
 * puts them there, for not all of them are loaded everywhere.
 */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "beside_slots.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BESIDE_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} beside SEC(".maps");

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs that xdp_lb goes on with by tail calls (bpf/beside.h), of an object that is made of
 * bpf/xdp_lb.bpf.c: which of them are loaded, and that they get into their slots. libbpf would fill
 * the slots by itself, but only where all programs of the object are loaded.
 */
#pragma once

#include "base/mem.h"

#include <stddef.h>

struct bpf_object;

enum bpf_beside {
	BPF_BESIDE_NEAR, /* all but the far programs (lb/lb_far.h) */
	BPF_BESIDE_FAR,  /* these alone */
	BPF_BESIDE_ALL,
};
/* Before the object is loaded. 0 or -errno. */
int bpf_beside_choose(const struct bpf_object *obj, enum bpf_beside which) must_check;
/* The same: of all programs that one alone. */
int bpf_beside_choose_one(const struct bpf_object *obj, const char *program) must_check;
/* The far programs by their number, from 0 on; NULL: there are no more. */
const char *bpf_beside_far(size_t i);

/* Once it is loaded: what was loaded of it takes its slots in its map. 0 or -errno. */
int bpf_beside_fill(const struct bpf_object *obj) must_check;

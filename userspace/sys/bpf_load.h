// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs in the kernel: loads xdp_lb and tc_reply over the pinned maps of a former run, if
 * they are of our ABI version and of this boot, else over fresh ones, and pins both. Nothing is
 * attached.
 */
#pragma once

#include "sys/bpf_maps.h"

#include "base/arena.h"
#include "lb/lb_tables.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_load_args {
	const char *pin_dir;
	bool knows_served; /* as in bpf_dataplane_args */
};

struct bpf_programs {
	int xdp_fd, tc_fd;        /* of the programs; owned */
	int tc_spare_fd;          /* tc_reply once more, see bpf_attach.h; owned */
	struct bpf_kept maps;     /* owned */
	struct bpf_inners inners; /* of xdp */
	bool has_tcx;             /* of the kernel */
	bool adopted;             /* the maps are those of a former run */
};

/* 0, or -errno and in *ret_failure what was refused, in words (from the arena). */
int bpf_load(const struct bpf_load_args *args, struct arena *arena, struct bpf_programs *ret,
	     const char **ret_failure) must_check;
void bpf_unload(struct bpf_programs *p);

/* Fills in now as the programs count it (bpf/common.h, age_now), and the unit of that. */
void bpf_load_age(struct lb_clock *ret);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs in the kernel: loads xdp_lb and tc_reply, and tc_nat and the far programs when they
 * are needed, over the pinned maps of a former run, if they are of our ABI version and of this
 * boot, else over fresh ones, and pins both. Nothing is attached.
 */
#pragma once

#include "sys/bpf_beside.h"
#include "sys/bpf_maps.h"

#include "base/arena.h"
#include "lb/lb_tables.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_load_args {
	const char *pin_dir;
	bool knows_served; /* as in bpf_dataplane_args */
	enum bpf_beside beside;
};

struct bpf_programs {
	int xdp_fd, tc_fd;        /* of the programs; owned */
	struct bpf_kept maps;     /* owned */
	struct bpf_inners inners; /* of xdp */
	struct lb_flow_keys flow_keys;
	bool has_tcx; /* of the kernel */
	bool adopted; /* the maps are those of a former run */
};

/* 0, or -errno and in *ret_failure what was refused, in words (from the arena). */
int bpf_load(const struct bpf_load_args *args, struct arena *arena, struct bpf_programs *ret,
	     const char **ret_failure) must_check;
void bpf_unload(struct bpf_programs *p);

/* tc_reply once more, over the same maps, or tc_nat: 0 and its fd, which is the caller's, or
 * -errno. */
int bpf_load_tc(const struct bpf_programs *p, int *ret_fd) must_check;
int bpf_load_nat(const struct bpf_programs *p, int *ret_fd) must_check;

/*
 * The far programs, into their slots: 0, or -errno and in *ret_failure which one was refused, and
 * why, in words (from the arena). Takes as long as bpf_load().
 */
int bpf_load_far(const struct bpf_programs *p, struct arena *arena,
		 const char **ret_failure) must_check;

/*
 * Both programs once more, built for a capture (bpf/capture_note.h), over the maps of the others;
 * what they go on with by tail calls is pinned under pin_dir, for it is gone with its last fd and
 * the programs may outlive us. All are owned; -1: none.
 */
struct bpf_capture_programs {
	int xdp_fd, tc_fd;
	int capture_fd, capturing_fd, ring_fd; /* of maps */
};
#define BPF_CAPTURE_NO_PROGRAMS                                                                    \
	((struct bpf_capture_programs){                                                            \
		.xdp_fd = -1, .tc_fd = -1, .capture_fd = -1, .capturing_fd = -1, .ring_fd = -1})
/* Takes as long as bpf_load(). 0 or -errno, and in either case for the next. */
int bpf_load_capture(const struct bpf_kept *maps, const char *pin_dir,
		     const struct lb_capture *asked, struct bpf_capture_programs *ret) must_check;
/* tc_reply of one once more, as bpf_load_tc(). */
int bpf_load_capture_tc(const struct bpf_kept *maps, const struct bpf_capture_programs *p,
			int *ret_fd) must_check;
void bpf_unload_capture(struct bpf_capture_programs *p);
/* Removes the pins of one, also those of a former run, once nothing of it is attached. */
void bpf_unpin_capture(const char *pin_dir);

/* What the programs' constant of that name is. */
uint32_t bpf_load_age_shift(void);
/* Jiffies of now, about, and how long one is. */
uint64_t bpf_load_jiffies(nsec_t *ret_tick);
/* Fills in now as the programs count it (bpf/common.h, age_now), and the unit of that. */
void bpf_load_age(struct lb_clock *ret);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The pin directory on a bpffs: what is pinned there outlives the agent and forwards while it is
 * down.
 *
 *	PIN/maps/NAME          the maps of the programs, by their names
 *	PIN/maps-next/NAME     those of a start that has not come to its end
 *	PIN/chunks/OUTER-AT    inner maps, by the map that holds them and where (bpf_inner.h)
 *	PIN/progs/NAME         xdp_lb, tc_reply
 *	PIN/links/xdp-IFINDEX  the attachments
 *	PIN/links/tcx-IFINDEX
 *	PIN/links/nat-IFINDEX
 *	PIN/former/beside-ID   of programs that are attached until ours are in their place
 *	PIN/capture/beside     of the programs that capture, while they are attached
 *
 * No name has a dot: bpffs refuses those.
 */
#pragma once

#include "base/mem.h"

#define BPF_PINS_MAPS    "maps"
#define BPF_PINS_NEXT    "maps-next"
#define BPF_PINS_CHUNKS  "chunks"
#define BPF_PINS_PROGS   "progs"
#define BPF_PINS_LINKS   "links"
#define BPF_PINS_CAPTURE "capture"
#define BPF_PINS_FORMER  "former"
#define BPF_PINS_PATH    512

/*
 * Makes the directory and its folders; mounts a bpffs at /sys/fs/bpf if the directory lies there
 * and none is mounted. 0; -EMEDIUMTYPE: it lies on another file system; another -errno.
 */
int bpf_pins_prepare(const char *pin_dir) must_check;

/* "PIN/FOLDER/NAME" or, without a name, "PIN/FOLDER". -ENAMETOOLONG or 0. */
int bpf_pins_path(char path[BPF_PINS_PATH], const char *pin_dir, const char *folder,
		  const char *name) must_check;

/* "PIN/FOLDER", which is made if it is missing. 0 or -errno. */
int bpf_pins_folder(char path[BPF_PINS_PATH], const char *pin_dir, const char *folder) must_check;

/*
 * Pins fd at the path in place of what is pinned there, so that at any time one of them is: beside
 * it first (BPF_PINS_BESIDE behind its name), then by a rename over it. 0 or -errno.
 */
#define BPF_PINS_BESIDE "-next"
int bpf_pins_put(int fd, const char *path) must_check;

/* "PATH-next": what a process that died in between has left. -ENAMETOOLONG or 0. */
int bpf_pins_beside(char ret[BPF_PINS_PATH], const char *path) must_check;

/* Removes a folder with what is pinned in it. 0, also when there is none, or -errno. */
int bpf_pins_remove_folder(const char *path) must_check;

/* Removes the directory with all its folders; what is attached stays so. 0, also when there is
 * none. */
int bpf_pins_remove(const char *pin_dir);

/*
 * A directory of this process' own beside PIN, to try programs in: made, and held as long as the
 * descriptor is open (flock(2)). Its name is in `path`. The descriptor, or -errno.
 */
int bpf_pins_try(const char *pin_dir, char path[BPF_PINS_PATH]) must_check;
/* Removes those that nobody holds any more: whoever tried was killed meanwhile. */
void bpf_pins_remove_tried(const char *pin_dir);

/* Calls back for each name in a folder; 0 also when there is none. */
typedef void (*bpf_pins_cb)(void *ctx, const char *name);
int bpf_pins_each(const char *path, bpf_pins_cb cb, void *ctx) must_check;

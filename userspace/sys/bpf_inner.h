// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Inner maps, each by a pin of its own: PIN/chunks/OUTER-AT. What an outer map holds the kernel
 * tells by ids, and opens by an id for CAP_SYS_ADMIN alone; a pin opens for who may read the
 * folder. The outer map is the truth, a pin that it contradicts is nobody's.
 */
#pragma once

#include "sys/bpf_maps.h"

/* An inner map like its template, with its types (btf_fd) where the kernel takes them: its fd. */
int bpf_inner_create(int btf_fd, const char *name, const struct bpf_inner *like) must_check;

/* Before it is inserted, so that an agent that dies leaves none that cannot be opened. */
int bpf_inner_pin(const char *pin_dir, const char *outer, uint32_t at, int fd) must_check;
/* After it has left its outer map, or was not inserted. */
void bpf_inner_unpin(const char *pin_dir, const char *outer, uint32_t at);

/* Inserts n inner maps, 64 at most, from `first` on, in one call if the kernel can. */
int bpf_inner_insert(int outer_fd, uint32_t first, const uint32_t *fds, uint32_t n) must_check;
#define BPF_INSERT_MAX 64u

/*
 * The fd of the one at this place, which is owned by the caller; -ENOENT: there is none. One whose
 * pin is not there, or is another map's, is opened by its id and gets its pin; -EPERM without
 * CAP_SYS_ADMIN.
 */
int bpf_inner_open(const struct bpf_maps *m, const char *outer, uint32_t at) must_check;

/* Removes pins of maps that the outer ones do not hold. 0 or -errno. */
int bpf_inner_sweep(const struct bpf_maps *m) must_check;

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * tcx at egress and at ingress: the syscalls that libbpf 1.1 has no function for. A tcx program
 * runs before every classic filter, and the list of tcx programs in its order: ours wants to be the
 * first of it, because one before it may end the chain (DESIGN 7.1).
 */
#pragma once

#include "base/mem.h"

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether this kernel has tcx (Linux 6.6). */
bool bpf_tcx_is_there(void);

/* Attaches at the head of the list; a link's fd, or -errno (-EINVAL: a kernel without tcx; -EEXIST:
 * the program is in the list already; -ERANGE: the list is full). */
int bpf_tcx_attach(int ifindex, enum bpf_tc_attach_point at, int prog_fd) must_check;

/* The ids of the programs of the list in their order; how many, or -errno. */
#define BPF_TCX_MAX 63 /* the kernel's own limit of a list */
int bpf_tcx_list(int ifindex, enum bpf_tc_attach_point at,
		 uint32_t ret_prog_ids[BPF_TCX_MAX]) must_check;

/* The id of the first program of the list, 0 = none; or -errno. */
int bpf_tcx_first(int ifindex, enum bpf_tc_attach_point at, uint32_t *ret_prog_id) must_check;

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The clsact way of attaching at egress and at ingress, for kernels without tcx (before 6.6): a
 * direct-action filter at priority 1 under a handle of our own. Within a priority the newest filter
 * runs first, so ours is put anew when another has come before it: under a second handle, and only
 * then is the one behind taken away, so that no reply leaves unseen. A qdisc that others may use is
 * never removed.
 */
#pragma once

#include "base/mem.h"

#include <bpf/libbpf.h>
#include <stdbool.h>

/* Attaches, or puts first again. 0 or -errno. */
int bpf_clsact_attach(int ifindex, enum bpf_tc_attach_point at, int prog_fd) must_check;

/* 1: our filter is there and the first of all; 0: it is not; -errno. */
int bpf_clsact_is_first(int ifindex, enum bpf_tc_attach_point at) must_check;

/* 1: a filter of ours is there, wherever in the list; 0: none; -errno. */
int bpf_clsact_is_there(int ifindex, enum bpf_tc_attach_point at) must_check;

/*
 * The first that is not ours, by its program's name, else by its kind ("flower"), cut to fit; ""
 * where there is none. 0 or -errno.
 */
int bpf_clsact_other(int ifindex, enum bpf_tc_attach_point at, char *name, size_t size) must_check;

/* Removes our filter. 0, also when there is none, or -errno. */
int bpf_clsact_detach(int ifindex, enum bpf_tc_attach_point at);

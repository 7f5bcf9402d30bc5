// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is needed of an object once it is loaded: its maps by their names, its types, and the
 * program that sums counters up (xdp_sums). libbpf's object itself has copies of all code, types
 * and lines besides, for as long as it is open.
 */
#pragma once

#include "base/mem.h"

#include <stddef.h>

struct bpf_object;

struct bpf_kept {
	struct bpf_kept_fd *maps; /* owned, as their fds are */
	size_t n;
	int btf_fd;  /* of the types; owned; negative: there are none */
	int sums_fd; /* of xdp_sums; owned; negative: the object has none */
};

/* Of a loaded object, which may be closed then. 0 or -errno, in either case for the next. */
int bpf_kept_take(const struct bpf_object *obj, struct bpf_kept *ret) must_check;
void bpf_kept_let_go(struct bpf_kept *k);

/* fd of a map by its name, or -1; borrowed. */
int bpf_kept_map(const struct bpf_kept *k, const char *name);

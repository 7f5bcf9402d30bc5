// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adds chunks to the maps that grow. The kernel lets who adds one wait (bpf_grow.c), so it is done
 * by the helper thread, and ahead of the need where that can be seen coming. The flow table, which
 * grows as a whole, has a header of its own.
 */
#pragma once

#include "sys/bpf_flows.h"

struct bpf_grow;
struct worker;

/* Without a worker all is done at once, and nothing ahead. What is given outlives it. */
struct bpf_grow *bpf_grow_new(struct bpf_maps *m, struct lb_tables *t);
/* From now on the worker does it; by the thread whose worker it is. */
void bpf_grow_use_worker(struct bpf_grow *g, struct worker *worker);
/* Waits for what is under way. NULL is fine. */
struct bpf_grow *bpf_grow_free(struct bpf_grow *g);

/*
 * For LB_NEED_*. 0: there are more chunks now; -EINPROGRESS: there will be; another -errno: there
 * is no more memory, or none a moment ago.
 */
int bpf_grow_for(struct bpf_grow *g, int need, nsec_t now) must_check;
bool bpf_grow_is_waited_for(const struct bpf_grow *g);
/* The same for the map of the kernel's flows, and nobody else is to wait; 0: it is there. */
int bpf_grow_kernel_flows(struct bpf_grow *g, nsec_t now) must_check;
/* ... and for that of translated flows. */
int bpf_grow_nat(struct bpf_grow *g, nsec_t now) must_check;

/* Sees to it that a chunk of each kind is spare, more during a load, and all that are expected. */
void bpf_grow_ahead(struct bpf_grow *g, nsec_t now);
/* Within moments n frontends come, each with the usual rows and few targets: room for them. */
void bpf_grow_expect(struct bpf_grow *g, size_t n, nsec_t now);

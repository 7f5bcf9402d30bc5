// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What changes in the table of the kernel's flows (bpf/abi.h, `kernel_flows`) by what conntrack
 * tells. Pure: arrays in, arrays out.
 */
#pragma once

#include "base/arena.h"

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"

/* A flow that conntrack knows. */
struct lb_kernel_seen {
	struct lb_kernel_flow key;
	bool lives; /* false: it has ended */
	bool enter; /* it is put into the table if it is not there yet */
};
struct lb_kernel_keys {
	struct lb_kernel_flow *items; /* sorted, no doubles */
	size_t n;
};
struct lb_kernel_change {
	struct lb_kernel_keys add, del;
	struct lb_kernel_keys stay; /* those that were there and remain */
	struct lb_kernel_keys missed;
};

int lb_kernel_flow_cmp(const void *a, const void *b);

/*
 * From `have`, what the table holds, to what `seen` says (both in any order, sorted in place, and
 * each key at most once in have). A flow that was not seen at all is deleted only when `missed`,
 * the last change's, names it, too: a reading of conntrack beside which it changes may pass over
 * one. Results are in the arena.
 */
void lb_kernel_flows_change(struct lb_kernel_keys *have, struct lb_kernel_seen *seen, size_t n_seen,
			    const struct lb_kernel_keys *missed, struct arena *arena,
			    struct lb_kernel_change *ret);

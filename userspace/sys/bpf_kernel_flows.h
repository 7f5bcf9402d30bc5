// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The map of flows that the kernel has (bpf/abi.h, `kernel_flows`), brought to what conntrack says.
 * The map is the only truth for what is in it: nothing of it is kept, so it is the same work after
 * a restart.
 */
#pragma once

#include "lb/lb_kernel_flows.h"
#include "plan/plan.h"
#include "sys/conntrack.h"

struct bpf_kernel_flows_args {
	int fd; /* of the map; -1: there is none, so nothing has room in it */
	const struct plan_begin *begins; /* sorted; flows of others leave the map */
	size_t n_begins;
	const struct conntrack_flow *flows;
	size_t n_flows;
	struct lb_kernel_keys missed; /* by the last call */
};

/*
 * Puts living flows of VIPs that are to take in, deletes those that have ended. *ret, from the
 * arena, has an item for each VIP of begins, with `flows` that are in the map now and `out` that
 * are not for want of room; *ret_missed is for the next call, in the arena. 0 or -errno, after
 * which the map is as it was.
 */
int bpf_kernel_flows_bring(const struct bpf_kernel_flows_args *args, struct arena *arena,
			   struct plan_taken **ret, struct lb_kernel_keys *ret_missed) must_check;

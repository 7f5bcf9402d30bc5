// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The map of denied sources in memory, brought to a plan's lists by lb/lb_deny.h as sys/ does it,
 * a few prefixes a turn.
 */
#pragma once

#include "lb/lb_deny.h"
#include "plan/plan.h"

#include <linux/types.h>

#include "bpf/abi.h"

#define FAKE_DENY_MAX 64

struct fake_deny {
	uint64_t bits[LB_DENY_WORDS], words[LB_UPLINKS];
	struct lb_uplinks uplinks;
	struct lb_deny *d; /* owned; NULL: nothing was ever denied. Half a megabyte */
	struct ip_prefix set[FAKE_DENY_MAX]; /* what the map holds */
	size_t n;
};

struct fake_deny *fake_deny_new(void);
struct fake_deny *fake_deny_free(struct fake_deny *x);
/* A new process on the same map. */
void fake_deny_restart(struct fake_deny *x);
/* At most n_max prefixes towards the plan; how many that were. */
size_t fake_deny_apply(struct fake_deny *x, const struct plan *plan, size_t n_max);

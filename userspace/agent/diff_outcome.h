// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What this node comes to with one of the two worlds of an edit. */
#pragma once

#include "agent/diff_world.h"
#include "plan/plan_changes.h"

struct netlink;

struct comparison {
	const struct options *options;
	struct arena *arena;
	nsec_t now;
	uint64_t boot; /* clock_boot_id() */
	struct diff_worlds worlds;
	struct world *given_world; /* owned: of addresses.yaml */
	struct plan_addresses given;
	struct plan_ledger ledger;
	struct netlink *netlink; /* owned */
};

struct diff_outcome {
	struct plan_addresses addresses;
	struct problems problems;
	struct plan plan;
	struct plan_outcome told; /* of these */
};

/* What the agent has given and remembers; what cannot be read is as good as empty. */
void diff_read_memory(struct comparison *d);
/* This node, with the ways to the peers of both worlds. 0 or -errno. */
int diff_read_node(struct comparison *d) must_check;
void diff_done(struct comparison *d);

/* given: what Services have so far, which they keep if they may; drained: the node is. */
void diff_compute(struct comparison *d, const struct world *world,
		  const struct plan_addresses *given, bool drained, struct diff_outcome *ret);

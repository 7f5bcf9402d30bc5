// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What differs between two outcomes, in words for an operator: what an edit changes in the network.
 * Both are settled (plan_settled.h), of the same node. Pure.
 */
#pragma once

#include "plan/plan.h"

enum plan_op { PLAN_ADDED, PLAN_REMOVED, PLAN_CHANGED };
const char *plan_op_text(enum plan_op op); /* "added", "removed", "changed" */

/* Everything is of the arena or borrowed from the two outcomes. */
struct plan_change {
	enum plan_op op;
	/* "Service", "Frontend", "Route", "BGPPeer", "Device", "VRF", "Blackhole", "Node" or
	 * "Problem" */
	const char *kind;
	const char *name; /* "default/web", "192.0.2.1/32", "eth0"; of a problem "Kind/name" */
	struct api_strings peers; /* of a route: names of those to whom it is sent */
	const char *message;      /* no full stop */
};

/* All of it outlives the changes. */
struct plan_outcome {
	const struct plan *plan;
	const struct problems *problems; /* of addresses and plan, sorted */
	struct api_listen metrics;       /* plan_metrics_address() */
	const char *node;                /* its name */
};

/*
 * Services first, then routes, peers, devices, the rest of the node, problems; each by name.
 * Returns how many, 0: there is no difference. What no sentence was found for is one about the
 * node, so that nothing passes for the same that is not.
 */
size_t plan_changes(const struct plan_outcome *from, const struct plan_outcome *to,
		    struct arena *arena, const struct plan_change **ret);

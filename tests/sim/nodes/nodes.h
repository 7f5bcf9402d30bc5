// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A cluster of many nodes, by the code that makes rows (lb/lb_rows.h) and by which agents tell each
 * other of unsettled ones (lb/lb_settling.h). No packet is sent; seeded.
 */
#pragma once

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Flows of many Services while all of their pods are replaced, by quarters with a drain, and each
 * step is followed by a rehash that sends every flow to another node. `late`: nodes, of 256, that
 * do not know of a step yet when flows begin and come by.
 */
struct nodes_flows {
	uint32_t n_nodes, n_services,
		n_flows; /* n_flows: of a Service, that begin after each step */
	uint32_t late;
	uint64_t n_alive,
		n_moved;     /* flows; packets of theirs that came to a node without an entry */
	uint64_t n_hops;     /* ... and nodes that had to be asked in vain */
	uint64_t lost_owner; /* no candidate is the owner */
	uint64_t lost_late;  /* the node that was asked or began it has other rows yet */
};
void nodes_flows_run(struct nodes_flows *f, struct rng *rng);

/* What agents send each other, octets with all headers of IPv4, summed over all. */
struct nodes_talk {
	uint32_t n_nodes, n_services,
		n_rows; /* n_rows: held at each node of a Service that changes */
	unsigned loss;  /* of 256 messages */
	uint64_t begin, idle_second, one_change, one_restart;
	uint64_t settled_after;  /* a change that all saw at once, in ms */
	uint64_t returned_after; /* an agent that was away when that changed, in ms */
	size_t bytes;            /* that one node keeps of what the others say */
};
/* False: not all settled in the end, or something did that must not. */
bool nodes_talk_run(struct nodes_talk *t, struct rng *rng);

/* What one node keeps where so many others say so much, all of which is received. */
size_t nodes_talk_memory(uint32_t n_nodes, uint32_t n_services);

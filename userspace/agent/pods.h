// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where the pods' sockets live: the data plane asks a pod's own sockets who owns a flow, for which
 * it must know the pod's network namespace. Found by netlink, a few pods a turn, and told to the
 * data plane, frontend by frontend: with each put for the pods that are new, and in rounds over the
 * whole plan whenever links may have changed. Of whom nothing is known is asked again when the
 * kernel has learned of neighbours.
 */
#pragma once

#include "plan/sink.h"

/* Who is asked and who is told. */
struct pods_ops {
	/* The id of the namespace that a local pod's address lives in; negative: not to be told. */
	int (*ask)(void *ctx, const struct ip_addr *pod);
	/* Namespaces of a frontend's targets, sorted by address; of those left out none is known.
	 */
	void (*tell)(void *ctx, const struct lb_key *key, const struct lb_nsid *nsids, size_t n);
};

#define PODS_ASKS 128  /* a turn */
#define PODS_TOLD 1000 /* targets that a turn of a round tells of; of a frontend with more all */

struct pods {
	const struct pods_ops *ops;
	void *ctx;
	struct lb_store store;   /* that pods_store() stands before */
	struct pod *known;       /* owned */
	unsigned round;          /* what was asked in an earlier one is to be asked again */
	bool in_round, is_begun; /* begun: it goes on with the key `from` */
	unsigned learned;        /* of whom nothing is known is asked again once for each */
	bool has_learned;        /* ... which is not over for the last one */
	struct lb_key from;
	nsec_t turn; /* that asks_left is of */
	unsigned asks_left;
};

void pods_init(struct pods *pods, const struct pods_ops *ops, void *ctx);
void pods_done(struct pods *pods);

/*
 * The store, whose puts also tell the namespaces of the frontend's pods; valid as long as both.
 * What a turn has no asks left for is left to a round.
 */
struct lb_store pods_store(struct pods *pods, const struct lb_store *store);

/* Links may have changed: begins a round, in which each pod of the plan is asked for anew. */
void pods_ask_anew(struct pods *pods);

/* The kernel has learned of neighbours: pods of which nothing is known are asked for anew. */
void pods_learned(struct pods *pods);

/* Goes on with all of this as far as a turn goes; true: there is more to do. */
bool pods_tick(struct pods *pods, const struct plan *plan, nsec_t now);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where the pods' sockets live: the data plane asks a pod's own sockets who owns a flow, for which
 * it must know the pod's network namespace. The kernel is asked for some at a time, by a helper,
 * and the data plane is told, frontend by frontend: with each put if all its pods are known, else
 * once they are, and in rounds over the whole plan whenever links may have changed. Of whom nothing
 * is known is asked again when the kernel has learned of neighbours.
 */
#pragma once

#include "plan/sink.h"

/* Who is asked and who is told. */
struct pods_ops {
	/* Asks in which namespaces these addresses live; pods_answered() says it. */
	void (*ask)(void *ctx, const struct ip_addr *pods, size_t n);
	/* Namespaces of a frontend's targets, sorted by address; of those left out none is known.
	 */
	void (*tell)(void *ctx, const struct lb_key *key, const struct lb_nsid *nsids, size_t n);
};

#define PODS_ASKS 128  /* at a time */
#define PODS_DUE  64   /* frontends between rounds; of more a round tells */
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
	struct ip_addr asks[PODS_ASKS]; /* to be asked for, or asked */
	size_t n_asks;
	bool is_asking;              /* no answer has come yet */
	struct lb_key due[PODS_DUE]; /* to be told once all of their pods are known */
	size_t n_due;
};

void pods_init(struct pods *pods, const struct pods_ops *ops, void *ctx);
void pods_done(struct pods *pods);

/*
 * The store, whose puts also tell the namespaces of the frontend's pods; valid as long as both.
 * What is not known yet is told by pods_tick() once it is.
 */
struct lb_store pods_store(struct pods *pods, const struct lb_store *store);

/* Links may have changed: begins a round, in which each pod of the plan is asked for anew. */
void pods_ask_anew(struct pods *pods);

/* The kernel has learned of neighbours: pods of which nothing is known are asked for anew. */
void pods_learned(struct pods *pods);

/* What was asked, in the same order: the id of each, negative: it cannot be told. */
void pods_answered(struct pods *pods, const int *nsids, size_t n);

/*
 * Goes on with all of this as far as a turn goes; true: there is more to do. What waits for answers
 * goes on in the first call after them.
 */
bool pods_tick(struct pods *pods, const struct plan *plan);

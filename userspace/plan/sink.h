// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sinks' interface as the planner's side declares it: the data plane store is implemented on
 * BPF maps by sys/, in memory by tests/fake/. Every call is idempotent; a failed one stays in the
 * next diff and is tried again. A store that has done enough for one turn answers put, del and test
 * with -EINPROGRESS and has done nothing then: again in the next turn.
 */
#pragma once

#include "plan/plan.h"

struct lb_store_ops {
	/* Programs or updates a frontend or VIP. 0 or -errno (-ENOSPC: a table is full). */
	int (*put)(void *ctx, nsec_t now, const struct lb_frontend *f);
	int (*del)(void *ctx, nsec_t now, const struct lb_key *key);
	/* Sends the self-test packet through the loaded program; 0, or -errno if it went astray. */
	int (*test)(void *ctx, nsec_t now, const struct lb_key *key);
	/* What is programmed, sorted by key, in the arena. Reads the maps' mapping, no syscalls. */
	void (*dump)(void *ctx, struct arena *arena, const struct lb_actual **ret, size_t *ret_n);
};
struct lb_store {
	const struct lb_store_ops *ops;
	void *ctx;
};

/*
 * The data plane's second sink: what does not belong to one frontend. Each call brings a whole kind
 * to the plan's array of it, in the order that struct plan names, and leaves alone what is the same
 * already; 0 or the first -errno, after which as much as possible is in force; -EINPROGRESS as from
 * the store.
 *
 * Order among them and the store: what keeps packets out (denied, rates, discards) before a
 * frontend is put; nodes and next_hops before a frontend with targets on such a node. A target on a
 * node that was not told is there and takes no flow.
 */
struct lb_ways_ops {
	/* The other nodes, sorted by address. -ENOSPC: some are not known, as they are too many. */
	int (*nodes)(void *ctx, nsec_t now, const struct lb_node_told *items, size_t n);

	/* Also of nodes that were not told. By their smallest MTU segments are clamped
	 * (LB_F_CLAMP). */
	int (*next_hops)(void *ctx, nsec_t now, const struct plan_next_hop *items, size_t n);

	/* plan.nat_port; before frontends with such targets. */
	int (*nat)(void *ctx, nsec_t now, uint16_t first_port);

	int (*rates)(void *ctx, nsec_t now, const struct plan_rate *items, size_t n);

	/* Of the plan's discards what each is about. */
	int (*discards)(void *ctx, nsec_t now, const struct lb_discard *items, size_t n);

	/* keep: what is denied already stays so, whether or not it is in a list. */
	int (*denied)(void *ctx, nsec_t now, const struct lb_denied *items, size_t n, bool keep);
};
struct lb_ways {
	const struct lb_ways_ops *ops;
	void *ctx;
};

/* Result of applying the frontends of a plan. */
struct plan_apply_result {
	size_t n_done, n_failed;
	int first_error;         /* -errno */
	struct lb_key first_key; /* that it is about */
};

/*
 * Bringing the store to a plan's frontends, over as many turns as the store takes: one merge-diff,
 * changed ones put and tested, those not wanted deleted, `hold` ones left alone but for a test that
 * is still to come. First what changes in frontends that are there, for who left must not wait
 * until thousands of new ones are in; then what is new or only to be tested; then what goes. VIP
 * keys (port 0) are put before and deleted after their frontends. Whoever begins anew before it is
 * over goes on where it stopped, so that what fails again and again keeps nobody from his turn.
 */
struct plan_apply {
	struct lb_store store;
	struct plan_apply_step *steps; /* in their order; in the arena */
	size_t n_steps, at;            /* at: the next one */
	struct lb_key stuck; /* the last that could not be put or deleted; none: all zero */
	struct lb_key from;  /* VIP at which it stopped; all zero at first */
	struct plan_apply_result result; /* so far */
};

/*
 * What is stirred, of a plan (plan.stirred), and the arena outlive the apply. Zero *a before the
 * first one.
 */
void plan_apply_begin(struct plan_apply *a, const struct plan_stirred *stirred,
		      const struct lb_store *store, struct arena *arena);
/* As much as the store takes in this turn. */
void plan_apply_go_on(struct plan_apply *a, nsec_t now);
static inline bool plan_apply_is_over(const struct plan_apply *a)
{
	return a->at == a->n_steps;
}

/*
 * Brings one peer's rib to the plan's routes. `peer` is its index in plan->peers; `has` the
 * generation of the routes that it has, 0 if that is not known. Returns which it has then: 0 if
 * the plan's is not known, or if there are more than a rib takes, of which the session shows the
 * count.
 */
uint64_t plan_apply_routes(const struct plan *plan, size_t peer, struct bgp_rib *rib, uint64_t has);

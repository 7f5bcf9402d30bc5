// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Address allocation, apart from the plan: an address is an input of the plan, never its output
 * (DESIGN 4). Pure: pools, Services, this node and the addresses given so far come in; the
 * addresses to use and the problems come out. Existing owners first, then namespace/name; lowest
 * free address of a pool. A Service has one of each family at most (docs/decisions/013).
 */
#pragma once

#include "plan/plan.h"

/* All of it is borrowed for the call. */
struct ipam_inputs {
	const struct world *world;
	const struct plan_settings *settings;
	const struct plan_node *node; /* its addresses are never given */
	/*
	 * What this agent gave earlier (STATE/addresses.yaml), sorted; an address there stays with
	 * its Service as long as a pool holds it.
	 */
	const struct plan_addresses *given;
	struct api_strings pools; /* plan_ledger.pools */
	bool synced;              /* as in plan_inputs */
	/*
	 * Services of sources that begin so stand at an API server, where one allocator for all
	 * nodes writes what they get. NULL: there are none.
	 */
	const char *cluster;
	/*
	 * What such Services have by their status, and may keep, as if they wished for nothing and
	 * nothing had been given: what a node acts on. Else what they are to have: what the
	 * allocator writes (plan/ipam_status.h), and then `given` is what it has asked for.
	 */
	bool only_written;
};

/*
 * While the world is not complete, nobody else gets the address of a Service that is not in it, a
 * Service whose pool is not in it gets no other one, and no pool's age is forgotten; addresses that
 * are kept so are not in *ret. *ret: sorted, in `arena`. Problems are appended.
 */
void ipam_compute(const struct ipam_inputs *in, struct arena *arena, struct plan_addresses *ret,
		  struct problems *problems);

/*
 * Addresses of Services as the store has them, one of each family, for when it was lost what was
 * given. *ret: as `given`, in the arena, names borrowed from the world, without pools.
 */
void ipam_rebuild(const struct world *world, const struct plan_settings *settings,
		  const struct lb_actual *stored, size_t n_stored, struct arena *arena,
		  struct plan_addresses *ret);

/* The Service stands at an API server (ipam_inputs.cluster). */
bool ipam_is_clustered(const struct ipam_inputs *in, const struct api_object *service);

/* No Service and no pool may be missing only because a document cannot be read. */
bool ipam_is_complete(const struct world *world);

/* --- the last result -------------------------------------------------------------------------- */

/*
 * Addresses are given anew only when something changed that they follow from: most edits are of
 * EndpointSlices, and these do not. A cache is of one world and one plan_settings.
 */
struct ipam_cache;

/* A new, empty one; the caller owns it. Freeing NULL does nothing. */
struct ipam_cache *ipam_cache_new(void);
struct ipam_cache *ipam_cache_free(struct ipam_cache *c);
/* The next result is made from nothing, as it must be with another world. */
void ipam_cache_drop(struct ipam_cache *c);
/* No result before the last one is read any more: gives back that, and what computing took. */
void ipam_cache_forget_last(struct ipam_cache *c);

/*
 * As ipam_compute(). Of `given` the number counts (plan_addresses.generation); without one all is
 * always computed. *ret has a number, never given twice by the same cache; it and the problems live
 * in the cache until the one after the next is computed.
 */
void ipam_recompute(struct ipam_cache *c, const struct ipam_inputs *in, struct plan_addresses *ret,
		    struct problems *problems);

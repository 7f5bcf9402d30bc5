// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a Service's addresses claim, and with which attributes of its own: the part of a fragment
 * (plan_service.h) that routes are made from.
 *
 * An aggregate draws packets for every address under it to every node that announces it. With
 * externalTrafficPolicy Local a node that has no pod of a Service drops them. So an address of such
 * a Service that is announced by an aggregate claims its own prefix besides, by the same
 * advertisements: wherever the aggregate is heard, the longer prefix leads to the nodes that have
 * its pods. Peers that get a longer prefix of the address by another advertisement are led by that.
 */
#pragma once

#include "plan/plan_service.h"

struct plan_claiming {
	const struct plan_env *env;
	const struct plan_service_input *in;
	struct plan_fragment *fragment; /* that gets the claims and problems */
	struct arena *arena;
	/* What the Service asks of its routes itself: of single addresses, and of aggregates. */
	const struct service_attrs *own_host, *own; /* or NULL */
};

/* The routes of the Service say how many of its pods are ready here. */
bool plan_claims_weigh(const struct plan_env *env, const struct api_object *service);
/* Starts with the first four fields; `n_local_ready` is asked for if claims weigh. */
void plan_claims_begin(struct plan_claiming *c, uint32_t n_local_ready);
/*
 * That the VIP, which is announced, claims its prefixes by the pool's advertisements, for the peers
 * of its domain.
 */
void plan_claims_add(struct plan_claiming *c, const struct plan_vip *vip,
		     const struct env_pool *pool);

/*
 * All that is announced of a VIP, by the claims from this one on, has the community BLACKHOLE, to
 * whomever; false also where nothing is announced.
 */
bool plan_claims_are_blackhole(const struct plan_claiming *c, size_t first);

/* The Service is one whose addresses claim their own prefix beside an aggregate. */
bool plan_claims_lead(const struct plan_env *env, const struct api_object *service);

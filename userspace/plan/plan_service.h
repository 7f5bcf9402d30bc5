// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One Service's part of the plan: a fragment. It is a pure function of the environment, the
 * Service, its addresses and its EndpointSlices; gates, actual state and time are applied to it
 * afterwards, so that a fragment can be kept as long as its arguments are the same. A fragment
 * never changes once made.
 */
#pragma once

#include "plan/plan_env.h"

/*
 * The checks that an address met, in order, if somebody asks (plan_explain.h): its word, and
 * whether it is the reason why not.
 */
struct plan_note {
	struct ip_addr addr;
	const char *reason;
	bool fails;
};
struct plan_trace {
	struct plan_note *items;
	size_t n, cap;
};

struct plan_service_input {
	const struct api_object *service;
	struct world_list slices;
	const struct plan_address *addresses; /* of this Service */
	size_t n_addresses;
	bool only_endpoints;      /* no slice, but Endpoints, which are not read */
	struct plan_trace *trace; /* NULL: nobody asks; it changes nothing */
};
/* The slices of its Service, and whether there are Endpoints only. */
void plan_service_input_slices(const struct world *world, struct plan_service_input *input);

/* One port of one VIP. */
struct plan_port {
	struct plan_service row; /* announced: as far as the Service itself is concerned */
	struct lb_frontend lb;   /* key.port 0: nothing to program */
	bool takes_new_flows;    /* one of its targets does */
	bool is_blackhole;       /* nothing is to reach the VIP */
	uint8_t unknown_port;    /* enum api_unknown_port: what the Service says for the VIP */
};

/* What a Service asks of its routes itself, resolved: it goes before what an advertisement says. */
struct service_attrs {
	const struct api_object *service; /* of several for one route the newest counts */
	bool has_med;
	uint8_t prepend; /* for eBGP peers; 0: not asked for */
	uint32_t med;
	const uint32_t
		*communities; /* these three add to the advertisements'; sorted, no doubles */
	size_t n_communities;
	const struct large_community *large;
	size_t n_large;
	const uint64_t *extended;
	size_t n_extended;
	bool is_unresolved; /* not all of these three are known: nothing new is said */
	uint64_t excluded;  /* peers that are not to be told, whatever advertisements say */
	uint32_t bandwidth; /* its share of the route's (struct bgp_attrs); 0: none is said */
};

/* What few claims have; those of a Service that have the same share it. */
struct plan_claim_more {
	uint64_t without;                     /* peers (bits) that it is not for */
	const struct service_attrs *own;      /* NULL: the Service asks for nothing itself */
	const struct plan_own_address *under; /* somebody's own address under the prefix, or NULL */
};

/*
 * That a VIP wants a prefix announced, by a group of advertisements of its pool. With thousands of
 * Services and an aggregate for each length they are most of what fragments take.
 */
struct plan_claim {
	struct ip_prefix prefix;
	struct plan_vip vip;
	uint16_t first_port, n_ports; /* of the fragment: the VIP's */
	const struct env_group *by;
	const struct plan_claim_more *more; /* NULL: all of it is NULL or 0 */
};

static inline const struct service_attrs *plan_claim_own(const struct plan_claim *c)
{
	return c->more ? c->more->own : NULL;
}

struct plan_fragment {
	const struct api_object *service;
	int64_t created_s;       /* its */
	struct plan_port *ports; /* by VIP, port, protocol */
	size_t n_ports;
	struct plan_claim *claims;
	size_t n_claims;
	const struct env_pool **pools; /* of each address, NULL where no pool holds it */
	size_t n_pools;
	struct problems problems;
};

/*
 * Of these peers (bits), those that one of the claim's advertisements is for, neither it nor its
 * Service leaves out, and whose session may carry the family.
 */
static inline uint64_t plan_claim_peers(const struct plan_env *env, const struct plan_claim *c,
					uint64_t peers)
{
	const struct service_attrs *own = plan_claim_own(c);
	const uint64_t excluded = (c->more ? c->more->without : 0) | (own ? own->excluded : 0);

	return peers & env->carriers[ip_family_of(&c->vip.addr)] & ~excluded;
}
/* Its serviceSelectors select the Service. */
bool plan_advert_takes(const struct env_advert *a, const struct api_object *service);
/* The checks are metallb.md 3.1, in its order and with its words as reasons. */
struct plan_fragment *plan_service(const struct plan_env *env, const struct plan_service_input *in,
				   struct arena *arena);

/*
 * The endpoints of one Service port, merged from all slices (kubernetes.md 3.2): those of the
 * family of a VIP are what is behind it.
 */
struct port_endpoints {
	const struct lb_target *targets;      /* by lb_target_cmp */
	size_t n_targets, n_here;             /* on any node, on this one */
	size_t n_ready, n_ready_here;         /* those of them that take new flows */
	const struct plan_backends *backends; /* all that are usable, for status */
	size_t n_backends;
	const char *untunnelled; /* a node with usable ones, to which no tunnel leads; or NULL */
	bool any_nowhere;        /* a usable one is on no node, and nobody says how to get there */
	uint16_t other_port;     /* of such a one that is said of, and cannot have it; 0: none */
	bool any_elsewhere;      /* or on another one */
	bool too_many;
};
struct port_endpoints plan_service_endpoints(const struct plan_env *env,
					     const struct plan_service_input *in, size_t port,
					     enum ip_family family, struct arena *arena);

/* How packets get to endpoints of the family that are on no node: _AUTO or _NAT, they do not. */
enum api_forwarding plan_service_forwarding(const struct plan_env *env,
					    const struct plan_service_input *in,
					    enum ip_family family);

/*
 * How many pods of the Service are ready on this node, on any port: what kube-proxy's health checks
 * count. A pod with addresses of both families counts once.
 */
uint32_t plan_service_local_ready(const struct plan_settings *settings,
				  const struct plan_service_input *in);

/* Sources that may come to a Service's address of one family; only for one that has ranges. */
struct service_ranges {
	const struct ip_prefix *items; /* sorted, no doubles, in the arena; none: nobody may */
	size_t n;
	uint64_t name; /* lb_ranges_name(); 0: not asked for yet */
};
struct service_ranges plan_service_ranges(const struct api_service *s, enum ip_family family,
					  struct arena *arena);

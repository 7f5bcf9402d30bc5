// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The environment of the plan: everything that is not a Service's own (DESIGN 1, fragments). Pools
 * with the advertisements in force on them, advertisements with their communities resolved, the
 * peers of this node with their place in the bitmap, this node, the settings. plan_service() reads
 * nothing else, so a fragment is a function of the environment, its Service and its slices alone.
 *
 * Held back and said, never guessed: an advertisement whose community cannot be resolved (a lost
 * no-export would leak routes) and a peer whose password is missing cost themselves, nothing else.
 */
#pragma once

#include "plan/plan_objects.h"
#include "plan/plan_own.h"
#include "plan/plan_tunnels.h"

/* The last good version of an object and what it says; both NULL: it was never good. */
struct plan_last {
	const struct plan_good *good;
	const struct api_object *object; /* the present one where that has not changed since */
};

/* A BGPAdvertisement, resolved. */
struct env_advert {
	const struct api_object *object;      /* as it is now: its name, age and problems */
	const struct api_advertisement *spec; /* the version in force: the object's, or the last */
	struct plan_last last;
	const uint32_t *communities; /* sorted, no doubles */
	size_t n_communities;
	const struct large_community *large; /* sorted, no doubles */
	size_t n_large;
	const uint64_t *extended; /* sorted, no doubles */
	size_t n_extended;
	uint64_t peers; /* bit i: env.peers[i] */
	size_t age;     /* 0 = oldest of all advertisements */
	bool here;      /* its nodeSelectors select this node */
	bool held_back; /* it has an error and was never good */
	/* By name: those it selects and announces the addresses of that family of. */
	struct api_strings pools[IP_N_FAMILIES];
};

/*
 * Advertisements of a pool's addresses that ask for the same prefixes, those of one length, for the
 * same Services. A site may have one for each router: what is to be known of a Service is then
 * asked once for all of them.
 */
struct env_group {
	const struct env_pool *pool;
	const struct env_advert *const *items; /* oldest first; one at least */
	size_t n;
	uint64_t peers; /* of all; bit i: env.peers[i] */
	const struct env_group_pref {
		uint32_t local_pref;
		uint64_t peers; /* of those that set it */
	} * prefs;
	size_t n_prefs;
};
/* What announces a pool's addresses of one family from this node. */
struct env_pool_adverts {
	const struct env_group *groups; /* of those in force here, by their oldest */
	size_t n;
	size_t n_held_back; /* selected it and this node, but are held back for it */
};
struct env_pool {
	const struct api_object *object;
	struct env_pool_adverts adverts[IP_N_FAMILIES];
	bool advertised;       /* some advertisement selects it, on whatever node */
	const uint32_t *prefs; /* plan_prefs_of_pool() */
	size_t n_prefs;
};

/* Of a Node: "true" or "false", whether it does more than look on. */
#define PLAN_LABEL_ANNOUNCES "lodestone.io/announces"

/* What became of a BGPPeer on this node. */
enum env_peer_fate {
	PEER_ELSEWHERE, /* its nodeSelectors do not select this node */
	PEER_SESSION,
	PEER_ALIAS,     /* it stands for the session of an older one (ruling 13) */
	PEER_DUPLICATE, /* an older one has the session, and they differ */
	PEER_HELD_BACK, /* it has an error and was never good */
	PEER_TOO_MANY,
};
/* Which session a BGPPeer's name stands for. */
struct env_peer_name {
	const char *name;
	uint64_t bit; /* 0: known, but no session of this node */
	enum env_peer_fate fate;
	const char *owner; /* of an alias and a duplicate: the other one */
	bool is_last;      /* its last good version is in force */
};

/* Peers (bits) that are in one domain. */
struct env_domain {
	uint16_t domain;
	uint64_t peers;
};

struct plan_env {
	const struct plan_settings *settings;
	const struct plan_ledger *ledger;
	struct api_config config;                  /* "default" with this node's object over it */
	const struct api_object *config_object;    /* the more specific one, NULL if none */
	const struct api_object *router_id_object; /* which one says config.router_id, or NULL */
	const struct api_object *flow_entries_object; /* the same of config.flow_entries */
	uint32_t kept_router_id; /* the ledger's, now and for the next plan; 0: none */
	nsec_t drain_ns;
	bool dataplane;       /* effective mode is not off, nor is the node drained */
	bool leaves;          /* to be drained: asked for here, or */
	bool drained_by_node; /* at the Node; until the routers have had time for it, routes have
				 the community GRACEFUL_SHUTDOWN, and then it is */
	bool drained;         /* nothing is announced, and XDP is left */
	bool observes;        /* all is planned as if there were no data plane, and nothing done */
	bool stands_back;     /* no node gives addresses: somebody else does */

	struct labels node_labels;
	bool node_excluded;    /* metallb.md 3.1 row 5 */
	bool node_unavailable; /* row 4 */
	struct plan_own own;   /* what is never announced as a VIP */
	struct plan_tunnels tunnels;

	const struct plan_peer *peers; /* by key */
	size_t n_peers;
	const struct env_domain *domains; /* of the peers; PLAN_NO_DOMAIN among them */
	size_t n_domains;
	uint64_t rtbh;                         /* those that are told of blackholes */
	uint64_t ebgp;                         /* those of them that are external; of these: */
	uint64_t pref_as[API_N_PREF_AS];       /* by what becomes of localPref */
	uint64_t carriers[IP_N_FAMILIES];      /* whose session may carry routes of the family */
	const struct plan_made_vrf *made_vrfs; /* that are to be made */
	size_t n_made_vrfs;
	const struct env_peer_name *peer_names; /* by name */
	size_t n_peer_names;

	const struct env_advert *adverts; /* oldest first */
	size_t n_adverts;
	const struct env_pool *pools; /* by name */
	size_t n_pools;

	struct object_list communities; /* Community objects */

	struct plan_good *good; /* the versions in force, by kind, ns, name */
	size_t n_good, cap_good;

	struct problems problems;
};

/*
 * Reads world, node and settings of the inputs and what the ledger keeps (last good versions, the
 * router id), never actual or the clock. Total.
 */
void plan_env_build(const struct plan_inputs *in, const struct plan_ledger *ledger,
		    struct arena *arena, struct plan_env *ret);

/* The pool of that name, or NULL. */
const struct env_pool *plan_env_pool(const struct plan_env *env, const char *name);

/* The domains of env->peers, into env. */
void plan_env_domains(struct plan_env *env, struct arena *arena);
/* An address is a VIP in so many at most. */
static inline size_t plan_env_n_domains(const struct plan_env *env)
{
	return env->n_domains ? env->n_domains : 1;
}
static inline uint64_t plan_env_peers_in(const struct plan_env *env, uint16_t domain)
{
	for (size_t i = 0; i < env->n_domains; i++)
		if (env->domains[i].domain == domain)
			return env->domains[i].peers;
	return 0;
}

/* Parts of the above, each in a file of its own. */
void plan_env_peers(const struct plan_inputs *in, struct arena *arena, struct plan_env *env);
/* Needs the peers and the names of the pools. */
void plan_env_adverts(const struct plan_inputs *in, struct arena *arena, struct plan_env *env);
bool plan_advert_selects(const struct env_advert *a, const struct api_object *pool);
/* What an advertisement is for a pool's addresses of one family on this node. */
enum env_advert_fate {
	ADVERT_ANNOUNCES,
	ADVERT_OTHER_POOL, /* it does not select the pool */
	ADVERT_OTHER_NODE, /* ... or the node */
	ADVERT_HELD_BACK,  /* it or the pair of them is */
};
enum env_advert_fate plan_advert_fate(const struct env_advert *a, const struct api_object *pool,
				      enum ip_family family);
/* The field of an advertisement that gives its prefixes of the family their length. */
const char *plan_aggregation_field(enum ip_family family);
/* Resolves the communities of ret->spec into *ret (plan_communities.h). */
bool plan_env_communities(const struct plan_env *env, struct problems *problems,
			  struct env_advert *ret) must_check;
/* The sessions of this node that a BGPPeer's name stands for, or NULL: there is no such object. */
const struct env_peer_name *plan_env_peer(const struct plan_env *env, const char *name);
/* Sorts the pool's advertisements, oldest first, into groups for addresses of the family. */
void plan_env_group(const struct env_pool *pool, const struct env_advert *const *adverts, size_t n,
		    enum ip_family family, struct arena *arena, struct env_pool_adverts *ret);
/* Adds what is odd about objects beside each other and costs none of them; needs all the others. */
void plan_env_findings(const struct plan_inputs *in, struct arena *arena, struct plan_env *env);

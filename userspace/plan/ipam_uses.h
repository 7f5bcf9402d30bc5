// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who uses which address, who may share one (metallb.md 2.6), and which address of a pool is the
 * next that a Service may have. Private to ipam*.c.
 */
#pragma once

#include "plan/ipam_index.h"
#include "plan/ipam_pools.h"
#include "plan/plan_own.h"

/* What is wrong with a Service's wish; told when it is known what becomes of the Service. */
struct ipam_fault {
	const char *field, *reason, *remedy, *message;
	struct ipam_fault *next;
};

/* What a Service wants and has in one family. */
struct ipam_part {
	bool wanted;
	struct ip_addr requested; /* by annotation or spec.loadBalancerIP; none: any will do */
	struct ip_addr owned;     /* status.ingress, else what was given earlier */
	const char *owned_pool;   /* that it was given from; "" = unknown */
	const struct plan_address *given; /* the latter; NULL = nothing */
	bool waits;          /* gets nothing as long as what cannot be read may hold its pool */
	bool in_object;      /* the address stands in the object: other agents see it, too */
	bool by_wish;        /* has its address by asking for it, and had it not before */
	bool moves;          /* has its address, but wishes for another pool */
	struct ip_addr addr; /* the result */
	const struct ipam_pool *pool;
};

struct ipam_claimant {
	const struct api_object *object;  /* NULL: a Service that cannot be seen */
	const struct plan_address *given; /* of such a one what is kept for it */
	struct ipam_part parts[IP_N_FAMILIES];
	enum ip_family primary;  /* of two families it does without the other one first */
	bool all;                /* it does without neither */
	const char *pool_wish;   /* annotation address-pool */
	const char *sharing_key; /* NULL = none */
	uint64_t sharing;        /* same number: same key and policy, if Local same pods; 0: none */
	bool refused;            /* its wish cannot be read: it keeps what it has */
	bool is_clustered;       /* it stands at an API server (ipam_inputs.cluster) */
	bool only_keeps;         /* what it has, and nothing else is asked here */
	struct ipam_fault *faults;
};

/* The part that an address is or would be of. */
static inline struct ipam_part *ipam_part_of(struct ipam_claimant *c, const struct ip_addr *a)
{
	return &c->parts[ip_family_of(a)];
}

struct ipam_user {
	struct ipam_claimant *claimant;
	struct ipam_user *next;
};

struct ipam_address {
	struct ip_addr addr;
	const struct ipam_pool *pool;       /* its users have it from this one */
	struct ipam_user *users;            /* the last first */
	const struct ipam_claimant *unseen; /* kept for a Service that cannot be seen */
	bool not_given;                     /* not by itself: it is somebody's own */
};

struct ipam_uses {
	struct arena *arena;
	const struct ipam_pools *pools;
	struct ipam_index addresses; /* address -> struct ipam_address */
	struct ipam_address **known; /* the same as a list */
	size_t n_known, cap_known;
	struct ipam_index ports;   /* address, protocol and port -> struct ipam_claimant */
	struct ipam_index groups;  /* pool and family, sharing -> struct ipam_group */
	struct ipam_index clashes; /* group, protocol and port -> struct ipam_clash */
	struct ipam_index full;    /* sharing, families, protocol and port -> struct ipam_full */
};

void ipam_uses_init(struct ipam_uses *u, const struct ipam_pools *pools, struct arena *arena);

/* What is known about an address, or NULL: nobody uses it or keeps it. */
const struct ipam_address *ipam_uses_find(const struct ipam_uses *u, const struct ip_addr *a);

/* Kept for a Service that cannot be seen: for those alone that had the address as well. */
void ipam_uses_reserve(struct ipam_uses *u, const struct ipam_claimant *c, const struct ip_addr *a);

/* Never given to who does not ask for it. */
void ipam_uses_exclude(struct ipam_uses *u, const struct plan_own *own);

/* The Service has the address from now on, and maybe others, too; it has it no more. */
void ipam_uses_add(struct ipam_uses *u, struct ipam_claimant *c, const struct ip_addr *a,
		   const struct ipam_pool *p);
void ipam_uses_drop(struct ipam_uses *u, const struct ipam_claimant *c, const struct ip_addr *a);

/* metallb.md 2.6: they may have one address. */
bool ipam_may_share(const struct ipam_claimant *a, const struct ipam_claimant *b);

/* Who is in the way, or NULL. */
struct ipam_claimant *ipam_uses_in_the_way(const struct ipam_uses *u, const struct ipam_claimant *c,
					   const struct ip_addr *a);

/*
 * Begins a pass of automatic allocation: until the next call of this, addresses are taken only.
 * What was given back since the last one is free again.
 */
void ipam_uses_rewind(struct ipam_uses *u);

/* A set of families: bit f. */
#define IPAM_FAMILY(f) (1u << (f))

/*
 * Takes for the Service, in each of the families, the first address of the pool in allocation order
 * that is free, or that it may share with those who use it. False: the pool has none left in some
 * family, and nothing is taken.
 */
bool ipam_uses_take(struct ipam_uses *u, struct ipam_claimant *c, struct ipam_pool *p,
		    unsigned families);

/* Of the families those in which the pool has nothing for the Service. */
unsigned ipam_uses_lacking(struct ipam_uses *u, const struct ipam_claimant *c, struct ipam_pool *p,
			   unsigned families);

/* As ipam_uses_take, from the first open pool that has them; false: none has. */
bool ipam_uses_take_open(struct ipam_uses *u, struct ipam_claimant *c, unsigned families);

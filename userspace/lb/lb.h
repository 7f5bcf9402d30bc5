// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane as data, in the planner's words: frontends (VIP, port, protocol), their backends
 * and the recipe of their row table. Nothing here knows slots, ids, generations or regions: those
 * belong to the store (lb/lb_tables.h) and are rebuilt from the pinned maps.
 */
#pragma once

#include "base/addr.h"

#include <stdint.h>

#define LB_DEFAULT_ROWS_LOG2 11 /* 2,048 rows for the life of a Service */

/* Key of a frontend. Port and protocol 0: the VIP itself. Host order. Zero it before filling. */
struct lb_key {
	struct ip_addr addr;
	uint16_t domain;
	uint16_t port;
	uint8_t proto;
	uint8_t zero[3];
};
static inline int lb_key_cmp(const struct lb_key *a, const struct lb_key *b)
{
	const int order = ip_addr_cmp(&a->addr, &b->addr);
	uint64_t x, y;

	/* Any total order will do where a VIP is before its frontends: as ip_addr_cmp(). */
	memcpy(&x, &a->domain, sizeof(x));
	memcpy(&y, &b->domain, sizeof(y));
	x = be64toh(x);
	y = be64toh(y);
	return order ? order : (x > y) - (x < y);
}
_Static_assert(sizeof(struct lb_key) == sizeof(struct ip_addr) + sizeof(uint64_t), "lb_key_cmp");

enum lb_backend_state {
	LB_BACKEND_READY,    /* takes new flows */
	LB_BACKEND_DRAINING, /* later candidate only: keeps the flows it has */
	LB_BACKEND_IDLE,     /* as the store tells it: draining, and no flow of it is left */
};

/* How packets get to a target that is not here: to its node, or (by the others, LB_WAY_* of
 * bpf/abi.h) to itself, its own node; but by LB_BY_NAT it has the VIP and answers directly. */
enum lb_way { LB_BY_TUNNEL, LB_BY_L2, LB_BY_IPIP, LB_BY_GUE, LB_BY_NAT };

/* An endpoint of a Service, of either family. Zero it before filling: none is left undecided. */
struct lb_target {
	struct ip_addr addr;
	struct ip_addr node; /* that it runs on, by the address tunnels to it end at; none: this */
	enum lb_way way;
	uint32_t owner;  /* lb_seed() of the Service that it is an endpoint of; 0: not known */
	uint16_t port;   /* host order */
	uint16_t weight; /* 1..LB_WIRE_WEIGHT_MAX: share of new flows beside the others' */
	enum lb_backend_state state;
};
/* Order within a frontend: by address, then port. */
int lb_target_cmp(const struct lb_target *a, const struct lb_target *b);

/* Behaviour of a VIP (key with port 0), or of a frontend. */
#define LB_F_AFFINITY     (1u << 0) /* a client's flows go to one backend, for `affinity_s` */
#define LB_F_UNKNOWN_PASS (1u << 1)
#define LB_F_ECHO_ANSWER  (1u << 2)
#define LB_F_ECHO_PASS    (1u << 3)
/* With whom it is shared: one of these or none (bpf/abi.h, LB_SVC_SHARED). */
#define LB_F_KERNEL_FLOWS (1u << 5)
#define LB_F_TAKING_OVER  (1u << 6)
#define LB_F_HANDING_BACK (1u << 7)
#define LB_F_SHARED       (LB_F_KERNEL_FLOWS | LB_F_TAKING_OVER | LB_F_HANDING_BACK)
#define LB_F_CLOSED       (1u << 8)  /* no flow begins: nobody is ready; those that live go on */
#define LB_F_PAUSED       (1u << 9)  /* the same, as was asked for */
#define LB_F_REJECT       (1u << 10) /* what finds no backend, or of a VIP no port, is answered */
#define LB_F_RANGES       (1u << 11) /* only certain sources may come: as there are ranges */
#define LB_F_RATE         (1u << 12) /* of its VIP's packets only so many a second come in */
#define LB_F_BLACKHOLE    (1u << 13) /* nothing comes in: its VIP lies under a blackhole */
#define LB_F_TUNNEL       (1u << 14) /* no VIP: tunnels end here (key: LB_ECHO_PORT, UDP) */
#define LB_F_CLAMP        (1u << 15) /* TCP's segments from clients are to fit into tunnels */

struct lb_frontend {
	struct lb_key key;
	uint32_t seed;     /* lb_seed() of the Service */
	uint8_t rows_log2; /* 0 for a VIP */
	uint32_t flags;    /* LB_F_* */
	uint64_t table;    /* lb_table_name(): what the rows are filled from; 0 for a VIP */
	const struct lb_target *targets; /* sorted, no doubles */
	size_t n_targets;
	/* With LB_F_RANGES: sources that may come, of the key's family; sorted, no doubles. */
	const struct ip_prefix *ranges;
	size_t n_ranges;
	uint64_t ranges_name; /* lb_ranges_name(); 0 without */
	uint32_t affinity_s;  /* with LB_F_AFFINITY: 1..LB_AFFINITY_S_MAX; 0 without */
	uint64_t limit;       /* lb_limit(); 0 for a VIP */
};
#define LB_AFFINITY_S_MAX 86400

/* What the store holds of a frontend, as dump() tells it. */
struct lb_actual {
	struct lb_key key;
	uint64_t table;
	uint64_t ranges_name;
	uint64_t limit;
	uint32_t flags;
	uint32_t seed;     /* of the Service; 0 for a VIP, as is */
	uint8_t rows_log2; /* this */
	bool tested;       /* its self-test packet passed since it was last programmed */
	bool idle; /* no flow of it is left, and by LB_F_HANDING_BACK or LB_F_CLOSED none begins */
	const struct lb_target *targets; /* sorted */
	size_t n_targets;
};
/*
 * All that the store holds, and what of it may differ from the look before: keys in any order, each
 * of which may be there twice or not at all any more. What is borrowed stays as it is until the
 * next look or dump; the targets, until the next look.
 */
struct lb_look {
	const struct lb_actual *items; /* by key */
	size_t n;
	const struct lb_key *touched;
	size_t n_touched;
	uint64_t generation; /* of this look */
	uint64_t since;      /* of the look before; 0: it is not known what differs from it */
};

/* A list of sources that reach no VIP. */
struct lb_denied {
	uint64_t name;                   /* lists of one name are the same; not 0 */
	const struct ip_prefix *sources; /* a set (base/prefixes.h) */
	size_t n;
};

/* Addresses of one domain that nothing reaches. Zero it before filling. */
struct lb_discard {
	struct ip_prefix prefix;
	uint16_t domain;
};
static inline int lb_discard_cmp(const struct lb_discard *a, const struct lb_discard *b)
{
	const int order = ip_prefix_cmp(&a->prefix, &b->prefix);

	return order ? order : (a->domain > b->domain) - (a->domain < b->domain);
}

/* Another node; usable: it answers and speaks what we speak, so flows may begin there. */
struct lb_node_told {
	struct ip_addr addr; /* that tunnels to it end at */
	bool usable, leaves;
	uint8_t version; /* of private data that it is sent; 0: the lowest */
};

/* A VIP. Zero it before filling. */
struct lb_vip {
	struct ip_addr addr;
	uint16_t domain;
	uint16_t zero;
};

/* How full the flow table is, as of the last walk through it. */
struct lb_flow_usage {
	uint32_t places, living, established;
	bool growing; /* now */
};

/* What putting the frontend would write is there. */
static inline bool lb_actual_is(const struct lb_actual *have, const struct lb_frontend *want)
{
	return have->table == want->table && have->flags == want->flags &&
	       have->ranges_name == want->ranges_name && have->limit == want->limit;
}

/*
 * Network namespace of a pod, by its address: the id that the agent's own namespace has for it
 * (netlink's nsid), or LB_NSID_OWN for what runs beside the agent.
 */
#define LB_NSID_OWN UINT32_C(0xfffffffe)
struct lb_nsid {
	struct ip_addr addr;
	uint32_t nsid;
};

/* Seed of a Service's rows: of "namespace/name" only, so that every node has the same. */
uint32_t lb_seed(const char *ns, const char *name);
/* What a target's rows are made from, the same on every node: lb_wire_backend_id(). */
uint64_t lb_target_id(const struct lb_target *t, uint32_t seed);
/* Name of a recipe (lb_wire_recipe()) with one target more, in the order of lb_target_cmp. */
uint64_t lb_recipe_add(uint64_t recipe, const struct lb_target *t, uint32_t seed);
/*
 * Name of a row table: hash of the recipe of its rows (bpf/wire.h) and of what else is written with
 * it: key, nodes with the ways there, and the time of an affinity. Never 0.
 */
uint64_t lb_table_name(const struct lb_frontend *f);
/*
 * The limit of new flows: so many, 24 bits, get an entry in a second, and of what begins beyond
 * that so many of one source are let in, if it is checked after they have proven it
 * (bpf/new_flows.h). flows 0: no limit; per_source 0: any number, and the same in all frontends of
 * a store, where the one that was put last counts. Bits 0..31 are what lies beside the slot, the
 * others per_source.
 */
uint64_t lb_limit(uint32_t flows, uint16_t per_source, bool is_checked);
/* Name of a set of source ranges, which may be empty. Never 0. */
uint64_t lb_ranges_name(const struct ip_prefix *ranges, size_t n);

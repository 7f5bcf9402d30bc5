// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A node round the planner, in memory: a world made from YAML text, interfaces and addresses, the
 * fake store and one real bgp_rib for each peer. fixture_plan() computes, fixture_apply() brings
 * the sinks to the plan, fixture_converge() repeats both until nothing is left to do. Knobs are
 * fields.
 */
#pragma once

#include "bgp/bgp_rib.h"
#include "fake/fake_deny.h"
#include "fake/fake_kernel.h"
#include "fake/fake_store.h"
#include "fake/plan_same.h"
#include "plan/ipam.h"

#define FIXTURE_PEERS 16

struct fixture_peer {
	char *name, *vrf, *interface; /* owned */
	struct bgp_rib *rib;
	struct prefix_list *sent; /* what the plan was told last of the rib; owned */
	bool down;                /* the session is not established */
	bool stuck;               /* it does not read: nothing is written to it */
	struct bgp_families not_agreed, no_next_hop; /* of its session */
	uint64_t routes_generation;                  /* of the routes that the rib has */
	nsec_t stale_until;
	const char *last_error;
	nsec_t trying_since;   /* if down */
	nsec_t established_at; /* if not */
	struct plan_path path;
	uint16_t refusals;
};

struct fixture {
	struct world *world;
	struct plan_settings settings;
	struct plan_node node;
	struct plan_link links[12];
	struct plan_local_addr addrs[8];
	struct plan_route_to routes_to[32];
	struct plan_router routers[2];
	struct plan_taken taken[4];
	int default_devices[2];
	struct plan_gateway gateways[2];

	struct fake_store store;
	struct fake_deny *deny;     /* owned */
	struct fake_kernel *kernel; /* owned */
	struct kernel_state kernel_state;
	struct kernel_pass *kernel_pass; /* with the helper, who comes back at the next apply */
	bool kernel_is_slow;             /* so it is, each time; else at once */
	bool no_kernel;                  /* nobody places blackholes */
	size_t deny_per_turn;            /* prefixes; 0: any number */
	struct fixture_peer peers[FIXTURE_PEERS];
	size_t n_peers;
	struct plan_actual_device devices[8]; /* what apply attached; knobs below */
	size_t n_devices;
	const char *device_failure; /* attaching fails with these words */
	const char *dataplane_failure;
	struct plan_actual_remote remotes[8]; /* by address */
	size_t n_remotes;
	const struct plan_next_hop *ways; /* by uplink, node */
	size_t n_ways;
	uint32_t flow_entries; /* of the tables; 0: there are none */
	uint32_t strange_abi;  /* pinned maps of another version; what attached them is not seen */
	bool pinned;           /* since a plan wanted a data plane, until it was left wholly */
	bool no_route;         /* the node knows no route to any peer; else: */
	struct ip_prefix by_eth1; /* peers in it are reached by eth1, all others by eth0 */

	/* What sessions of the caller's own confirm, in place of the ribs above. NULL: none. */
	void (*observe_sessions)(void *ctx, struct arena *arena,
				 const struct plan_actual_peer **ret, size_t *ret_n);
	void *sessions;

	bool synced;
	nsec_t now;
	struct plan_addresses given;
	bool remembers; /* what was given is what the next plan finds given, as in the agent */
	const struct plan_addresses *read_back; /* in place of the allocator's; NULL: its own */
	struct plan_ledger ledger;
	struct plan_cache *cache;      /* each plan is held against the one from nothing */
	struct plan_explain *explain;  /* to be filled in by the next plans; NULL: nobody asks */
	struct ipam_cache *ipam_cache; /* and each result of the allocator */
	unsigned n_remembered, n_plans;

	struct arena *arena, *last_arena; /* of the last plan and of the one before */
	struct arena *given_arena;        /* what is remembered */
	struct plan plan;
	struct plan_addresses addresses;
	struct problems ipam_problems;
	nsec_t deadline;
	size_t n_failed;         /* operations of the store, so far */
	struct plan_apply apply; /* of the last plan; not over: the store took only a part */
};

struct fixture *fixture_new(void);
struct fixture *fixture_free(struct fixture *f);
/*
 * A new process on the same kernel: what is programmed and attached stays, and is to be tested
 * anew; the world, the ledger and the ribs are empty. `given` and `ledger` are the caller's to
 * carry over.
 */
void fixture_restart(struct fixture *f);
void fixture_freep(struct fixture **f);

/* Puts documents into the world; a source given again replaces what it held. */
void fixture_put(struct fixture *f, const char *source, const char *text);
/*
 * Puts one object, in YAML's flow style: `meta` goes into metadata ("labels: {a: b}", or ""),
 * `body` beside it ("spec: {...}"). Services are in default, MetalLB's kinds in metallb-system.
 */
void fixture_object(struct fixture *f, const char *kind, const char *name, const char *meta,
		    const char *body);
void fixture_drop(struct fixture *f, const char *kind, const char *name);
/* Service of port 80/TCP; `more` goes into its spec ("loadBalancerClass: x", or ""). */
void fixture_add_service(struct fixture *f, const char *name, const char *policy, const char *more);
/*
 * Its EndpointSlice: "10.244.0.5@node-a 10.244.0.6@node-b- 10.244.0.7@node-ax", port 8080. A dash:
 * terminating and serving; an x: neither ready nor serving; no node: unknown.
 */
void fixture_add_slice(struct fixture *f, const char *service, const char *endpoints);
/* Pool 192.168.100.0/24, BGPPeer r1 (10.0.0.1, eBGP), an advertisement of everything. */
void fixture_basics(struct fixture *f);
/* Basics and a Local Service "web" with one endpoint here, converged: announced. */
struct fixture *fixture_announced(void);
/* eth0 has 2001:db8:1::10 besides, so that sessions over it can carry IPv6. */
void fixture_give_ipv6(struct fixture *f);
/* The same from a file; false: it cannot be read. */
bool fixture_put_file(struct fixture *f, const char *path);

/* To the peers that the world has; part of each plan. */
void fixture_observe_routes(struct fixture *f);
/* A VRF of that name and table, with a device of the node in it (0: none). ifindex is the highest.
 */
void fixture_add_vrf(struct fixture *f, int ifindex, const char *name, uint32_t table, int member);

void fixture_plan(struct fixture *f);
/* Returns how many operations it made or tried. */
size_t fixture_apply(struct fixture *f);
/* Plans and applies until there is nothing to do; returns the rounds, or `max` if it never ended.
 */
size_t fixture_converge(struct fixture *f, size_t max);

struct fixture_peer *fixture_peer(struct fixture *f, const char *name);

/* --- questions ------------------------------------------------------------------------------ */

/* What the peer holds for "10.0.0.1/32", or NULL. */
const struct bgp_attrs *fixture_held(struct fixture *f, const char *peer, const char *prefix);
const struct plan_route *fixture_route(const struct fixture *f, const char *prefix);
const struct plan_frontend *fixture_frontend(const struct fixture *f, const char *vip,
					     uint16_t port);
/* Of that frontend; NULL: it has none of that address, or there is no such frontend. */
const struct lb_target *fixture_target(const struct fixture *f, const char *vip, uint16_t port,
				       const char *address);
const struct plan_service *fixture_service(const struct fixture *f, const char *name);
const struct plan_peer *fixture_plan_peer(const struct fixture *f, const char *name);
/* A problem of the plan or the allocator with that reason about an object of that name (NULL: any).
 */
const struct problem *fixture_problem(const struct fixture *f, const char *reason,
				      const char *name);
/* The reason is in all problems as often as said. */
size_t fixture_count(const struct fixture *f, const char *reason);

/* The fixture's own (plan_fixture_kernel.c): what an earlier process left; a pass, as an apply. */
void fixture_kernel_adopt(struct fixture *f);
size_t fixture_kernel_apply(struct fixture *f);
void fixture_kernel_done(struct fixture *f);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The whole control plane in one simulation: documents come and go, the real planner plans, a fake
 * kernel is programmed (tests/fake/), and real BGP speakers carry the routes over a bad network to
 * three neighbours, of which one may be hostile for a while. The agent crashes between any two
 * steps and comes back with what it had saved; the kernel's state stays. One seed decides
 * everything.
 *
 *   documents ─► fixture: world ─► plan ─► fake store, devices     (survive a crash)
 *                            └─► bgp_peer ══ sim_link ══ bgp_peer ─► the router's table
 *
 * What must hold at every step is the gates of DESIGN 1, seen from outside: plane_check.c.
 */
#pragma once

#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"
#include "fake/plan_fixture.h"
#include "sim/sim_link.h"

#define PLANE_PEERS    3
#define PLANE_SERVICES 6
#define PLANE_ADVERTS  2
#define PLANE_LINKS    4
#define PLANE_ORDERS   3
#define PLANE_FLOWS    32
#define PLANE_TAKEN    32 /* VIPs that conntrack is asked about at a time */
#define PLANE_TAIL     (64u << 10)
#define PLANE_RESTART  (120 * NSEC_PER_SEC) /* what the agent says in capability 64 */

/* One end of a connection: what the speaker gave and the "kernel" did not take yet. */
struct plane_socket {
	struct sim_link *link; /* NULL: none */
	uint8_t tail[PLANE_TAIL];
	size_t first, len;
};

/* A prefix and when it got there, or went. */
struct plane_prefix {
	struct ip_prefix prefix;
	nsec_t at;
	bool is_stale;
	bool is_blackhole; /* of what the agent wrote: it draws nothing */
};
struct plane_prefixes {
	struct plane_prefix *items;
	size_t n, cap;
};

struct plane_router {
	struct bgp_peer *peer; /* owned; NULL: a hostile speaker */
	struct bgp_peer_config config;
	struct plane_socket socket;
	uint8_t rx[BGP_MESSAGE_MAX];
	size_t rx_len;
	struct plane_prefixes table;
	bool is_up, has_forwarding, was_notified, had_gr;
	nsec_t stale_until; /* the helper's timer; NSEC_NEVER: not running */
};

/* The agent's side of a neighbour. */
struct plane_session {
	struct bgp_peer *peer; /* owned; NULL: no agent, or the plan has no such peer */
	struct plane_socket socket;
	struct plane_prefixes written; /* what the kernel's socket took */
	struct prefix_list *told;      /* that, as the plan was told last; owned */
	struct plane_prefixes lost;    /* what went from there within the last seconds */
	uint64_t updates_seen;
	uint64_t routes_generation;     /* of the plan's routes that the rib has; 0: not known */
	nsec_t stale_until;             /* as agent/peers.c counts it */
	nsec_t held_until;              /* as a router may hold what it had: for the checks */
	struct bgp_next_hops next_hops; /* the plan's */
	struct bgp_families families;   /* of its configuration */
	nsec_t lost_at;                 /* BFD is Down since then; 0: it is not */
};

struct plane_stats {
	uint64_t packets, flows[2]; /* the kernel's, the programs' */
	uint64_t plans, sessions, crashes, updates, deletions, stale_kept, left, drained, ipv6,
		ipv6_routes, told, lost;
};

struct plane {
	struct rng rng;
	nsec_t now, faults_end, next_fault, next_hostile;
	struct sim_weather weather;
	struct sim_link links[PLANE_PEERS][PLANE_LINKS];
	struct plane_router routers[PLANE_PEERS];
	struct plane_session sessions[PLANE_PEERS];

	struct fixture *f; /* the agent and the kernel beneath it; the latter survives a crash */
	bool is_alive, dirty, restarted;
	nsec_t restart_at, synced_at, retry_at;
	unsigned restless;  /* turns in a row that left something to the next */
	struct arena *kept; /* what is on disk: addresses and ledger */
	struct plan_addresses given;
	struct plan_ledger ledger;
	struct plane_saved *saved; /* the saved world */
	size_t n_saved;

	char *texts[4][PLANE_SERVICES]; /* the folder: kind, number; NULL: no such file */
	bool mode_off;
	bool drained;                           /* the operator has asked; on disk */
	unsigned orders;                        /* his blackholes, by number; the same */
	struct ip_prefix ordered[PLANE_ORDERS]; /* those, for the plan */

	struct plane_flows *flows; /* owned */
	struct plane_stats stats;
	uint64_t n_steps;
	char violation[256];
};

static inline uint64_t plane_chance(struct plane *p, uint64_t n)
{
	return rng_below(&p->rng, n);
}

/* plane.c */
/* The node's device has an IPv6 address, or none. */
void plane_give_ipv6(struct fixture *f, bool has);

struct plane *plane_new(uint64_t seed);
struct plane *plane_free(struct plane *p);
/* NULL, or the text of the first violation (valid until it is freed). */
const char *plane_run(struct plane *p);

/* plane_net.c: connections and the neighbours. */
void plane_net_init(struct plane *p);
void plane_net_done(struct plane *p);
void plane_net_deliver(struct plane *p);
void plane_net_tick(struct plane *p);
nsec_t plane_net_next(const struct plane *p);
void plane_net_set_next_hops(struct plane *p, unsigned i);
void plane_net_pump_agent(struct plane *p, unsigned i);
/* The agent's end of a neighbour closes, as the kernel does when a process ends. */
void plane_net_drop(struct plane *p, unsigned i);
void plane_net_hostile(struct plane *p);
void plane_net_reform(struct plane *p); /* the hostile speaker becomes a router */

/* plane_agent.c */
void plane_agent_start(struct plane *p);
void plane_agent_crash(struct plane *p);
void plane_agent_sync(struct plane *p);
void plane_agent_step(struct plane *p);
nsec_t plane_agent_next(const struct plane *p);
void plane_agent_done(struct plane *p);
void plane_agent_note_down(struct plane *p, unsigned i);
/* BFD of one peer goes Down, or comes back, if there is an agent. */
void plane_agent_bfd(struct plane *p);

/* plane_world.c: documents. */
void plane_world_put_all(struct plane *p, struct fixture *f);
/* Such a file is in the folder. */
bool plane_world_has(const struct plane *p, const char *source);
void plane_world_change(struct plane *p);
void plane_world_random(struct plane *p);
void plane_world_set_mode(struct plane *p, struct fixture *f);
/* Blackholes that the operator asks for. */
void plane_world_set_orders(struct plane *p, struct fixture *f);
void plane_world_done(struct plane *p);

/* plane_flows.c: flows of clients, the kernel that may have them, and what the agent knows of it.
 */
void plane_flows_init(struct plane *p);
void plane_flows_done(struct plane *p);
void plane_flows_step(struct plane *p);
nsec_t plane_flows_next(const struct plane *p);
void plane_flows_crash(struct plane *p);
/* What conntrack has said goes into the next plan's inputs; what a plan asks for is asked. */
void plane_flows_recall(struct plane *p);
void plane_flows_ask(struct plane *p);

/* plane_table.c */
bool plane_is_blackhole(const struct bgp_attrs *a);
struct plane_prefix *plane_find(const struct plane_prefixes *t, const struct ip_prefix *prefix);
void plane_add(struct plane_prefixes *t, const struct ip_prefix *prefix, nsec_t at);
void plane_remove(struct plane_prefixes *t, const struct ip_prefix *prefix);
void plane_keep(struct plane_prefixes *t, bool (*keep)(const struct plane_prefix *p, nsec_t at),
		nsec_t at);
void plane_clear(struct plane_prefixes *t);

/* plane_check.c */
void plane_violation(struct plane *p, const char *fmt, ...) printf_like(2, 3);
/* An UPDATE that the agent's speaker hands to the kernel. */
void plane_check_sent(struct plane *p, unsigned i, struct rcur body);
/* A picture of the kernel before the plan is applied; afterwards it is compared and freed. */
struct plane_before;
struct plane_before *plane_check_before(const struct plane *p);
void plane_check_after(struct plane *p, struct plane_before *before);
/* plane_addresses.c: what the allocator gave, and which backends a VIP has. */
void plane_check_addresses(struct plane *p);
void plane_check_served(struct plane *p);
/* Everything is as with an agent that never saw anything but the last documents. */
void plane_check_end(struct plane *p);

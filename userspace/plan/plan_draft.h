// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The plan while it is made: the fragments side by side, and what the steps find out in turn. The
 * steps are called once each, in this order, because each gate reads what the one before decided:
 *
 *   fragments  environment and fragments, from the cache if there is one
 *   devices    what is attached where, whether the data plane can deliver at all, and to whom
 *   health     what health-check node ports answer (then the draft may be cut: plan_kept.h)
 *   frontends  targets with their drains, conflicts, VIPs left to the kernel
 *   routes     folding, interning, held rows
 *   leaving    what goes out of the maps
 *   services   the rows of status
 *
 * The gates (DESIGN 1), by name and number:
 *
 *   programmed (1)  a route waits until a VIP under it is programmed and its self-test passed
 *   unheld (2)      a VIP leaves the maps when no peer holds a route that covers only it, and
 *                   PLAN_UNHELD_NS later
 *   replaced (3)    a withdraw whose VIPs stay served waits until its replacement was written to
 *                   the peers that get one, for PLAN_WAITING_NS at most
 *   drained (4)     a target that left the slices, or whose Service is gone, keeps its flows until
 *                   the last has ended, or its deadline
 *   discarded       a route of a blackhole on demand waits until its packets are dropped here
 *                   (plan_rtbh.c)
 *   placed          a route waits until its blackhole was tried to be placed (plan_blackholes.c)
 *   complete (5)    until every source has delivered its first complete picture nothing is
 *                   withdrawn, rewritten, detached or closed by End-of-RIB
 */
#pragma once

#include "plan/plan_arrange.h"
#include "plan/plan_draft_parts.h"
#include "plan/plan_zones.h"

struct plan_draft {
	const struct plan_inputs *in;
	const struct plan_ledger *ledger;
	nsec_t now, deadline;
	struct arena *arena;
	struct arena *scratch; /* of what no plan refers to any more once it is made */
	struct plan_env env;

	const struct plan_fragment *const *fragments; /* by namespace, name */
	const struct plan_arrangement *arranged;
	const struct plan_made *made; /* the fragments that the last plan did not have */
	size_t n_made;
	bool same_shape;                /* it had as many, each with as many rows */
	struct draft_port *ports;       /* as arranged.rows */
	bool any_lost;                  /* one of them lost */
	const struct plan_zones *zones; /* that the draft was cut to; NULL: it is of the whole */
	struct draft_near *near;
	const struct plan_actual_peer **peers; /* of env.peers[i]; NULL unless established */

	/*
	 * Peers (bits) by what the device that their traffic arrives by allows: attached, so that
	 * they may be sent routes; still being attached, so that they keep what they have. The
	 * others get none: what they attract would pass by the data plane.
	 */
	uint64_t peers_open, peers_stale;
	uint64_t uncarried[IP_N_FAMILIES]; /* whose session turned out not to carry the family */
	struct draft_prefix *prefixes;     /* of plan.routes */
	size_t n_prefixes;

	struct plan_frontend *frontends;
	size_t n_frontends, cap_frontends;
	size_t n_stay;          /* of them: the store has them */
	struct draft_vip *vips; /* by VIP: those with a wanted frontend */
	size_t n_vips, cap_vips;
	struct plan_begin *begins; /* of plan.begins */
	size_t n_begins, cap_begins;
	bool is_over;         /* with plan.leaving: all is handed back */
	struct lb_key *spent; /* by key: Services' without any target, whose drains are over */
	size_t n_spent, cap_spent;
	struct plan_drain *drains;
	size_t n_drains, cap_drains;
	struct plan_leaving *leaving;
	size_t n_leaving, cap_leaving;
	struct plan_waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct plan_zones stirred;       /* zones that are not quiet (plan_kept.h) */
	struct draft_discards *discards; /* NULL: there are none */
	bool awaits_blackhole;           /* some prefix that is to be announced does */
	bool is_indivisible;             /* something was told of once for many zones */

	struct plan *plan;
};

void plan_draft_fragments(struct plan_draft *d, struct plan_cache *c);
/* A cache for this plan alone, all of which lives in the arena. */
struct plan_cache *plan_cache_once(struct arena *arena);
/* Makes room for what the steps find out: for what is arranged, before the step frontends. */
void plan_draft_join(struct plan_draft *d);
void plan_draft_devices(struct plan_draft *d);
/* The other nodes; and whether an endpoint that takes new flows is here, or its node answers. */
void plan_draft_remotes(struct plan_draft *d);
/* The ways to them, and to real servers: plan_ways.c. */
void plan_draft_ways(struct plan_draft *d);
enum vip_gate plan_draft_reached(const struct plan_draft *d, const struct lb_frontend *lb);
/* The device for what is tunnelled here in the family; 0: none, and why not is told. */
int plan_draft_tunnel_device(struct plan_draft *d, enum ip_family family);
/* Frontends, in the order of keys: pushes those ends of tunnels here that are before the key. */
void plan_draft_tunnel_ends(struct plan_draft *d, enum ip_family *at, const struct lb_key *before);
/* XDP sees what comes in by it; a bridge's frames come in by its ports, and natively only there. */
bool plan_draft_is_servable(const struct plan_draft *d, const struct plan_link *link);
void plan_draft_denied(struct plan_draft *d);
void plan_draft_rates(struct plan_draft *d);
/* Blackholes on demand, of the whole; and whether a VIP lies under one: plan_discards.c. */
void plan_draft_discards(struct plan_draft *d);
bool plan_draft_is_discarded(const struct plan_draft *d, const struct plan_vip *vip);
/* What is received of whom: plan_receive.c. */
void plan_draft_imports(struct plan_draft *d);
/* Which VRFs are to be there by us: plan_made_vrf.c. */
void plan_draft_made_vrfs(struct plan_draft *d);
void plan_draft_frontends(struct plan_draft *d);
void plan_draft_routes(struct plan_draft *d);
void plan_draft_leaving(struct plan_draft *d);
void plan_draft_services(struct plan_draft *d);
void plan_draft_health(struct plan_draft *d);
/* Tells of aggregates under which routers or nodes are: not a step, nothing waits for it. */
void plan_draft_aggregates(struct plan_draft *d);
/* Made of the whole inputs and arrangement, for all of the plan: plan_blackholes.c. */
void plan_draft_blackholes(struct plan_draft *d, const struct plan_inputs *in,
			   const struct plan_arrangement *arranged);
/* Why a route that is planned goes to a peer without a session: the word for it. */
static inline const char *plan_draft_unsent(const struct plan_draft *d)
{
	return d->env.observes ? "nodeObserves" : "noSession";
}
/* That what nobody has of the prefix is to end here. */
bool plan_draft_is_blackhole(const struct plan_draft *d, const struct ip_prefix *prefix);
/* ... and that it was not tried yet, so that nobody may be sent the prefix anew. */
bool plan_draft_awaits_blackhole(const struct plan_draft *d, const struct ip_prefix *prefix,
				 uint16_t domain);
/* ... and that this is all that the claim waits for. */
bool plan_draft_lacks_blackhole(const struct plan_draft *d, const struct plan_claim *c);

/* --- what more than one step asks: plan_draft.c ---------------------------------------------- */

/*
 * The zone of the address is not quiet (plan_kept.h): what the store has differs from what is
 * planned, or there is a problem, an item of the ledger, a deadline, or a VIP on its way.
 */
static inline void plan_draft_stir(struct plan_draft *d, const struct ip_addr *addr)
{
	plan_zones_add(&d->stirred, addr);
}
enum vip_gate plan_draft_gate(const struct plan_draft *d, const struct plan_vip *vip);
static inline struct draft_port *plan_draft_port(const struct plan_draft *d,
						 const struct plan_place *p)
{
	return &d->ports[d->arranged->first_row[p->fragment] + p->item];
}
/* The first of the VIP's ports of the Service that claims. */
static inline struct draft_port *plan_draft_claiming(const struct plan_draft *d,
						     const struct arranged_claim *c)
{
	return &d->ports[d->arranged->first_row[c->at.fragment] + c->claim->first_port];
}

/* What the store holds of a key, or NULL. */
const struct lb_actual *plan_draft_actual(const struct plan_draft *d, const struct lb_key *key);
/* Adds a wanted frontend; by the gate complete what the store has of it is held instead. */
struct plan_frontend *plan_draft_push(struct plan_draft *d, const struct lb_frontend *lb);
/* Makes of the row what the store has, to be left as it is. */
void plan_draft_hold(struct plan_frontend *f, const struct lb_actual *actual);
/* The peers (bits) of a claim's advertisements that carry its family and are in its VIP's domain.
 */
uint64_t plan_draft_reach(const struct plan_draft *d, const struct plan_claim *c);
/* Gate 1, for one claim: of these, who may be sent the prefix; `have` were sent it already. */
uint64_t plan_draft_admitted(const struct plan_draft *d, const struct plan_claim *c, uint64_t have);
/* Until when some router may hold stale routes; 0: none does. */
nsec_t plan_draft_stale_until(const struct plan_draft *d);
/* The peer has a session that reaches it; what one that does not was sent still counts as held. */
bool plan_draft_reaches(const struct plan_draft *d, size_t peer);
/* That the established peer's advertised set holds the prefix; NULL: not. It is one of actual's. */
bool plan_draft_advertised(const struct plan_draft *d, const struct plan_actual_peer *p,
			   const struct ip_prefix *prefix);
/* One for each of env.peers; without a session there is nothing on the way. */
struct advertised_walk *plan_advertised_walks(const struct plan_draft *d);
/*
 * That the claim counts: a Service that lost this VIP's every port to others has no say about its
 * routes.
 */
bool plan_draft_keeps(const struct plan_draft *d, const struct arranged_claim *c);
/* The peers (bits) that the plan gives the prefix to; with `held` also those that keep it. */
uint64_t plan_draft_receivers(const struct plan_draft *d, const struct ip_prefix *prefix,
			      bool held);
/* That the plan announces the prefix to these peers (bits) by a row that is not merely held. */
bool plan_draft_announces(const struct plan_draft *d, const struct ip_prefix *prefix,
			  uint64_t peers);
/*
 * Gate 2: when the last route that covers only this key's VIP went; NSEC_NEVER: one is still
 * there. Asked before the routes are made, it does not count what the plan will announce.
 */
nsec_t plan_draft_unheld_since(struct plan_draft *d, const struct lb_key *key);
/* Notes in the ledger that the key is on its way out. */
void plan_draft_note_leaving(struct plan_draft *d, const struct lb_key *key, nsec_t since);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan_compute: environment, one fragment for each Service, then the steps of plan_draft.h over all
 * of them. Everything is sorted where it is made, so the plan is the same for the same inputs in
 * whatever order they were read. No step reads a clock, a file or a global.
 */
#include "plan/plan_backends.h"
#include "plan/plan_contract.h"
#include "plan/plan_explain.h"
#include "plan/plan_family.h"
#include "plan/plan_kept.h"
#include "plan/plan_ledger.h"
#include "plan/plan_peer_change.h"
#include "plan/plan_sort.h"

/* --- fragments ------------------------------------------------------------------------------ */

static void tell_all(struct plan_draft *d)
{
	const struct plan_arrangement *a = d->arranged;

	for (size_t i = 0; (i = arranged_marked(a, PLAN_MARK_TELLS, i)) < a->n; i++)
		problems_borrow(&d->plan->problems, &d->fragments[i]->problems);
}

void plan_draft_join(struct plan_draft *d)
{
	plan_env_domains(&d->env, d->arena);
	d->near = arena_new_of(d->arena, struct draft_near);
	d->near->advertised = arena_array_of(d->arena, d->in->actual->n_peers, size_t);
	d->ports = arena_array_of(d->scratch, d->arranged->n_rows, struct draft_port);
	plan_zones_init(&d->stirred, &d->env, d->arena);
}

/* --- peers ---------------------------------------------------------------------------------- */

/* BGP that is up over that way has some time: BFD mostly follows. */
static void path_problem(struct plan_draft *d, const struct plan_peer *peer,
			 const struct plan_actual_peer *actual)
{
	const bool is_reached = plan_peer_is_reached(actual);
	const nsec_t due = nsec_add(actual->established_at, PLAN_SILENT_NS);
	char text[PLAN_PEER_TEXT];

	if (is_reached && d->now < due) {
		d->deadline = nsec_min(d->deadline, due);
		return;
	}
	object_problem(
		&d->plan->problems, SEVERITY_WARNING, peer->object, "spec.bfdProfile", "BFDDown",
		is_reached ? "see why the router's BFD does not come up again, or name no "
			     "BFDProfile"
			   : "see whether the way to the router is whole, and its BFD runs",
		"BFD with %s is Down: %s; %s", plan_peer_text(peer, text), actual->path.reason,
		is_reached ? "BGP runs without it, and finds a dead path by its hold timer"
			   : "there is no session");
}

static void peer_problem(struct plan_draft *d, const struct plan_peer *peer,
			 const struct plan_actual_peer *actual)
{
	const nsec_t due = nsec_add(actual->trying_since, PLAN_SILENT_NS);
	char text[PLAN_PEER_TEXT];

	if (d->env.drained || d->env.observes) /* then there need be no session */
		return;
	if (actual->path.lost_at != 0) {
		path_problem(d, peer, actual);
		return;
	}
	if (actual->established)
		return;
	if (actual->refusals < PLAN_REFUSALS && d->now < due) {
		d->deadline = nsec_min(d->deadline, due);
		return;
	}
	object_problem(
		&d->plan->problems, SEVERITY_WARNING, peer->object, NULL, "PeerNotEstablished",
		"compare ASN, address, port, password, multihop and families with the router",
		"no session with %s port %u: %s", plan_peer_text(peer, text), peer->port,
		actual->last_error ? actual->last_error : "connected, but OPEN has no answer");
}

static void not_agreed(struct plan_draft *d, const struct plan_peer *peer, enum ip_family family)
{
	const char *text = ip_family_text(family);

	object_problem(&d->plan->problems, SEVERITY_WARNING, peer->object, NULL, "FamilyNotAgreed",
		       arena_printf(d->arena,
				    "activate %s unicast for this neighbour at the router", text),
		       "the router does not list %s unicast in its OPEN: no %s routes are "
		       "announced to it",
		       text, text);
}

/* The plan knows of none, and of IPv4 routes that the router does not take an IPv6 one. */
static void no_next_hop(struct plan_draft *d, const struct plan_peer *peer, enum ip_family family)
{
	const char *text = ip_family_text(family);
	const bool by_interface = peer->key.interface[0] != '\0';

	object_problem(
		&d->plan->problems, SEVERITY_WARNING, peer->object,
		by_interface ? "spec.interface" : "spec.dualStackAddressFamily", "NoNextHop",
		by_interface
			? "have the router offer RFC 8950 (BIRD: extended next hop on; FRR: "
			  "capability extended-nexthop)"
			: arena_printf(d->arena,
				       "give the device of the session a global %s address", text),
		"there is no %s address to be the next hop%s: no %s routes are announced "
		"to it",
		text,
		family == IP_V4 ? ", and the router does not say that it takes IPv6 ones (RFC 8950)"
				: "",
		text);
}

/* Its session turned out not to carry a family that it offers: nothing of that is announced. */
static void note_uncarried(struct plan_draft *d, size_t i, enum ip_family family)
{
	const struct plan_actual_peer *actual = d->peers[i];
	const enum bgp_family f = plan_bgp_family(family);

	if (!actual || !(d->env.carriers[family] >> i & 1))
		return;
	if (bgp_families_has(actual->not_agreed, f))
		not_agreed(d, &d->env.peers[i], family);
	else if (bgp_families_has(actual->no_next_hop, f))
		no_next_hop(d, &d->env.peers[i], family);
	else
		return;
	d->uncarried[family] |= UINT64_C(1) << i;
}

static void match_peers(struct plan_draft *d)
{
	const struct plan_actual *actual = d->in->actual;

	d->peers = arena_array_of(d->arena, d->env.n_peers, const struct plan_actual_peer *);
	for (size_t i = 0; i < d->env.n_peers; i++) {
		for (size_t k = 0; k < actual->n_peers; k++) {
			const struct plan_actual_peer *p = &actual->peers[k];

			if (peer_key_cmp(&p->key, &d->env.peers[i].key) != 0)
				continue;
			peer_problem(d, &d->env.peers[i], p);
			d->peers[i] = p->established ? p : NULL;
		}
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			note_uncarried(d, i, f);
	}
	d->plan->peers = d->env.peers;
	d->plan->n_peers = d->env.n_peers;
}

/* --- status --------------------------------------------------------------------------------- */

static enum draft_route claim_route(const struct plan_draft *d, const struct plan_claim *c,
				    struct advertised_walk *advertised)
{
	const uint64_t mine = plan_draft_receivers(d, &c->prefix, true) & plan_draft_reach(d, c);
	enum draft_route ret = ROUTE_PLANNED;

	if (mine == 0 && !plan_draft_reach(d, c))
		ret = ROUTE_UNCARRIED;
	else if (mine == 0)
		ret = d->peers_open && plan_draft_lacks_blackhole(d, c) ? ROUTE_LACKS_BLACKHOLE
									: ROUTE_NONE;
	for (uint64_t left = mine; left; left &= left - 1) {
		const int i = __builtin_ctzll(left);

		if (!plan_draft_reaches(d, (size_t)i))
			continue;
		if (plan_advertised_next(&advertised[i], &c->prefix))
			return ROUTE_CARRIED;
		ret = ROUTE_HAS_SESSION;
	}
	return ret;
}

/*
 * The farthest of a VIP's claims counts: one session that has a route to it is enough. Prefix by
 * prefix, since routes and what is advertised are in that order.
 */
static void note_routes(struct plan_draft *d)
{
	const struct plan_order *claims = &d->arranged->by_prefix;
	struct advertised_walk *advertised = plan_advertised_walks(d);

	for (size_t i = 0; i < claims->n; i++) {
		const struct arranged_claim *c = arranged_claim(claims, i);
		const enum draft_route route = claim_route(d, c->claim, advertised);
		struct draft_port *ports = plan_draft_claiming(d, c);

		for (size_t k = 0; k < c->claim->n_ports; k++)
			if (route > ports[k].route)
				ports[k].route = route;
	}
}

/* Why a port that its Service would have announced is not; NULL: it is. */
static const char *why_not_announced(const struct plan_draft *d, const struct draft_port *p,
				     enum ip_family family)
{
	if (p->lost)
		return "portConflict";
	if (p->left_out)
		return "conntrackHoldsFlows";
	if (d->env.drained)
		return "nodeDrained";
	if (d->plan->leaving)
		return "dataPlaneLeaving";
	if (p->unreached)
		return "noReachableEndpoints";
	switch (p->route) {
	case ROUTE_CARRIED:
		return NULL;
	case ROUTE_HAS_SESSION:
		return "notSentYet";
	case ROUTE_PLANNED:
		return plan_draft_unsent(d);
	case ROUTE_LACKS_BLACKHOLE:
		return "blackholeNotTried";
	case ROUTE_UNCARRIED:
		if (d->uncarried[family])
			return "familyNotCarried";
		break;
	case ROUTE_NONE:
		break;
	}
	if (d->peers_open && p->unasked)
		return "noReachableEndpoints";
	return d->peers_open ? "notProgrammed" : "dataPlaneNotReady";
}

/* Of a target that left the slices, which said so; "": its Node has gone as well. */
static const char *node_of(const struct plan_draft *d, const struct lb_target *t)
{
	return ip_addr_is_none(&t->node) ? d->in->settings->node_name
					 : plan_text(plan_tunnel_node(&d->env.tunnels, &t->node));
}

static void append_drained(struct plan_draft *d, const struct draft_port *p,
			   struct plan_service *row)
{
	struct plan_service_backend *others =
		arena_array_of(d->arena, p->n_drained, struct plan_service_backend);
	struct plan_backends *all = arena_new_of(d->arena, struct plan_backends);

	if (row->backends)
		*all = *row->backends;
	assert(all->n_others == 0 && all->n == row->n_backends);
	for (size_t i = 0; i < p->n_drained; i++)
		others[i] = (struct plan_service_backend){
			.addr = p->drained[i].addr,
			.port = p->drained[i].port,
			.node = node_of(d, &p->drained[i]),
			.state = "draining",
			.way = plan_way_text(&p->drained[i]),
			.drains_until = p->drained_until[i],
		};
	all->others = others;
	all->n_others = p->n_drained;
	row->backends = all;
	row->n_backends += p->n_drained;
}

static void finish_row(struct plan_draft *d, const struct draft_port *p, struct plan_service *row)
{
	const char *reason;

	if (p->n_drained)
		append_drained(d, p, row);
	if (!row->announced)
		return;
	reason = why_not_announced(d, p, ip_family_of(&row->vip.addr));
	row->announced = !reason;
	row->reason = reason ? reason : "announced";
}

void plan_draft_services(struct plan_draft *d)
{
	const size_t n = d->arranged->n_rows;
	struct plan_service *rows = arena_memdup(d->scratch, d->arranged->rows, n * sizeof(*rows));

	note_routes(d);
	for (size_t i = 0; i < n; i++)
		finish_row(d, &d->ports[i], &rows[i]);
	d->plan->services = rows;
	d->plan->n_services = n;
}

static void hand_out_ledger(struct plan_draft *d, struct plan_ledger *ret)
{
	/* Before the first complete picture nothing is learnt, and nothing forgotten. */
	if (!d->in->synced) {
		*ret = *d->ledger;
		plan_ledger_copy(d->arena, ret);
		return;
	}
	*ret = (struct plan_ledger){
		.drains = d->drains,
		.n_drains = d->n_drains,
		.leaving = d->leaving,
		.n_leaving = d->n_leaving,
		.waiting = d->waiting,
		.n_waiting = d->n_waiting,
		.good = d->env.good,
		.n_good = d->env.n_good,
	};
}

/* The steps that a part has as the whole; blackholes are of the whole always. */
static void take_steps(struct plan_draft *d, const struct plan_inputs *whole,
		       const struct plan_arrangement *arranged)
{
	plan_draft_join(d);
	plan_draft_blackholes(d, whole, arranged);
	plan_draft_frontends(d);
	plan_draft_routes(d);
	plan_draft_leaving(d);
	plan_draft_services(d);
	plan_draft_aggregates(d);
	d->plan->stirred = (struct plan_stirred){.frontends = d->plan->frontends,
						 .n_frontends = d->plan->n_frontends,
						 .stored = d->in->actual->frontends,
						 .n_stored = d->in->actual->n_frontends};
	problems_sort(&d->plan->problems);
}

/* What nobody keeps is the plan's own. */
static void put_alone(struct plan_draft *d)
{
	struct plan *p = d->plan;

	p->routes = arena_memdup(d->arena, p->routes, p->n_routes * sizeof(*p->routes));
	p->services = arena_memdup(d->arena, p->services, p->n_services * sizeof(*p->services));
}

/* False: with what is kept it cannot be made, and that was forgotten: then it can. */
static bool compute(struct plan_draft *d, struct plan_cache *c, struct plan_ledger *ret_ledger)
{
	struct plan_kept *kept = plan_cache_kept(c);
	const struct plan_inputs *in = d->in;
	const struct plan_arrangement *arranged;
	struct plan_part part;
	bool is_part;

	*d->plan = (struct plan){.problems = {.arena = d->arena}};
	plan_draft_fragments(d, c);
	problems_append(&d->plan->problems, &d->env.problems);
	tell_all(d);
	match_peers(d);
	plan_draft_devices(d);
	plan_draft_remotes(d);
	plan_draft_ways(d);
	plan_draft_denied(d);
	plan_draft_health(d);
	plan_draft_rates(d);
	plan_draft_discards(d);
	plan_draft_imports(d);
	plan_draft_made_vrfs(d);
	arranged = d->arranged;
	is_part = kept && !d->in->explain && plan_part_choose(d, kept, &part);
	take_steps(d, in, arranged);
	hand_out_ledger(d, ret_ledger);
	plan_assert_contract(d->plan, ret_ledger);
	if (d->in->explain)
		plan_draft_explain(d);
	if (is_part)
		return plan_kept_put_part(kept, d, &part);
	if (!kept || !plan_kept_put_whole(kept, d))
		put_alone(d);
	return true;
}

void plan_compute(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
		  struct arena *arena, struct plan *ret_plan, struct plan_ledger *ret_ledger,
		  nsec_t *ret_deadline)
{
	struct plan_cache *once = in->cache ? NULL : plan_cache_once(arena);
	struct plan_draft d = {0};

	do {
		arena_free(d.scratch);
		d = (struct plan_draft){
			.in = in,
			.ledger = ledger,
			.now = now,
			.deadline = NSEC_NEVER,
			.arena = arena,
			.scratch = arena_new(),
			.plan = ret_plan,
		};
	} while (!compute(&d, once ? once : in->cache, ret_ledger));
	ret_ledger->router_id = d.env.kept_router_id;
	ret_ledger->pools = in->addresses->pools;
	*ret_deadline = d.deadline;
	arena_free(d.scratch);
	plan_cache_free(once);
}

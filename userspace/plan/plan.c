// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan_compute: environment, one fragment for each Service, then the steps of plan_draft.h over all
 * of them. Everything is sorted where it is made, so the plan is the same for the same inputs in
 * whatever order they were read. No step reads a clock, a file or a global.
 */
#include "plan/plan_contract.h"
#include "plan/plan_draft.h"
#include "plan/plan_ledger.h"
#include "plan/plan_sort.h"

/* --- fragments ------------------------------------------------------------------------------ */

void plan_draft_join(struct plan_draft *d)
{
	d->near = arena_new_of(d->arena, struct draft_near);
	d->near->advertised = arena_array_of(d->arena, d->in->actual->n_peers, size_t);
	d->first_port = arena_array_of(d->arena, d->n_fragments, uint32_t);
	for (size_t i = 0; i < d->n_fragments; i++) {
		d->first_port[i] = (uint32_t)d->n_ports;
		d->n_ports += d->fragments[i]->n_ports;
		problems_append(&d->plan->problems, &d->fragments[i]->problems);
	}
	d->ports = arena_array_of(d->arena, d->n_ports, struct draft_port);
}

/* --- peers ---------------------------------------------------------------------------------- */

static void peer_problem(struct plan_draft *d, const struct plan_peer *peer,
			 const struct plan_actual_peer *actual)
{
	const nsec_t due = nsec_add(actual->trying_since, PLAN_SILENT_NS);
	char text[IP_ADDR_TEXT];

	if (actual->established)
		return;
	if (actual->refusals < PLAN_REFUSALS && d->now < due) {
		d->deadline = nsec_min(d->deadline, due);
		return;
	}
	object_problem(
		&d->plan->problems, SEVERITY_WARNING, peer->object, NULL, "PeerNotEstablished",
		"compare ASN, address, port, password, multihop and families with the router",
		"no session with %s port %u: %s", ip_addr_text(&peer->address, text), peer->port,
		actual->last_error ? actual->last_error : "connected, but OPEN has no answer");
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
	}
	d->plan->peers = d->env.peers;
	d->plan->n_peers = d->env.n_peers;
}

/* --- status --------------------------------------------------------------------------------- */

static enum draft_route claim_route(const struct plan_draft *d, const struct plan_claim *c,
				    struct advertised_walk *advertised)
{
	const uint64_t mine = plan_draft_receivers(d, &c->prefix, true) & plan_draft_reach(d, c);
	enum draft_route ret = mine ? ROUTE_PLANNED : ROUTE_NONE;

	for (uint64_t left = mine; left; left &= left - 1) {
		const int i = __builtin_ctzll(left);

		if (plan_advertised_next(&advertised[i], &c->prefix))
			return ROUTE_CARRIED;
		if (d->peers[i])
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
		const struct plan_place *at = &claims->items[i];
		const struct plan_claim *c = plan_draft_claim(d, at);
		const struct plan_fragment *f = d->fragments[at->fragment];
		struct draft_port *ports = &d->ports[d->first_port[at->fragment]];
		const enum draft_route route = claim_route(d, c, advertised);

		for (size_t k = 0; k < f->n_ports; k++)
			if (route > ports[k].route && plan_vip_equal(&c->vip, &f->ports[k].row.vip))
				ports[k].route = route;
	}
}

/* Why a port that its Service would have announced is not; NULL: it is. */
static const char *why_not_announced(const struct plan_draft *d, const struct draft_port *p,
				     const struct plan_vip *vip)
{
	if (p->lost)
		return "portConflict";
	if (p->left_out)
		return "conntrackHoldsFlows";
	if (d->plan->leaving)
		return "dataPlaneLeaving";
	if (d->plan->dataplane && !plan_family_served(ip_family_of(&vip->addr)))
		return "familyNotServed";
	switch (p->route) {
	case ROUTE_CARRIED:
		return NULL;
	case ROUTE_HAS_SESSION:
		return "notSentYet";
	case ROUTE_PLANNED:
		return "noSession";
	case ROUTE_NONE:
		break;
	}
	return d->peers_open ? "notProgrammed" : "dataPlaneNotReady";
}

static void append_drained(struct plan_draft *d, const struct draft_port *p,
			   struct plan_service *row)
{
	struct plan_service_backend *all = arena_array_of(d->arena, row->n_backends + p->n_drained,
							  struct plan_service_backend);

	for (size_t i = 0; i < row->n_backends; i++)
		all[i] = row->backends[i];
	for (size_t i = 0; i < p->n_drained; i++)
		all[row->n_backends + i] = (struct plan_service_backend){
			.addr = p->drained[i].addr,
			.port = p->drained[i].port,
			.node = d->in->settings->node_name,
			.state = "draining",
		};
	row->backends = all;
	row->n_backends += p->n_drained;
}

static void make_row(struct plan_draft *d, const struct draft_port *p,
		     const struct plan_service *wanted, struct plan_service *ret)
{
	const char *reason;

	*ret = *wanted;
	if (p->n_drained)
		append_drained(d, p, ret);
	if (!ret->announced)
		return;
	reason = why_not_announced(d, p, &wanted->vip);
	ret->announced = !reason;
	ret->reason = reason ? reason : "announced";
}

/* Fragments, and the ports of each, are in the order of the rows. */
void plan_draft_services(struct plan_draft *d)
{
	struct plan_service *rows = arena_array_of(d->arena, d->n_ports, struct plan_service);
	size_t n = 0;

	note_routes(d);
	for (size_t i = 0; i < d->n_fragments; i++)
		for (size_t k = 0; k < d->fragments[i]->n_ports; k++)
			make_row(d, &d->ports[d->first_port[i] + k], &d->fragments[i]->ports[k].row,
				 &rows[n++]);
	d->plan->services = rows;
	d->plan->n_services = n;
}

static void check_pools(struct plan_draft *d)
{
	for (size_t i = 0; i < d->n_fragments; i++) {
		const struct plan_fragment *f = d->fragments[i];

		for (size_t k = 0; k < f->n_pools; k++)
			if (f->pools[k] && !f->pools[k]->advertised)
				object_problem(&d->plan->problems, SEVERITY_WARNING,
					       f->pools[k]->object, NULL, "PoolNotAdvertised",
					       "create a BGPAdvertisement that names the pool",
					       "no advertisement selects this pool");
	}
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

void plan_compute(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
		  struct arena *arena, struct plan *ret_plan, struct plan_ledger *ret_ledger,
		  nsec_t *ret_deadline)
{
	struct plan_arrangement arranged = {0};
	struct plan_draft d = {
		.in = in,
		.ledger = ledger,
		.now = now,
		.deadline = NSEC_NEVER,
		.arena = arena,
		.plan = ret_plan,
	};

	*ret_plan = (struct plan){.problems = {.arena = arena}};
	plan_draft_fragments(&d, &arranged);
	problems_append(&ret_plan->problems, &d.env.problems);
	match_peers(&d);
	plan_draft_devices(&d);
	plan_draft_frontends(&d);
	plan_draft_routes(&d);
	plan_draft_leaving(&d);
	plan_draft_services(&d);
	check_pools(&d);
	plan_draft_aggregates(&d);
	problems_sort(&ret_plan->problems);
	hand_out_ledger(&d, ret_ledger);
	ret_ledger->router_id = d.env.kept_router_id;
	ret_ledger->pools = in->addresses->pools;
	*ret_deadline = d.deadline;
	plan_assert_contract(ret_plan, ret_ledger);
	plan_arrangement_done(&arranged);
}

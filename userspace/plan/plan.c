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

/* Ports and problems of all fragments. */
static void join_fragments(struct plan_draft *d)
{
	size_t n_ports = 0;

	for (size_t i = 0; i < d->n_fragments; i++) {
		n_ports += d->fragments[i]->n_ports;
		problems_append(&d->plan->problems, &d->fragments[i]->problems);
	}
	d->ports = arena_array_of(d->arena, n_ports, struct draft_port);
	for (size_t i = 0; i < d->n_fragments; i++)
		for (size_t k = 0; k < d->fragments[i]->n_ports; k++)
			d->ports[d->n_ports++] = (struct draft_port){
				.fragment = d->fragments[i],
				.port = &d->fragments[i]->ports[k],
			};
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

/* How far a VIP's routes are on their way to the routers. */
enum row_route { ROUTE_NONE, ROUTE_PLANNED, ROUTE_HAS_SESSION, ROUTE_CARRIED };

static enum row_route claim_route(const struct plan_draft *d, const struct plan_claim *c)
{
	const uint64_t mine = plan_draft_receivers(d, &c->prefix, true) & plan_draft_reach(d, c);
	enum row_route ret = mine ? ROUTE_PLANNED : ROUTE_NONE;

	for (uint64_t left = mine; left; left &= left - 1) {
		const struct plan_actual_peer *p = d->peers[__builtin_ctzll(left)];

		if (plan_draft_advertised(p, &c->prefix))
			return ROUTE_CARRIED;
		if (p)
			ret = ROUTE_HAS_SESSION;
	}
	return ret;
}

/* The farthest of its claims: one session that has a route to the VIP is enough. */
static enum row_route row_route(const struct plan_draft *d, const struct draft_port *p)
{
	const struct plan_fragment *f = p->fragment;
	enum row_route ret = ROUTE_NONE;

	for (size_t i = 0; i < f->n_claims && ret != ROUTE_CARRIED; i++) {
		const struct plan_claim *c = &f->claims[i];
		const bool mine = plan_vip_equal(&c->vip, &p->port->row.vip);
		const enum row_route route = mine ? claim_route(d, c) : ROUTE_NONE;

		ret = route > ret ? route : ret;
	}
	return ret;
}

/* Why a port that its Service would have announced is not; NULL: it is. */
static const char *why_not_announced(const struct plan_draft *d, const struct draft_port *p)
{
	if (p->lost)
		return "portConflict";
	if (p->left_out)
		return "conntrackHoldsFlows";
	if (d->plan->leaving)
		return "dataPlaneLeaving";
	switch (row_route(d, p)) {
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

static int cmp_service(const void *a, const void *b)
{
	const struct plan_service *x = a, *y = b;
	int cmp = strcmp(x->ns, y->ns);

	if (cmp == 0)
		cmp = strcmp(x->name, y->name);
	if (cmp == 0)
		cmp = plan_vip_cmp(&x->vip, &y->vip);
	if (cmp == 0)
		cmp = (x->port > y->port) - (x->port < y->port);
	return cmp ? cmp : strcmp(x->protocol, y->protocol);
}

void plan_draft_services(struct plan_draft *d)
{
	struct plan_service *rows = arena_array_of(d->arena, d->n_ports, struct plan_service);

	for (size_t i = 0; i < d->n_ports; i++) {
		const struct draft_port *p = &d->ports[i];
		const char *reason;

		rows[i] = p->port->row;
		if (p->n_drained)
			append_drained(d, p, &rows[i]);
		if (!rows[i].announced)
			continue;
		reason = why_not_announced(d, p);
		rows[i].announced = !reason;
		rows[i].reason = reason ? reason : "announced";
	}
	plan_sort(rows, d->n_ports, sizeof(*rows), cmp_service);
	d->plan->services = rows;
	d->plan->n_services = d->n_ports;
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
	struct plan_draft d = {
		.in = in,
		.ledger = ledger,
		.now = now,
		.deadline = NSEC_NEVER,
		.arena = arena,
		.plan = ret_plan,
	};

	*ret_plan = (struct plan){.problems = {.arena = arena}};
	plan_draft_fragments(&d);
	problems_append(&ret_plan->problems, &d.env.problems);
	join_fragments(&d);
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
}

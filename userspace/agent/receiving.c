// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Numbers of a turn: it looks at 10,000 routes that go, or that a policy is to judge anew, decides
 * about 2,000 prefixes (a millisecond each). What the kernel is told and asked is a helper's, piece
 * by piece.
 *
 * After a start the kernel may have routes of an earlier process. They stay until each peer has
 * said that all of its are there (End-of-RIB), or had the time for it.
 */
#include "agent/receiving.h"

#include "agent/agent.h"
#include "base/hash.h"
#include "plan/plan_kernel.h"
#include "plan/plan_links.h"
#include "sys/log.h"
#include "sys/rtnl_fib.h"

#include <assert.h>
#include <errno.h>

#define LOOK_MAX   10000 /* routes in a turn */
#define DECIDE_MAX 2000  /* prefixes in a turn */
#define LOOK_NS    (60 * NSEC_PER_SEC)
#define LOOK_LEAST (1 * NSEC_PER_SEC) /* between two looks that somebody else brings about */
#define SWEEP_NS   (120 * NSEC_PER_SEC)

void receiving_start(struct agent *a)
{
	struct agent_receiving *r = &a->receiving;

	r->fib = fib_new();
	r->error = rtnl_fib_open(a->loop, &r->rtnl);
	r->tables[r->n_tables++].number = KERNEL_RECEIVED_TABLE;
	a->peers.receiving = r;
}

void receiving_stop(struct agent *a)
{
	a->peers.receiving = NULL;
	a->receiving.rtnl = rtnl_fib_free(a->receiving.rtnl);
	a->receiving.fib = fib_free(a->receiving.fib);
}

uint32_t receiving_port(const struct agent *a)
{
	return a->receiving.rtnl ? rtnl_fib_port(a->receiving.rtnl) : 0;
}

/* --- deciding -------------------------------------------------------------------------------- */

/* The way to a next hop beyond this node's links is the kernel's to say. */
static void note_asked(struct agent_receiving *r, const struct receive_choice *c,
		       const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < r->all.n; i++) {
		const struct plan_link *vrf;
		const struct bgp_path *path;
		struct netlink_ask ask;
		size_t k = 0;

		if (!(c->unreachable >> i & 1))
			continue;
		path = bgp_rib_in_accepted(r->peers[i].rib, prefix);
		if (ip_addr_is_link_local(&path->next_hop))
			continue;
		vrf = plan_link_find(r->all.node, r->peers[i].vrf);
		ask = (struct netlink_ask){.to = path->next_hop};
		if (vrf)
			(void)snprintf(ask.vrf, sizeof(ask.vrf), "%s", vrf->name);
		while (k < r->n_asked && memcmp(&r->asked[k], &ask, sizeof(ask)) != 0)
			k++;
		if (k == r->n_asked && k < RECEIVING_ASKED_MAX)
			r->asked[r->n_asked++] = ask;
	}
}

static void decide(struct agent_receiving *r, uint32_t table, const struct ip_prefix *prefix)
{
	struct receive_choice choice;

	if (table == 0)
		return;
	receive_choose(&r->all, table, prefix, &choice);
	note_asked(r, &choice, prefix);
	fib_want(r->fib, table, prefix, &choice.hops);
}

/* What is left of this turn's numbers. */
struct budget {
	size_t look, decide;
};

/* What a peer has to tell of; true: there is more. */
static bool decide_some(struct agent_receiving *r, uint32_t table, struct bgp_rib_in *rib,
			struct budget *left)
{
	struct ip_prefix prefix;

	left->look -= bgp_rib_in_go_on(rib, left->look);
	while (left->decide > 0 && bgp_rib_in_take(rib, &prefix)) {
		decide(r, table, &prefix);
		left->decide--;
	}
	return bgp_rib_in_has_changed(rib);
}

static struct receiving_table *find_table(struct agent_receiving *r, uint32_t table)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (r->tables[i].number == table)
			return &r->tables[i];
	return NULL;
}

/* Of which a peer is gone; true: there is more. */
static bool decide_tables(struct agent_receiving *r, struct budget *left)
{
	bool more = false;

	for (size_t i = 0; i < r->n_tables; i++) {
		struct receiving_table *t = &r->tables[i];
		struct ip_prefix prefix;

		while (left->decide > 0 && fib_walk(r->fib, t->number, &t->walk, &prefix)) {
			decide(r, t->number, &prefix);
			left->decide--;
		}
		more |= t->walk > 0;
	}
	return more;
}

/* What the choice asks of a session: as configured, since it may be down with its routes stale. */
static void read_session(struct receive_peer *to, const struct agent_peer *p)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);

	to->is_ibgp =
		p->config.bgp.any_internal || p->config.bgp.remote_asn == p->config.bgp.local_asn;
	to->router_id = info.remote_router_id ? info.remote_router_id : to->router_id;
	to->address = p->config.address;
	to->ifindex = p->config.ifindex;
}

/* True: there is more, for the next turn. */
static bool decide_all(struct agent *a)
{
	struct budget left = {.look = LOOK_MAX, .decide = DECIDE_MAX};
	struct agent_receiving *r = &a->receiving;
	const size_t asked = r->n_asked;
	bool more = decide_tables(r, &left), has_changed = false;

	for (size_t i = 0; i < r->all.n; i++)
		has_changed |= bgp_rib_in_has_changed(r->peers[i].rib);
	if (!has_changed)
		return more;
	for (size_t i = 0; i < r->all.n; i++)
		read_session(&r->peers[i], a->peers.items[i]);
	for (size_t i = 0; i < r->all.n; i++)
		more |= decide_some(r, r->peers[i].table, bgp_peer_rib_in(a->peers.items[i]->bgp),
				    &left);
	if (r->n_asked != asked) {
		a->node_at = 0;
		agent_input_changed(&a->inputs, INPUT_LINKS);
	}
	return more;
}

/* --- peers and plan -------------------------------------------------------------------------- */

static void note_table(struct agent_receiving *r, uint32_t table)
{
	if (table == 0 || find_table(r, table) || r->n_tables == ARRAY_SIZE(r->tables))
		return;
	r->tables[r->n_tables++] = (struct receiving_table){.number = table};
	r->look_at = 0;
}

/* A peer's routes do not go there any more; those of others may. */
static void decide_anew(struct agent_receiving *r, uint32_t table)
{
	struct receiving_table *t = find_table(r, table);

	if (t)
		t->walk = SIZE_MAX;
}

/* Peers whose VRF was deleted, or is there again with another table. */
static void leave_tables(struct agent_receiving *r, const struct receive_peer *before, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r->all.n; k++)
			if (before[i].rib == r->peers[k].rib &&
			    before[i].table != r->peers[k].table)
				decide_anew(r, before[i].table);
}

/* Of all that the choice depends on beside the routes. */
static uint64_t hash_of(const struct agent_receiving *r)
{
	uint64_t h = hash_u64(HASH_INIT, r->all.n);
	const struct plan_node *node = r->all.node;

	for (size_t i = 0; i < r->all.n; i++) {
		const struct receive_peer *p = &r->peers[i];

		h = hash_u64(h, (uint64_t)p->table << 32 | (uint32_t)p->ifindex);
		h = hash_u64(h, (uint64_t)(uintptr_t)p->rib);
		h = hash_bytes(h, &p->address, sizeof(p->address));
	}
	for (size_t i = 0; i < node->n_links; i++)
		h = hash_u64(h, (uint64_t)node->links[i].ifindex << 1 | node->links[i].up);
	for (size_t i = 0; i < node->n_addrs; i++) {
		h = hash_bytes(h, &node->addrs[i].addr, sizeof(node->addrs[i].addr));
		h = hash_u64(h, (uint64_t)node->addrs[i].ifindex << 8 | node->addrs[i].len);
	}
	for (size_t i = 0; i < node->n_routes_to; i++) {
		const struct plan_route_to *way = &node->routes_to[i];

		h = hash_bytes(h, &way->gateway, sizeof(way->gateway));
		h = hash_bytes(h, &way->to, sizeof(way->to));
		h = hash_u64(h, (uint64_t)way->ifindex << 1 | way->is_received);
		h = hash_u64(h, (uint64_t)way->vrf);
	}
	return h;
}

static void set_policy(struct agent *a, size_t i, const struct plan_import *import, nsec_t now)
{
	struct agent_receiving *r = &a->receiving;
	struct agent_peer *p = a->peers.items[i];

	if (!bgp_import_is_nothing(&import->policy)) {
		r->open |= UINT64_C(1) << i;
		note_table(r, import->table);
	}
	if (!bgp_peer_set_import(p->bgp, &import->policy))
		agent_peer_begin_again(p, now);
}

static void retake(struct agent *a)
{
	for (size_t i = 0; i < a->receiving.all.n; i++)
		bgp_rib_in_retake(bgp_peer_rib_in(a->peers.items[i]->bgp));
}

void receiving_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_receiving *r = &a->receiving;
	struct receive_peer before[ARRAY_SIZE(r->peers)];
	const size_t n_before = r->all.n;
	uint64_t seen;

	memcpy(before, r->peers, n_before * sizeof(*before));
	assert(a->peers.n == plan->n_peers && plan->n_peers <= ARRAY_SIZE(r->peers));
	r->open = 0;
	for (size_t i = 0; i < plan->n_peers; i++)
		set_policy(a, i, &plan->imports[i], now);
	for (size_t i = 0; i < plan->n_peers; i++) {
		struct receive_peer *to = &r->peers[i];

		*to = (struct receive_peer){.rib = bgp_peer_rib_in(a->peers.items[i]->bgp),
					    .table = plan->imports[i].table,
					    .domain = plan->peers[i].domain,
					    .vrf = plan->peers[i].vrf};
		read_session(to, a->peers.items[i]);
	}
	r->links = (struct receive_links){0};
	r->all = (struct receive_peers){.items = r->peers,
					.n = plan->n_peers,
					.node = netlink_node(a->netlink),
					.links = &r->links};
	leave_tables(r, before, n_before);
	seen = hash_of(r);
	if (seen != r->seen && r->open) {
		retake(a);
		receiving_look(a, now);
	}
	r->seen = seen;
	agent_peers_pump(&a->peers, now);
}

void receiving_forget(struct agent_receiving *r, struct agent_peer *p)
{
	struct bgp_rib_in *rib = bgp_peer_rib_in(p->bgp);
	size_t i = 0;

	while (r && i < r->all.n && r->peers[i].rib != rib)
		i++;
	if (!r || i == r->all.n)
		return;
	decide_anew(r, r->peers[i].table);
	memmove(&r->peers[i], &r->peers[i + 1], (--r->all.n - i) * sizeof(*r->peers));
	r->seen = 0;
}

/* --- the kernel ------------------------------------------------------------------------------ */

void receiving_look(struct agent *a, nsec_t now)
{
	struct agent_receiving *r = &a->receiving;

	r->look_at = nsec_min(r->look_at, nsec_add(now, LOOK_LEAST));
}

static void begin_look(struct agent_receiving *r, nsec_t now)
{
	uint32_t numbers[ARRAY_SIZE(r->tables)];

	if (rtnl_fib_is_looking(r->rtnl) || now < r->look_at)
		return;
	r->look_at = nsec_add(now, LOOK_NS);
	for (size_t i = 0; i < r->n_tables; i++)
		numbers[i] = r->tables[i].number;
	rtnl_fib_look_begin(r->rtnl, r->fib, numbers, r->n_tables);
	r->is_looking = true;
}

static void note_looked(struct agent_receiving *r)
{
	const int err = rtnl_fib_looked(r->rtnl);

	if (!r->is_looking || rtnl_fib_is_looking(r->rtnl))
		return;
	r->is_looking = false;
	r->has_looked = true;
	if (err < 0)
		log_debug("received routes: could not look at all of them", "error=%s",
			  log_quote(strerror(-err)));
}

/* A look and changes have the helper in turns: either may have much to do. True: it is away. */
static bool give_next(struct agent_receiving *r)
{
	if (rtnl_fib_is_away(r->rtnl))
		return true;
	r->is_looks_turn = !r->is_looks_turn;
	if (r->is_looks_turn && rtnl_fib_look(r->rtnl))
		return true;
	return rtnl_fib_apply(r->rtnl, r->fib) || rtnl_fib_look(r->rtnl);
}

/* All that the peers have was said, or they had the time for it. */
static bool may_sweep(const struct agent *a, nsec_t now)
{
	const struct agent_receiving *r = &a->receiving;

	if (!r->has_looked || !agent_inputs_are_complete(&a->inputs) || !a->current)
		return false;
	if (now >= a->started_at + SWEEP_NS)
		return true;
	for (size_t i = 0; i < r->all.n; i++)
		if (r->open >> i & 1 && !bgp_peer_info(a->peers.items[i]->bgp).end_of_rib_received)
			return false;
	return true;
}

/* Of what is a problem. */
static bool is_other(const struct fib_counts *a, const struct fib_counts *b)
{
	return a->n_failed != b->n_failed || a->first_error != b->first_error ||
	       a->n_taken != b->n_taken || (a->n_failed > 0 && a->n_wanted != b->n_wanted);
}

/* What is in the way is a problem of the next plan, or none any more. */
static void say(struct agent *a, const struct fib_counts *c)
{
	struct agent_receiving *r = &a->receiving;

	a->peers.changed |= is_other(c, &r->said);
	if (c->n_repaired != r->said.n_repaired)
		log_warn("received routes: somebody took routes away; put back", "n=%llu",
			 (unsigned long long)(c->n_repaired - r->said.n_repaired));
	if (c->first_error != 0 && c->first_error != r->said.first_error)
		log_warn("received routes: not all could be installed", "n=%zu error=%s",
			 c->n_failed, log_quote(strerror(-c->first_error)));
	r->said = *c;
}

/* That a peer sends too much is the plan's to say. */
static void note_limits(struct agent *a)
{
	struct agent_receiving *r = &a->receiving;
	uint64_t over = 0;

	for (size_t i = 0; i < r->all.n; i++)
		if (bgp_rib_in_counts(r->peers[i].rib).is_over_limit)
			over |= UINT64_C(1) << i;
	a->peers.changed |= over != r->over;
	r->over = over;
}

nsec_t receiving_step(struct agent *a, nsec_t now)
{
	struct agent_receiving *r = &a->receiving;
	bool more, is_away;

	if (!a->current || a->is_put_off)
		return NSEC_NEVER;
	more = decide_all(a);
	if (!r->rtnl)
		return more ? now : NSEC_NEVER;
	note_looked(r);
	begin_look(r, now);
	is_away = give_next(r);
	r->is_busy |= more || is_away;
	if (more || is_away) /* or the helper's return is the next turn */
		return more ? now : r->is_looking ? NSEC_NEVER : r->look_at;
	if (r->is_busy) {
		const struct fib_counts c = fib_counts(r->fib);

		r->is_busy = false;
		say(a, &c);
		note_limits(a);
		/* Nobody receives, and nothing is there: the next look is when that changes. */
		if (!r->open && c.n_wanted + c.n_adopted + c.n_waiting + c.n_taken == 0)
			r->look_at = NSEC_NEVER;
	}
	if (!fib_is_swept(r->fib)) {
		if (may_sweep(a, now)) {
			fib_sweep(r->fib);
			return now;
		}
		if (r->has_looked)
			return nsec_min(r->look_at, nsec_add(now, NSEC_PER_SEC));
	}
	return r->look_at;
}

/* --- problems, cleaning up ------------------------------------------------------------------- */

static void refused_problem(const struct agent *a, const struct fib_counts *c,
			    struct problems *list)
{
	const int error = a->receiving.error ? a->receiving.error : c->first_error;
	const struct object_ref ref = {.kind = "Node", .name = a->options->node};
	const struct problem_text text = {
		.field = "received routes",
		.reason = "RoutesRefused",
		.remedy = error == -EPERM || error == -EACCES
				  ? "let the agent change routes (CAP_NET_ADMIN)"
				  : "lodectl show routes --received says which; let their router "
				    "send next hops that this node's kernel can follow",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "%zu of %zu received routes are not installed: %s",
		    a->receiving.error ? c->n_wanted : c->n_failed, c->n_wanted, strerror(-error));
}

static void taken_problem(const struct agent *a, const struct fib_counts *c, struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = a->options->node};
	const struct problem_text text = {
		.field = "received routes",
		.reason = "RouteTaken",
		.remedy = "give these routes another metric, or another table",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "routes of somebody else's to the same prefixes, with our metric %u, "
		    "are in the way of %zu received routes",
		    FIB_METRIC, c->n_taken);
}

void receiving_problems(const struct agent *a, struct problems *list)
{
	const struct agent_receiving *r = &a->receiving;
	const struct fib_counts c = r->error ? fib_counts(r->fib) : r->said;

	if (!r->open)
		return;
	if (r->error || c.n_failed > 0)
		refused_problem(a, &c, list);
	if (c.n_taken > 0)
		taken_problem(a, &c, list);
}

int receiving_cleanup(void)
{
	_cleanup_(rtnl_fib_freep) struct rtnl_fib *r = NULL;
	const int err = rtnl_fib_open(NULL, &r);

	return err < 0 ? err : rtnl_fib_cleanup(r);
}

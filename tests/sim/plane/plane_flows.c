// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows of clients, and the two that may serve them: the kernel, by kube-proxy's rules and
 * conntrack, and the programs, by what the store holds. Each packet goes to one of them as
 * bpf/kernel_flow.h says, and what must hold is DESIGN 7.2 step 8: one owner for life. From a
 * flow's first packet to its last it is the same side that translates it, and to the same backend.
 *
 * Clients come over a route of their own, so packets come whoever announces. Flows last less long
 * than what is drained has time, so nothing that the agent does may cut one; a device that was
 * taken away may. Which backend a new flow gets is the rows' matter; here it is any that is ready.
 */
#include "sim/plane/plane_flows.h"

#include <netinet/in.h>

#define PACKETS_NS (400 * NSEC_PER_MSEC)
#define WALK_NS    (5 * NSEC_PER_SEC)
#define LIFE_S     15 /* at most; drainSeconds is 20 */
#define LOST_NS    (5 * NSEC_PER_SEC)

/* --- packets ---------------------------------------------------------------------------------- */

static const struct lb_target *target_of(const struct fake_frontend *fe, const struct ip_addr *addr)
{
	for (size_t i = 0; i < fe->n_targets; i++)
		if (ip_addr_equal(&fe->targets[i].addr, addr))
			return &fe->targets[i];
	return NULL;
}

static bool is_attached(const struct plane *p)
{
	for (size_t i = 0; i < p->f->n_devices; i++)
		if (p->f->devices[i].xdp)
			return true;
	return false;
}

/* The frontend that the programs find for a packet; NULL: it is the kernel's, or nobody's. */
static const struct fake_frontend *frontend_of(struct plane *p, const struct plane_flow *f)
{
	return is_attached(p) ? fake_store_find(&p->f->store, &f->key) : NULL;
}

/* What comes to a port that is none goes to the kernel. */
static bool passes(struct plane *p, const struct lb_key *key)
{
	const struct lb_key vip = {.addr = key->addr, .domain = key->domain};
	const struct fake_frontend *fe = fake_store_find(&p->f->store, &vip);

	return !is_attached(p) || !fe || fe->flags & LB_F_UNKNOWN_PASS;
}

/* kernel_flow_has(). */
static bool is_kernels(const struct plane_flows *w, const struct fake_frontend *fe,
		       const struct plane_flow *f, bool is_first)
{
	if (fe->flags & (LB_F_KERNEL_FLOWS | LB_F_TAKING_OVER) && plane_conntrack_names(w, f))
		return true;
	if (!(fe->flags & (LB_F_TAKING_OVER | LB_F_HANDING_BACK)))
		return false;
	if (is_first)
		return fe->flags & LB_F_HANDING_BACK;
	return f->side != PROGRAMS; /* only those have an entry in the flow table */
}

static enum side side_of(struct plane *p, const struct plane_flow *f, bool is_first)
{
	const struct fake_frontend *fe = frontend_of(p, f);

	if (fe)
		return is_kernels(p->flows, fe, f, is_first) ? KERNEL : PROGRAMS;
	/* A VIP without such a port drops what comes, but as its Service says. */
	return passes(p, &f->key) ? KERNEL : NOBODY;
}

/* A backend for a new flow of the programs', or none. */
static bool choose(struct plane *p, struct plane_flow *f)
{
	const struct fake_frontend *fe = frontend_of(p, f);
	const size_t from = fe->n_targets ? plane_chance(p, fe->n_targets) : 0;

	if (fe->flags & (LB_F_CLOSED | LB_F_PAUSED))
		return false;
	for (size_t i = 0; i < fe->n_targets; i++) {
		const struct lb_target *t = &fe->targets[(from + i) % fe->n_targets];

		if (t->state != LB_BACKEND_READY)
			continue;
		f->backend = t->addr;
		f->seed = fe->seed;
		return true;
	}
	return false;
}

/* A Service has this port of this address. */
static bool is_somebodys(const struct plane *p, const struct lb_key *key)
{
	for (size_t i = 0; i < p->given.n; i++) {
		const struct plan_address *a = &p->given.items[i];
		const struct api_object *o;

		if (!ip_addr_equal(&a->addr, &key->addr))
			continue;
		o = world_find(p->f->world, API_SERVICE, a->ns, a->name);
		for (size_t k = 0; o && k < o->service.n_ports; k++)
			if (o->service.ports[k].port == key->port)
				return true;
	}
	return false;
}

/* A VIP without the port yet: what is sent again comes through, if the store works. */
static void check_lost(struct plane *p, struct plane_flow *f, const char *vip)
{
	const struct fake_store *s = &p->f->store;

	if (!is_somebodys(p, &f->key)) {
		f->client = 0; /* nor would the kernel's rules have it */
		return;
	}
	if (f->lost_since == NSEC_NEVER || s->fail_every || s->per_turn || !p->is_alive)
		f->lost_since = p->now;
	if (f->lost_since + LOST_NS < p->now)
		plane_violation(p, "a flow to %s port %u reaches nobody", vip, f->key.port);
}

static void packet(struct plane *p, struct plane_flow *f)
{
	const enum side side = side_of(p, f, false);
	const struct fake_frontend *fe = frontend_of(p, f);
	char text[IP_ADDR_TEXT];

	ip_addr_text(&f->key.addr, text);
	p->stats.packets++;
	if (side == NOBODY) {
		check_lost(p, f, text);
		return;
	}
	f->lost_since = NSEC_NEVER;
	if (side == PROGRAMS && (f->is_unseen || (f->seed && f->seed != fe->seed)))
		f->client = 0; /* cut, as it may be: of another Service nothing lives on */
	else if (side != f->side)
		plane_violation(p, "a flow to %s port %u goes from side %d to %d", text,
				f->key.port, (int)f->side, (int)side);
	else if (side == PROGRAMS && !target_of(fe, &f->backend))
		plane_violation(p, "a flow to %s port %u has lost its backend", text, f->key.port);
}

/* --- clients ---------------------------------------------------------------------------------- */

/* To a port that a Service has: others nobody serves. */
static bool aim(struct plane *p, struct plane_flow *f)
{
	const struct plan_addresses *all = &p->given;
	const struct plan_address *a;
	const struct api_object *o;

	if (!p->f->synced || all->n == 0 || p->flows->is_harmed)
		return false;
	a = &all->items[plane_chance(p, all->n)];
	o = world_find(p->f->world, API_SERVICE, a->ns, a->name);
	if (!o || o->service.n_ports == 0)
		return false;
	f->key = (struct lb_key){
		.addr = a->addr, .port = o->service.ports[0].port, .proto = IPPROTO_TCP};
	return true;
}

/*
 * A store that refuses what it is told takes flows for which there is no time any more: for a
 * backend whose drain began without it, or while all is left.
 */
static bool is_behind(const struct plane *p)
{
	return p->f->store.fail_every || (p->f->plan.leaving && p->f->store.per_turn);
}

static void begin(struct plane *p, struct plane_flow *f)
{
	struct plan_vip vip;

	*f = (struct plane_flow){.side = NOBODY, .lost_since = NSEC_NEVER};
	if (!aim(p, f))
		return;
	vip = plan_vip_of(&f->key);
	f->client = ++p->flows->n_clients;
	f->side = side_of(p, f, true);
	if (f->side == NOBODY || (f->side == PROGRAMS && (is_behind(p) || !choose(p, f)))) {
		f->client = 0;
		return;
	}
	f->is_unseen = f->side == KERNEL && plane_conntrack_is_unseen(p->flows, &vip);
	f->until = p->now + NSEC_PER_SEC + plane_chance(p, (LIFE_S - 1) * NSEC_PER_SEC);
	p->stats.flows[f->side == PROGRAMS]++;
}

/*
 * A device that is taken away changes the side of all flows, and once more when it is given back,
 * whether or not what is stored was being left meanwhile.
 */
static void note_harm(struct plane *p)
{
	if (p->f->device_failure)
		p->flows->is_harmed = true;
	else if (is_attached(p) || !(p->f->plan.dataplane || p->f->plan.leaving))
		p->flows->is_harmed = false;
	for (size_t i = 0; p->flows->is_harmed && i < PLANE_FLOWS; i++)
		p->flows->items[i].client = 0;
}

static void packets(struct plane *p)
{
	for (size_t i = 0; i < PLANE_FLOWS && p->violation[0] == '\0'; i++) {
		struct plane_flow *f = &p->flows->items[i];

		if (plane_flow_lives(p, f))
			packet(p, f);
		else if (plane_chance(p, plane_conntrack_has(p, f) ? 200 : 20) == 0)
			begin(p, f);
	}
}

/* --- the walk --------------------------------------------------------------------------------- */

static bool has_flow(const struct plane *p, const struct lb_key *key, const struct ip_addr *backend)
{
	for (size_t i = 0; i < PLANE_FLOWS; i++) {
		const struct plane_flow *f = &p->flows->items[i];

		if (plane_flow_lives(p, f) && f->side == PROGRAMS &&
		    lb_key_cmp(&f->key, key) == 0 &&
		    (!backend || ip_addr_equal(&f->backend, backend)))
			return true;
	}
	return false;
}

/* What the walk through the flow table tells: frontends and drained backends without a flow. */
static bool judge(const struct plane *p, struct fake_frontend *fe)
{
	const bool ends = fe->flags & (LB_F_HANDING_BACK | LB_F_CLOSED) && fe->key.port != 0;
	const bool idle = ends && !has_flow(p, &fe->key, NULL);
	bool news = idle != fe->idle;

	fe->idle = idle;
	for (size_t k = 0; k < fe->n_targets; k++) {
		struct lb_target *t = &fe->targets[k];
		const enum lb_backend_state before = t->state;

		if (before != LB_BACKEND_READY)
			t->state = has_flow(p, &fe->key, &t->addr) ? LB_BACKEND_DRAINING
								   : LB_BACKEND_IDLE;
		news |= t->state != before;
	}
	return news;
}

static void walk(struct plane *p)
{
	for (size_t i = 0; i < p->f->store.n; i++)
		p->dirty |= judge(p, &p->f->store.items[i]);
}

/* --- time ------------------------------------------------------------------------------------- */

void plane_flows_step(struct plane *p)
{
	struct plane_flows *w = p->flows;

	note_harm(p);
	if (w->next_packets <= p->now) {
		w->next_packets = p->now + PACKETS_NS;
		packets(p);
	}
	if (p->is_alive && w->next_walk <= p->now) {
		w->next_walk = p->now + WALK_NS;
		walk(p);
	}
	plane_conntrack_step(p);
}

nsec_t plane_flows_next(const struct plane *p)
{
	const nsec_t next = nsec_min(p->flows->next_packets, plane_conntrack_next(p));

	return p->is_alive ? nsec_min(next, p->flows->next_walk) : next;
}

/* A process that ends takes along what it knew; the helper's job, too. */
void plane_flows_crash(struct plane *p)
{
	p->flows->job.is_under_way = false;
	p->flows->n_taken = 0;
	p->flows->missed.n = 0;
	p->flows->n_programmed = 0;
	p->flows->at_rest = false;
	p->flows->until = p->flows->ask_at = NSEC_NEVER;
}

void plane_flows_init(struct plane *p)
{
	p->flows = xcalloc(1, sizeof(*p->flows));
	p->flows->next_packets = p->flows->next_walk = p->now;
	p->flows->until = p->flows->ask_at = NSEC_NEVER;
}

void plane_flows_done(struct plane *p)
{
	free(p->flows);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The gates, seen from outside: from the bytes that the agent's speakers hand to the kernel, from
 * what the store held before and after, and from what the routers have. The first violation ends
 * the run.
 *
 *   placed      no UPDATE announces an aggregate, but to a peer that has it already, that is not a
 * blackhole in the kernel, which may have been slow
 *   discarded   no UPDATE tells of a blackhole that is not dropped, nor anybody who did not ask
 *   programmed  no UPDATE announces a prefix under which nothing is programmed, tested and ready,
 * but to a peer that has it already: its frontend is being updated unheld      no VIP leaves the
 * store while a session's kernel has a route that covers only it, nor within two seconds after, nor
 * while a helper keeps it for a session that broke complete before the first picture nothing leaves
 * the store, is rewritten, withdrawn or closed by End-of-RIB
 */
#include "sim/plane/plane.h"

#include "bgp/bgp_update.h"

#include <stdarg.h>

void plane_violation(struct plane *p, const char *fmt, ...)
{
	va_list ap;

	if (p->violation[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p->violation, sizeof(p->violation), fmt, ap);
	va_end(ap);
}

static const char *text_of(const struct ip_prefix *prefix)
{
	static char text[IP_PREFIX_TEXT]; /* for one message only */

	return ip_prefix_text(prefix, text);
}

/* --- programmed (1), complete (5) ------------------------------------------------------------- */

static bool has_ready(const struct fake_frontend *f)
{
	for (size_t i = 0; i < f->n_targets; i++)
		if (f->targets[i].state == LB_BACKEND_READY)
			return true;
	return false;
}

static bool is_served(const struct fixture *f, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < f->store.n; i++) {
		const struct fake_frontend *fe = &f->store.items[i];

		if (fe->key.port != 0 && ip_prefix_has(prefix, &fe->key.addr) && fe->tested &&
		    has_ready(fe))
			return true;
	}
	return false;
}

static bool is_blackhole(struct rcur communities)
{
	while (rcur_left(&communities) >= 4)
		if (rcur_u32(&communities) == COMMUNITY_BLACKHOLE)
			return true;
	return false;
}

static bool is_dropped(const struct fixture *f, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < f->store.n_discards; i++)
		if (ip_prefix_cmp(&f->store.discards[i].prefix, prefix) == 0)
			return true;
	return false;
}

/* Gate discarded. */
static void check_told(struct plane *p, unsigned i, const struct ip_prefix *prefix)
{
	const struct plan *plan = &p->f->plan;

	p->stats.told++;
	if (plan->drained || i != 1 || (plan->dataplane && !is_dropped(p->f, prefix)))
		plane_violation(p, "peer %u: %s is told to be a blackhole and not dropped", i,
				text_of(prefix));
}

static bool is_placed(const struct fixture *f, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < f->kernel->n_routes; i++)
		if (ip_prefix_cmp(&f->kernel->routes[i].to, prefix) == 0)
			return true;
	return false;
}

/* Gate placed. */
static void check_placed(struct plane *p, unsigned i, const struct ip_prefix *prefix)
{
	if (prefix->len < ip_addr_bits(&prefix->addr) && !is_placed(p->f, prefix) &&
	    !plane_find(&p->sessions[i].written, prefix))
		plane_violation(p, "peer %u: %s is announced and no blackhole", i, text_of(prefix));
}

static void check_announced(struct plane *p, unsigned i, const struct bgp_update *u, struct rcur c,
			    enum bgp_family family)
{
	const struct plan *plan = &p->f->plan;
	struct ip_prefix prefix;

	while (bgp_nlri_next(&c, family, &prefix)) {
		check_placed(p, i, &prefix);
		if (is_blackhole(u->communities))
			check_told(p, i, &prefix);
		else if (plan->leaving || plan->drained ||
			 (plan->dataplane && !is_served(p->f, &prefix) &&
			  !plane_find(&p->sessions[i].written, &prefix)))
			plane_violation(p, "peer %u: %s is announced and not served", i,
					text_of(&prefix));
	}
}

void plane_check_sent(struct plane *p, unsigned i, struct rcur body)
{
	struct bgp_update_session session = {
		.is_ibgp = i == 1, .as4 = true, .families = {i == 1 ? 3 : 1}};
	struct bgp_update u;
	struct bgp_error e;

	if (bgp_update_decode(body, &session, &u, &e) != BGP_UPDATE_OK) {
		session.as4 = false; /* the hostile one may have said so */
		if (bgp_update_decode(body, &session, &u, &e) != BGP_UPDATE_OK)
			plane_violation(p, "peer %u: malformed UPDATE: %s", i, u.reason);
		return;
	}
	if (!p->f->synced && (u.n_withdrawn > 0 || u.is_end_of_rib))
		plane_violation(p, "peer %u: withdraw or End-of-RIB before all was read", i);
	check_announced(p, i, &u, u.nlri, BGP_IPV4_UNICAST);
	check_announced(p, i, &u, u.mp_reach.nlri, u.mp_reach.family);
}

/* --- unheld (2), complete (5) ----------------------------------------------------------------- */

struct held {
	struct lb_key key;
	uint64_t table;
};
struct plane_before {
	struct held *items;
	size_t n;
	bool synced;
	size_t n_attached, n_denied;
};

static size_t count_attached(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_devices; i++)
		n += f->devices[i].xdp;
	return n;
}

struct plane_before *plane_check_before(const struct plane *p)
{
	struct plane_before *b = xcalloc(1, sizeof(*b));

	b->n = p->f->store.n;
	b->items = xcalloc(b->n + 1, sizeof(*b->items));
	for (size_t i = 0; i < b->n; i++)
		b->items[i] = (struct held){p->f->store.items[i].key, p->f->store.items[i].table};
	b->synced = p->f->synced;
	b->n_attached = count_attached(p->f);
	b->n_denied = p->f->deny->n;
	return b;
}

/* Another VIP under the prefix is there: the route is not this one's alone. */
static bool has_other(const struct fixture *f, const struct ip_prefix *prefix,
		      const struct ip_addr *vip)
{
	for (size_t i = 0; i < f->store.n; i++)
		if (ip_prefix_has(prefix, &f->store.items[i].key.addr) &&
		    !ip_addr_equal(&f->store.items[i].key.addr, vip))
			return true;
	return false;
}

static bool covers_only(const struct fixture *f, const struct plane_prefix *e,
			const struct ip_addr *vip)
{
	/* Nothing reaches what is dropped, whatever a router has. */
	return ip_prefix_has(&e->prefix, vip) && !has_other(f, &e->prefix, vip) &&
	       !is_dropped(f, &e->prefix);
}

static void check_deleted(struct plane *p, const struct ip_addr *vip)
{
	char text[IP_ADDR_TEXT];

	ip_addr_text(vip, text);
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		const struct plane_session *s = &p->sessions[i];
		const struct plane_router *r = &p->routers[i];

		for (size_t k = 0; k < s->written.n; k++)
			if (covers_only(p->f, &s->written.items[k], vip))
				plane_violation(p, "%s went while peer %u has a route to it", text,
						i);
		for (size_t k = 0; k < s->lost.n; k++)
			if (covers_only(p->f, &s->lost.items[k], vip) &&
			    s->lost.items[k].at + PLAN_UNHELD_NS > p->now)
				plane_violation(p, "%s went too soon after peer %u's route", text,
						i);
		for (size_t k = 0; r->peer && s->held_until > p->now && k < r->table.n; k++)
			if (covers_only(p->f, &r->table.items[k], vip))
				plane_violation(p, "%s went while router %u keeps a route", text,
						i);
	}
}

static const struct fake_frontend *find(const struct fixture *f, const struct lb_key *key)
{
	for (size_t i = 0; i < f->store.n; i++)
		if (lb_key_cmp(&f->store.items[i].key, key) == 0)
			return &f->store.items[i];
	return NULL;
}

/* A session whose way BFD has lost carries nothing, though BGP may not have noticed. */
static void check_reached(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		const struct plane_session *s = &p->sessions[i];
		const struct bgp_peer_info info =
			s->peer ? bgp_peer_info(s->peer) : (struct bgp_peer_info){0};

		if (info.state == BGP_ESTABLISHED &&
		    (s->lost_at == 0 || info.established_at >= s->lost_at))
			return;
	}
	for (size_t i = 0; i < p->f->plan.n_services; i++)
		if (p->f->plan.services[i].announced)
			plane_violation(p, "%s is announced, and no router is reached",
					p->f->plan.services[i].name);
}

void plane_check_after(struct plane *p, struct plane_before *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct fake_frontend *now = find(p->f, &b->items[i].key);

		if (!b->synced && (!now || now->table != b->items[i].table))
			plane_violation(p, "the store changed before all was read");
		if (now || b->items[i].key.port != 0)
			continue;
		p->stats.deletions++;
		check_deleted(p, &b->items[i].key.addr);
	}
	if (!b->synced && p->f->deny->n < b->n_denied &&
	    (p->f->plan.dataplane || p->f->plan.leaving))
		plane_violation(p, "somebody is let in before all was read");
	if (count_attached(p->f) < b->n_attached && !p->f->device_failure) {
		if (!b->synced)
			plane_violation(p, "detached before all was read");
		if (p->f->store.n > 0)
			plane_violation(p, "detached from maps that serve");
	}
	if (p->f->store.n_orphans > 0)
		plane_violation(p, "a frontend without its VIP");
	if (fake_store_leads_nowhere(&p->f->store))
		plane_violation(p, "packets are led to a program that is not loaded");
	check_reached(p);
	free(b->items);
	free(b);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void check_table(struct plane *p, const struct fixture *fresh, unsigned i)
{
	const struct plane_prefixes *t = &p->routers[i].table;
	size_t n = 0;

	for (size_t k = 0; k < fresh->plan.n_routes; k++) {
		const struct plan_route *want = &fresh->plan.routes[k];
		const struct plane_prefix *have = plane_find(t, &want->prefix);

		if (!(want->peers >> i & 1))
			continue;
		n++;
		if (!have || have->is_stale)
			plane_violation(p, "router %u lacks %s at the end", i,
					text_of(&want->prefix));
	}
	for (size_t k = 0; k < t->n && n != t->n; k++)
		plane_violation(p, "router %u has %zu routes at the end, not %zu; one is %s", i,
				t->n, n, text_of(&t->items[k].prefix));
}

static void check_store(struct plane *p, const struct fixture *fresh)
{
	if (p->f->store.n != fresh->store.n || p->f->n_devices != fresh->n_devices)
		plane_violation(p, "%zu frontends and %zu devices at the end, not %zu and %zu",
				p->f->store.n, p->f->n_devices, fresh->store.n, fresh->n_devices);
	for (size_t i = 0; i < p->f->store.n && i < fresh->store.n; i++)
		if (lb_key_cmp(&p->f->store.items[i].key, &fresh->store.items[i].key) != 0 ||
		    p->f->store.items[i].table != fresh->store.items[i].table)
			plane_violation(p, "frontend %zu is another one at the end", i);
}

static void check_denied(struct plane *p, const struct fixture *fresh)
{
	const struct fake_deny *a = p->f->deny, *b = fresh->deny;

	if (a->n != b->n)
		plane_violation(p, "%zu denied prefixes at the end, not %zu", a->n, b->n);
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (ip_prefix_cmp(&a->set[i], &b->set[i]) != 0)
			plane_violation(p, "denied prefix %zu is another one at the end", i);
	if (memcmp(a->bits, b->bits, sizeof(a->bits)) != 0)
		plane_violation(p, "other bits of denied sources at the end");
}

static void check_rates(struct plane *p, const struct fixture *fresh)
{
	const struct fake_store *a = &p->f->store, *b = &fresh->store;

	if (a->n_rates != b->n_rates)
		plane_violation(p, "%zu limits at the end, not %zu", a->n_rates, b->n_rates);
	for (size_t i = 0; i < a->n_rates && i < b->n_rates; i++)
		if (!plan_vip_equal(&a->rates[i].vip, &b->rates[i].vip) ||
		    a->rates[i].packets != b->rates[i].packets)
			plane_violation(p, "limit %zu is another one at the end", i);
}

static void check_discards(struct plane *p, const struct fixture *fresh)
{
	const struct fake_store *a = &p->f->store, *b = &fresh->store;

	if (a->n_discards != b->n_discards)
		plane_violation(p, "%zu blackholes at the end, not %zu", a->n_discards,
				b->n_discards);
	for (size_t i = 0; i < a->n_discards && i < b->n_discards; i++)
		if (lb_discard_cmp(&a->discards[i], &b->discards[i]) != 0)
			plane_violation(p, "blackhole %zu is another one at the end", i);
}

static void check_given(struct plane *p, const struct fixture *fresh)
{
	const struct plan_addresses *a = &p->f->addresses, *b = &fresh->addresses;

	if (a->n != b->n)
		plane_violation(p, "%zu addresses at the end, not %zu", a->n, b->n);
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
		    !ip_addr_equal(&a->items[i].addr, &b->items[i].addr))
			plane_violation(p, "address %zu is another one at the end", i);
}

void plane_check_end(struct plane *p)
{
	struct fixture *fresh = fixture_new();

	fresh->given = p->given;
	fresh->settings.drained = p->drained;
	plane_world_set_orders(p, fresh);
	plane_world_put_all(p, fresh);
	plane_give_ipv6(fresh, true);
	(void)fixture_converge(fresh, 20);
	if (fixture_peer(fresh, "p2"))
		fixture_peer(fresh, "p2")->not_agreed.bits = BGP_FAMILY_BIT(BGP_IPV6_UNICAST);
	if (fixture_converge(fresh, 20) == 20)
		plane_violation(p, "a fresh agent does not come to rest");
	check_store(p, fresh);
	check_given(p, fresh);
	check_denied(p, fresh);
	check_rates(p, fresh);
	check_discards(p, fresh);
	for (unsigned i = 0; i < PLANE_PEERS; i++)
		check_table(p, fresh, i);
	fixture_free(fresh);
}

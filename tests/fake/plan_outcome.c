// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. */
#include "fake/plan_outcome.h"

#include "base/community.h"

static bool is_internal(const struct plan_peer *p)
{
	return p->bgp.any_internal || p->bgp.local_asn == p->bgp.remote_asn;
}

/* --- peers ----------------------------------------------------------------------------------- */

static void add_asn(struct strbuf *s, const struct bgp_peer_config *bgp)
{
	strbuf_printf(s, " %u->", bgp->local_asn);
	if (bgp->any_internal || bgp->any_external)
		strbuf_add(s, bgp->any_internal ? "internal" : "external");
	else
		strbuf_printf(s, "%u", bgp->remote_asn);
}

/* "bfd 300/300x3": milliseconds out and in, and the multiplier. */
static void add_bfd(struct strbuf *s, const struct plan_bfd *bfd)
{
	if (!bfd->is_wanted)
		return;
	strbuf_printf(s, " bfd %u/%ux%u", bfd->terms.min_tx_us / 1000, bfd->terms.min_rx_us / 1000,
		      bfd->terms.detect_mult);
	if (bfd->is_passive)
		strbuf_add(s, " passive");
	if (bfd->is_multihop)
		strbuf_printf(s, " ttl>=%u", bfd->minimum_ttl);
}

static void add_peer(struct strbuf *s, const struct plan_peer *p)
{
	const struct ip_addr id = ip_addr_from_v4(p->bgp.router_id);
	char text[IP_ADDR_TEXT];

	strbuf_printf(s, "peer %s %s:%u", p->key.name, ip_addr_text(&p->address, text), p->port);
	add_asn(s, &p->bgp);
	strbuf_printf(s, " %u/%u id %s", p->bgp.hold_s, p->bgp.keepalive_s,
		      ip_addr_text(&id, text));
	if (!ip_addr_is_none(&p->source))
		strbuf_printf(s, " source %s", ip_addr_text(&p->source, text));
	if (p->ttl != (is_internal(p) ? 255 : 1))
		strbuf_printf(s, " ttl %u", p->ttl);
	if (p->password)
		strbuf_add(s, " md5");
	if (p->bgp.graceful_restart)
		strbuf_printf(s, " gr %u", p->bgp.restart_time_s);
	add_bfd(s, &p->bfd);
	strbuf_add(s, "\n");
}

/* "receive PEER all", or the prefixes of its rules with the range of their lengths. */
static void add_import(struct strbuf *s, const struct plan_peer *p, const struct plan_import *i)
{
	char text[IP_PREFIX_TEXT];

	if (bgp_import_is_nothing(&i->policy))
		return;
	strbuf_printf(s, "receive %s%s", p->key.name, i->policy.all ? " all" : "");
	for (size_t k = 0; k < i->policy.n_rules; k++)
		strbuf_printf(s, " %s %u-%u", ip_prefix_text(&i->policy.rules[k].prefix, text),
			      i->policy.rules[k].from, i->policy.rules[k].to);
	strbuf_add(s, "\n");
}

/* --- routes ---------------------------------------------------------------------------------- */

static void add_attrs(struct strbuf *s, const struct bgp_attrs *a, bool internal)
{
	char text[COMMUNITY_TEXT];

	if (internal && a->has_local_pref)
		strbuf_printf(s, " localPref %u", a->local_pref);
	if (!internal && a->prepend)
		strbuf_printf(s, " prepend %u", a->prepend);
	if (a->has_med)
		strbuf_printf(s, " med %u", a->med);
	for (size_t i = 0; i < a->n_communities; i++)
		strbuf_printf(s, " %s", community_text(a->communities[i], text));
	for (size_t i = 0; i < a->n_large; i++)
		strbuf_printf(s, " %s", large_community_text(&a->large[i], text));
}

/* Of one peer, by prefix; a rib has no order. */
static void add_routes(struct strbuf *s, struct fixture *f, const struct plan_peer *p)
{
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < f->plan.n_routes; i++) {
		const struct ip_prefix *prefix = &f->plan.routes[i].prefix;
		const struct bgp_attrs *held;

		if (i > 0 && ip_prefix_cmp(prefix, &f->plan.routes[i - 1].prefix) == 0)
			continue;
		held = fixture_held(f, p->key.name, ip_prefix_text(prefix, text));
		if (!held)
			continue;
		strbuf_printf(s, "route %s %s", p->key.name, text);
		add_attrs(s, held, is_internal(p));
		strbuf_add(s, "\n");
	}
}

/* --- the rest -------------------------------------------------------------------------------- */

static void add_services(struct strbuf *s, const struct plan *plan)
{
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_service *r = &plan->services[i], *last = r - 1;

		if (i > 0 && strcmp(r->ns, last->ns) == 0 && strcmp(r->name, last->name) == 0 &&
		    plan_vip_equal(&r->vip, &last->vip))
			continue;
		strbuf_printf(s, "service %s/%s %s %s\n", r->ns, r->name,
			      ip_addr_is_none(&r->vip.addr) ? "-"
							    : ip_addr_text(&r->vip.addr, text),
			      r->reason);
	}
}

static void add_problems(struct strbuf *s, const struct fixture *f)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems all = {.arena = arena};

	problems_borrow(&all, world_problems(f->world));
	problems_borrow(&all, &f->ipam_problems);
	problems_borrow(&all, &f->plan.problems);
	problems_sort(&all);
	for (size_t i = 0; i < all.n; i++) {
		const struct problem *p = &all.items[i];

		strbuf_printf(s, "problem %s %s", severity_text(p->severity), p->reason);
		if (p->object.kind)
			strbuf_printf(s, " %s/%s", p->object.kind,
				      p->object.name ? p->object.name : "");
		if (p->field)
			strbuf_printf(s, " %s", p->field);
		strbuf_add(s, "\n");
	}
}

void fixture_outcome(struct fixture *f, struct strbuf *ret)
{
	for (size_t i = 0; i < f->plan.n_peers; i++)
		add_peer(ret, &f->plan.peers[i]);
	for (size_t i = 0; i < f->plan.n_peers; i++)
		add_import(ret, &f->plan.peers[i], &f->plan.imports[i]);
	for (size_t i = 0; i < f->plan.n_peers; i++)
		add_routes(ret, f, &f->plan.peers[i]);
	add_services(ret, &f->plan);
	if (world_foreign(f->world))
		strbuf_printf(ret, "foreign %zu\n", world_foreign(f->world));
	add_problems(ret, f);
}

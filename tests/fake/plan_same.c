// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fake/plan_same.h"

#include "base/strbuf.h"
#include "plan/plan_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX (64u << 20)

static void add_address(struct strbuf *s, const struct ip_addr *a)
{
	char text[IP_ADDR_TEXT];

	strbuf_printf(s, " %s", ip_addr_is_none(a) ? "-" : ip_addr_text(a, text));
}

static void add_key(struct strbuf *s, const struct lb_key *key)
{
	add_address(s, &key->addr);
	strbuf_printf(s, "@%u/%u/%u", key->domain, key->proto, key->port);
}

static void add_peers(struct strbuf *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_peers; i++) {
		const struct plan_peer *peer = &p->peers[i];
		const struct bgp_peer_config *c = &peer->bgp;

		strbuf_printf(s, "peer %s %s %s %p", peer->key.name, peer->key.vrf,
			      peer->key.interface, (const void *)peer->object);
		add_address(s, &peer->address);
		add_address(s, &peer->source);
		strbuf_printf(s, " %u %u %zu %u %u %d%d %x %u %u %u %d %u\n", peer->port, peer->ttl,
			      peer->password_len, c->local_asn, c->remote_asn, c->any_external,
			      c->any_internal, c->router_id, c->hold_s, c->keepalive_s,
			      c->connect_s, c->graceful_restart, c->restart_time_s);
		strbuf_printf(s, "%.*s\n", (int)peer->password_len,
			      peer->password ? (const char *)peer->password : "");
	}
}

static void add_attrs(struct strbuf *s, const struct bgp_attrs *a)
{
	strbuf_printf(s, "attrs %d %u %d %u %d %u", (int)a->origin, a->prepend, a->has_local_pref,
		      a->local_pref, a->has_med, a->med);
	add_address(s, &a->next_hop);
	for (size_t i = 0; i < a->n_communities; i++)
		strbuf_printf(s, " %x", a->communities[i]);
	for (size_t i = 0; i < a->n_large; i++)
		strbuf_printf(s, " %u:%u:%u", a->large[i].global, a->large[i].local1,
			      a->large[i].local2);
	for (size_t i = 0; i < a->n_extended; i++)
		strbuf_printf(s, " %" PRIx64, a->extended[i]);
	strbuf_add(s, "\n");
}

static void add_routes(struct strbuf *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_attrs; i++)
		add_attrs(s, &p->attrs[i]);
	for (size_t i = 0; i < p->n_routes; i++) {
		const struct plan_route *r = &p->routes[i];

		strbuf_add(s, "route");
		add_address(s, &r->prefix.addr);
		strbuf_printf(s, "/%u %u %" PRIx64 " %d\n", r->prefix.len, r->attrs, r->peers,
			      r->hold);
	}
}

static void add_frontends(struct strbuf *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_frontends; i++) {
		const struct plan_frontend *f = &p->frontends[i];

		add_key(s, &f->lb.key);
		strbuf_printf(s, " %x %u %x %" PRIx64 " %d%d", f->lb.seed, f->lb.rows_log2,
			      f->lb.flags, f->lb.table, f->hold, f->leaving);
		for (size_t k = 0; k < f->lb.n_targets; k++) {
			add_address(s, &f->lb.targets[k].addr);
			strbuf_printf(s, ":%u=%d", f->lb.targets[k].port,
				      (int)f->lb.targets[k].state);
		}
		strbuf_add(s, "\n");
	}
	for (size_t i = 0; i < p->n_begins; i++)
		add_key(s,
			&(struct lb_key){.addr = p->begins[i].addr, .domain = p->begins[i].domain});
	strbuf_add(s, "\n");
}

static void add_services(struct strbuf *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n_services; i++) {
		const struct plan_service *row = &p->services[i];

		strbuf_printf(s, "service %s/%s", row->ns, row->name);
		add_key(s, &(struct lb_key){.addr = row->vip.addr, .domain = row->vip.domain});
		strbuf_printf(s, " %u/%s %d %s", row->port, row->protocol, row->announced,
			      row->reason);
		for (size_t k = 0; k < row->n_backends; k++) {
			const struct plan_service_backend *b = &row->backends[k];

			add_address(s, &b->addr);
			strbuf_printf(s, ":%u@%s=%s", b->port, b->node, b->state);
		}
		strbuf_add(s, "\n");
	}
}

static void add_problems(struct strbuf *s, const struct problems *list)
{
	for (size_t i = 0; i < list->n; i++)
		strbuf_printf(s, "%s %s %s %s: %s: %s\n", list->items[i].reason,
			      list->items[i].object.kind, list->items[i].object.name,
			      list->items[i].object.file, list->items[i].message,
			      list->items[i].remedy);
}

static void add_ledger(struct strbuf *s, const struct plan_ledger *l)
{
	for (size_t i = 0; i < l->n_leaving; i++) {
		add_key(s, &l->leaving[i].frontend);
		strbuf_printf(s, " leaves %" PRIu64 "\n", l->leaving[i].unheld_since);
	}
	for (size_t i = 0; i < l->n_waiting; i++) {
		add_address(s, &l->waiting[i].prefix.addr);
		strbuf_printf(s, "/%u waits %" PRIu64 "\n", l->waiting[i].prefix.len,
			      l->waiting[i].since);
	}
	strbuf_printf(s, "ledger %" PRIx64 "\n", plan_ledger_hash(l));
}

static char *text_of(struct strbuf *s, const struct plan *p, const struct plan_ledger *after,
		     nsec_t deadline)
{
	strbuf_init(s, TEXT_MAX);
	add_peers(s, p);
	add_routes(s, p);
	add_frontends(s, p);
	add_services(s, p);
	for (size_t i = 0; i < p->n_devices; i++)
		strbuf_printf(s, "device %d %s %d%d%d %u\n", p->devices[i].ifindex,
			      p->devices[i].name, p->devices[i].xdp, p->devices[i].tc,
			      p->devices[i].allow_generic, p->devices[i].domain);
	add_problems(s, &p->problems);
	add_ledger(s, after);
	strbuf_printf(s, "%d%d%d %u %" PRIu64 "\n", p->end_of_rib, p->dataplane, p->leaving,
		      p->flow_entries, deadline);
	return s->data;
}

void plan_same(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
	       const struct plan *plan, const struct plan_ledger *after, nsec_t deadline)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_inputs inputs = *in;
	struct plan_ledger other_after;
	struct strbuf got, want;
	struct plan other;
	nsec_t other_deadline;

	inputs.cache = NULL;
	plan_compute(&inputs, ledger, now, arena, &other, &other_after, &other_deadline);
	if (strcmp(text_of(&got, plan, after, deadline),
		   text_of(&want, &other, &other_after, other_deadline)) != 0) {
		fprintf(stderr, "a cached plan\n%s\nis not the plan from nothing\n%s\n", got.data,
			want.data);
		abort();
	}
	strbuf_done(&got);
	strbuf_done(&want);
}

static char *text_of_addresses(struct strbuf *s, const struct plan_addresses *list,
			       const struct problems *problems)
{
	strbuf_init(s, TEXT_MAX);
	strbuf_printf(s, "%zu addresses\n", list->n);
	for (size_t i = 0; i < list->n; i++) {
		strbuf_printf(s, "%s/%s %s", list->items[i].ns, list->items[i].name,
			      list->items[i].pool);
		add_address(s, &list->items[i].addr);
		strbuf_add(s, "\n");
	}
	for (size_t i = 0; i < list->pools.n; i++)
		strbuf_printf(s, "%s\n", list->pools.items[i]);
	add_problems(s, problems);
	return s->data;
}

void ipam_same(const struct ipam_inputs *in, const struct plan_addresses *addresses,
	       const struct problems *problems)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems other_problems = {.arena = arena};
	struct plan_addresses other;
	struct strbuf got, want;

	ipam_compute(in, arena, &other, &other_problems);
	if (strcmp(text_of_addresses(&got, addresses, problems),
		   text_of_addresses(&want, &other, &other_problems)) != 0) {
		fprintf(stderr, "addresses kept\n%s\nare not those from nothing\n%s\n", got.data,
			want.data);
		abort();
	}
	strbuf_done(&got);
	strbuf_done(&want);
}

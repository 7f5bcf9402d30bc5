// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A draft made by hand, for what no object can ask for yet: VIPs of several domains, claims with
 * attributes of their Service's own. Two peers, one advertisement to both, and a Service with one
 * port for each VIP; the store has all of it, tested.
 */
#pragma once

#include "plan/plan_draft.h"

#define MADE_VIPS 2
enum { P0 = 1, P1 = 2 }; /* the peers, as bits */

struct made_draft {
	struct plan_inputs in;
	struct plan_actual actual;
	struct plan_node node;
	struct plan_settings settings;
	struct plan_ledger ledger;
	struct plan plan;
	struct plan_draft d;

	struct plan_peer peers[2];
	struct plan_actual_peer sessions[2];
	struct env_advert advert;
	const struct env_advert *advert_list[1];
	struct env_group group; /* of it alone */
	struct api_advertisement spec;
	struct api_object services[MADE_VIPS], advert_object;
	struct plan_fragment fragments[MADE_VIPS];
	const struct plan_fragment *fragment_list[MADE_VIPS];
	const struct plan_actual_peer *session_list[2];
	struct plan_port ports[MADE_VIPS];
	struct plan_arrangement arranged;
	size_t n; /* Services that are there, MADE_VIPS unless a test says otherwise */
	struct plan_claim claims[MADE_VIPS];
	struct lb_target target;
	struct lb_actual programmed[2 * MADE_VIPS];
};

static void made_service(struct made_draft *m, size_t i, const struct plan_vip *vip)
{
	static const char *const names[MADE_VIPS] = {"a", "b"};
	struct plan_port *port = &m->ports[i];
	struct lb_actual *have = &m->programmed[2 * i];

	m->services[i].meta.ns = "default";
	m->services[i].meta.name = names[i];
	port->row =
		(struct plan_service){.ns = "default", .name = names[i], .vip = *vip, .port = 80};
	port->row.protocol = "TCP";
	port->row.announced = true;
	port->lb = (struct lb_frontend){.key = plan_vip_key(vip), .targets = &m->target};
	port->lb.key.port = 80;
	port->lb.key.proto = 6;
	port->lb.n_targets = 1;
	m->claims[i] = (struct plan_claim){
		.prefix = ip_prefix_of(&vip->addr, 32), .vip = *vip, .by = &m->group};
	m->fragments[i] = (struct plan_fragment){.service = &m->services[i],
						 .ports = port,
						 .n_ports = 1,
						 .claims = &m->claims[i],
						 .n_claims = 1};
	m->fragment_list[i] = &m->fragments[i];
	have[0] = (struct lb_actual){.key = plan_vip_key(vip)};
	have[1] = (struct lb_actual){.key = port->lb.key, .table = lb_table_name(&port->lb)};
	have[1].tested = true;
	have[1].targets = &m->target;
	have[1].n_targets = 1;
}

/* The VIPs in the order of keys, which is that of the fields of `actual`. */
static void made_draft(struct made_draft *m, const struct plan_vip vips[MADE_VIPS])
{
	memset(m, 0, sizeof(*m));
	m->peers[0].key = (struct peer_key){"p0", "", ""};
	m->peers[1].key = (struct peer_key){"p1", "", ""};
	m->target.addr = ip_addr_from_v4(0x0af40005);
	m->target.port = 8080;
	m->advert_object.meta.name = "adv";
	m->advert = (struct env_advert){
		.object = &m->advert_object, .spec = &m->spec, .peers = P0 | P1};
	m->advert_list[0] = &m->advert;
	m->group = (struct env_group){.items = m->advert_list, .n = 1, .peers = P0 | P1};
	m->settings.node_name = "node-a";
	for (size_t i = 0; i < MADE_VIPS; i++)
		made_service(m, i, &vips[i]);
	for (size_t i = 0; i < 2; i++) {
		m->sessions[i] = (struct plan_actual_peer){.key = m->peers[i].key};
		m->sessions[i].established = true;
		m->session_list[i] = &m->sessions[i];
	}
	m->actual = (struct plan_actual){.frontends = m->programmed,
					 .n_frontends = ARRAY_SIZE(m->programmed),
					 .peers = m->sessions,
					 .n_peers = 2};
	m->in = (struct plan_inputs){
		.node = &m->node, .actual = &m->actual, .settings = &m->settings, .synced = true};
	m->plan.dataplane = true;
	m->n = MADE_VIPS;
	m->d = (struct plan_draft){.in = &m->in,
				   .ledger = &m->ledger,
				   .now = NSEC_PER_SEC,
				   .deadline = NSEC_NEVER,
				   .arena = arena_new(),
				   .scratch = arena_new(),
				   .fragments = m->fragment_list,
				   .peers = m->session_list,
				   .peers_open = UINT64_MAX,
				   .plan = &m->plan};
	m->plan.problems.arena = m->d.arena;
	m->d.env.peers = m->peers;
	m->d.env.n_peers = 2;
	m->d.env.carriers[IP_V4] = P0 | P1;
	m->d.env.adverts = &m->advert;
	m->d.env.n_adverts = 1;
}

static void made_draft_done(struct made_draft *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->sessions); i++)
		prefix_list_unref(m->sessions[i].advertised);
	plan_arrangement_done(&m->arranged);
	arena_free(m->d.arena);
	arena_free(m->d.scratch);
}

/* The steps from frontends on, as plan_compute() takes them. */
static void made_draft_steps(struct made_draft *m)
{
	static const struct plan_made made[MADE_VIPS] = {{.number = 0}, {.number = 1}};

	for (size_t i = 0; i < MADE_VIPS; i++) {
		m->ports[i].lb.table = lb_table_name(&m->ports[i].lb);
		m->ports[i].takes_new_flows = true;
		m->claims[i].n_ports = 1;
	}
	plan_arrange(&m->arranged, &(struct plan_arrange_args){.fragments = m->fragment_list,
							       .n = m->n,
							       .made = made,
							       .n_made = m->n});
	m->d.arranged = &m->arranged;
	plan_draft_join(&m->d);
	plan_draft_frontends(&m->d);
	plan_draft_routes(&m->d);
	plan_draft_leaving(&m->d);
	plan_draft_services(&m->d);
}

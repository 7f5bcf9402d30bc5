// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A whole plan and ledger made by hand, as the contract wants it, for tests that spoil it. */
#pragma once

#include "plan/plan.h"

/* A plan in which every array has two items. */
struct made {
	struct plan plan;
	struct plan_ledger ledger;
	struct plan_peer peers[2];
	struct plan_import imports[2];
	struct bgp_attrs attrs[2];
	uint32_t communities[2];
	struct plan_route routes[2];
	struct plan_frontend frontends[2];
	struct lb_target targets[2];
	struct plan_remote remotes[2];
	struct plan_way_end way_ends[2];
	struct plan_next_hop next_hops[2];
	struct ip_prefix ranges[2];
	struct lb_denied denied[2];
	struct plan_rate rates[2];
	struct plan_begin begins[2];
	struct plan_device devices[2];
	struct plan_service services[2];
	struct plan_health health[2];
	struct plan_drain drains[2];
	struct plan_leaving leaving[2];
	struct plan_waiting waiting[2];
};

static void make_ways(struct made *m, const struct lb_key *web)
{
	struct ip_addr source = ip_addr_from_v4(0x0a0a0001), net = ip_addr_from_v4(0x0a000000);

	for (int i = 0; i < 2; i++) {
		struct ip_prefix prefix = ip_prefix_of(&net, (uint8_t)(8 + i));

		m->next_hops[i] = (struct plan_next_hop){
			.uplink = 2, .source = source, .ifindex = 2, .mtu = 1500};
		m->next_hops[i].node = ip_addr_from_v4(0x0a0a0002 + (uint32_t)i);
		m->way_ends[i] =
			(struct plan_way_end){.addr = m->next_hops[i].node, .source = source};
		m->remotes[i] = (struct plan_remote){m->next_hops[i].node, "n", REMOTE_ANSWERS};
		m->ranges[i] = prefix;
		m->denied[i] = (struct lb_denied){.name = 3, .sources = m->ranges, .n = 2};
		m->rates[i] = (struct plan_rate){{web->addr, (uint16_t)i}, 5};
		m->begins[i] = (struct plan_begin){.vip = {web->addr, (uint16_t)i}, .takes = true};
	}
	m->plan.tunnel_ends[IP_V4] = source;
	m->plan.remotes = m->remotes;
	m->plan.way_ends = m->way_ends;
	m->plan.n_remotes = m->plan.n_way_ends = 2;
	m->plan.next_hops = m->next_hops;
	m->plan.denied = m->denied;
	m->plan.rates = m->rates;
	m->plan.n_rates = 2;
	m->plan.begins = m->begins;
	m->plan.n_next_hops = m->plan.n_denied = m->plan.n_begins = 2;
}

static void make(struct made *m)
{
	struct ip_addr vip = ip_addr_from_v4(0xc0000201);

	memset(m, 0, sizeof(*m));
	m->peers[0].key = (struct peer_key){"a", "", ""};
	m->peers[1].key = (struct peer_key){"b", "", ""};
	for (size_t i = 0; i < 2; i++)
		m->peers[i].bgp.families = (struct bgp_families){BGP_FAMILY_BIT(BGP_IPV4_UNICAST)};
	m->communities[0] = 1;
	m->communities[1] = 2;
	m->attrs[1] = (struct bgp_attrs){.communities = m->communities, .n_communities = 2};
	m->routes[0] = (struct plan_route){.prefix = ip_prefix_of(&vip, 32), .peers = 1};
	m->routes[1] =
		(struct plan_route){.prefix = ip_prefix_of(&vip, 32), .peers = 2, .attrs = 1};
	m->targets[0].addr = ip_addr_from_v4(1);
	m->targets[1].addr = ip_addr_from_v4(2);
	m->targets[0].weight = m->targets[1].weight = 1;
	m->frontends[0].lb.key.addr = m->frontends[1].lb.key.addr = vip;
	m->frontends[1].lb.key.port = 80;
	m->frontends[1].lb.table = 7;
	m->frontends[1].lb.targets = m->targets;
	m->frontends[1].lb.n_targets = 2;
	m->frontends[1].lb.flags = LB_F_RANGES;
	m->frontends[1].lb.ranges = m->ranges;
	m->frontends[1].lb.n_ranges = 2;
	m->frontends[1].lb.ranges_name = 5;
	m->devices[0] = (struct plan_device){.ifindex = 2, .name = "x", .xdp = true};
	m->devices[1] = (struct plan_device){.ifindex = 3, .name = "y", .tc = true};
	m->services[0] = (struct plan_service){
		.ns = "n", .name = "a", .reason = "announced", .announced = true};
	m->services[1] = (struct plan_service){.ns = "n", .name = "b", .reason = "noEndpoints"};
	m->health[0] = (struct plan_health){.port = 1, .ns = "n", .name = "a"};
	m->health[1] = (struct plan_health){.port = 2, .ns = "n", .name = "b"};
	m->drains[1].frontend.port = m->leaving[1].frontend.port = 1;
	m->waiting[0].prefix = ip_prefix_of(&vip, 24);
	m->waiting[1].prefix = ip_prefix_of(&vip, 32);
	m->plan = (struct plan){.peers = m->peers,
				.imports = m->imports,
				.n_peers = 2,
				.attrs = m->attrs,
				.n_attrs = 2,
				.routes = m->routes,
				.n_routes = 2,
				.frontends = m->frontends,
				.n_frontends = 2,
				.devices = m->devices,
				.n_devices = 2,
				.services = m->services,
				.n_services = 2,
				.health = m->health,
				.n_health = 2,
				.dataplane = true};
	make_ways(m, &m->frontends[1].lb.key);
	m->ledger = (struct plan_ledger){.drains = m->drains,
					 .n_drains = 2,
					 .leaving = m->leaving,
					 .n_leaving = 2,
					 .waiting = m->waiting,
					 .n_waiting = 2};
}

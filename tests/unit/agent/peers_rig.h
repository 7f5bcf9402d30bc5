// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The driver of the BGP sessions over real sockets, with a plan made by hand and the router of
 * router.h, in a network namespace of their own. A test applies a plan and runs the loop until
 * something holds.
 */
#pragma once

#include "agent/peers.h"

#include "router.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/worker.h"
#include "unit/open_fds.h"

#define WAIT_NS  (120 * NSEC_PER_SEC) /* however busy the machine is */
#define N_ROUTES 100000               /* more than the kernel takes at once */

struct rig {
	struct router *router;
	struct loop *loop;
	struct worker *network; /* where there are peers by interface */
	struct agent_peers peers;
	struct plan plan;
	struct plan_peer peer;
	struct bgp_attrs attrs;
	struct plan_route *routes;
	bool (*until)(const struct rig *rig);
	nsec_t give_up;
	bool reached;
	unsigned turns, changes; /* turns after which `changed` or `written` was set */
	unsigned heard;          /* routes that the router was told, at some moment */
	size_t n_fds;            /* at the beginning: as many are open at the end */
};

static inline struct rig *rig_new(void)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));

	log_init(LOG_LEVEL_ERR, false);
	own_network();
	rig->n_fds = count_fds();
	rig->router = router_new();
	rig->loop = loop_new();
	agent_peers_init(&rig->peers, rig->loop, NULL, 7);
	rig->peer = (struct plan_peer){.key = {"r", "", ""},
				       .port = ROUTER_PORT,
				       .ttl = 255,
				       .bgp = {.local_asn = NODE_ASN,
					       .remote_asn = ROUTER_ASN,
					       .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
					       .router_id = NODE_ADDR,
					       .hold_s = 90,
					       .keepalive_s = 30,
					       .graceful_restart = true,
					       .restart_time_s = 120}};
	rig->peer.address = ip_addr_from_v4(ROUTER_ADDR);
	rig->peer.source = ip_addr_from_v4(NODE_ADDR);
	rig->routes = xcalloc(N_ROUTES, sizeof(*rig->routes));
	for (uint32_t i = 0; i < N_ROUTES; i++) {
		struct ip_addr addr = ip_addr_from_v4(0xc0000000 + i);

		rig->routes[i].prefix = ip_prefix_of(&addr, 32);
		rig->routes[i].peers = 1;
	}
	rig->plan = (struct plan){.peers = &rig->peer,
				  .n_peers = 1,
				  .attrs = &rig->attrs,
				  .n_attrs = 1,
				  .routes = rig->routes,
				  .end_of_rib = true};
	return rig;
}

static inline void rig_free(struct rig *rig)
{
	agent_peers_done(&rig->peers);
	worker_free(rig->network);
	loop_free(rig->loop);
	router_free(rig->router);
	assert_int_equal(count_fds(), rig->n_fds);
	free(rig->routes);
	free(rig);
}

static inline void apply(struct rig *rig, size_t n_routes)
{
	rig->plan.n_routes = n_routes;
	agent_peers_apply(&rig->peers, &rig->plan, clock_now());
	while (agent_peers_apply_routes(&rig->peers, &rig->plan, clock_now()))
		;
}

static inline nsec_t step(void *ctx, nsec_t now)
{
	struct rig *rig = ctx;

	router_turn(rig->router);
	rig->turns++;
	rig->changes += rig->peers.changed || rig->peers.written;
	rig->peers.changed = rig->peers.written = false;
	rig->reached = rig->until(rig);
	if (rig->reached || now > rig->give_up)
		loop_stop(rig->loop);
	return nsec_min(agent_peers_tick(&rig->peers, now), now + NSEC_PER_MSEC);
}

/* Runs until it holds. */
static inline void wait_for(struct rig *rig, bool (*until)(const struct rig *rig), const char *what)
{
	rig->until = until;
	rig->give_up = clock_now() + WAIT_NS;
	assert_int_equal(loop_run(rig->loop, step, rig), 0);
	if (!rig->reached)
		fail_msg("not within %u s: %s", (unsigned)(WAIT_NS / NSEC_PER_SEC), what);
}
#define WAIT_FOR(rig, until) wait_for(rig, until, #until)

static inline struct plan_actual_peer actual(const struct rig *rig)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_actual_peer *list;
	struct plan_actual_peer ret;
	size_t n;

	agent_peers_actual(&rig->peers, arena, &list, &n);
	assert_int_equal(n, 1);
	ret = list[0];
	return ret;
}

static inline size_t n_advertised(const struct rig *rig)
{
	return prefix_list_n(actual(rig).advertised);
}

static inline bool is_up(const struct rig *rig)
{
	return actual(rig).established;
}
static inline bool is_down(const struct rig *rig)
{
	return !actual(rig).established;
}
static inline bool heard_end_of_rib(const struct rig *rig)
{
	return rig->router->end_of_ribs > 0;
}
static inline bool is_stuck(const struct rig *rig)
{
	return rig->turns > 300;
}
static inline bool has_turned(const struct rig *rig)
{
	return rig->turns > 30;
}

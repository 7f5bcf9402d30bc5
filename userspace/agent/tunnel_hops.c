// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/tunnel_hops.h"

#include "agent/agent.h"
#include "plan/plan_difference.h"
#include "sys/log.h"
#include "sys/netlink.h"
#include "sys/nlsock.h"

#include <linux/netlink.h>

#define EVERY_NS   (10 * NSEC_PER_SEC)
#define AT_MOST_NS (100 * NSEC_PER_MSEC) /* neighbours may change all the time */

static void look(struct worker_job *base)
{
	struct hops_job *j = (struct hops_job *)base;

	arena_reset(j->arena);
	j->picture = (struct hop_picture){0};
	j->error = j->socket ? 0 : nlsock_open(NETLINK_ROUTE, &j->socket);
	if (j->error == 0)
		j->error = rtnl_hops_look(j->socket, j->asks, j->n_asks, j->arena, &j->picture);
}

static bool same_hops(const struct hop_picture *a, const struct hop_picture *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!plan_next_hop_equal(&a->hops[i], &b->hops[i]))
			return false;
	return true;
}

static void note_error(struct agent_hops *h, int error)
{
	if (error != h->error && error != 0)
		log_warn("netlink: not all ways to other nodes are known", "error=%s",
			 log_quote(strerror(-error)));
	h->error = error;
}

static void take(struct worker_job *base)
{
	struct hops_job *j = (struct hops_job *)base;
	struct agent *a = j->agent;
	struct agent_hops *h = &a->hops;
	struct arena *spare = h->arena;
	const bool same = same_hops(&h->picture, &j->picture);

	h->is_away = false;
	h->arena = j->arena;
	h->picture = j->picture;
	j->arena = spare;
	note_error(h, j->error);
	netlink_watch_neighbours(a->netlink, h->picture.neighbours, h->picture.n_neighbours);
	if (!same)
		agent_input_changed(&a->inputs, INPUT_REMOTES);
}

void tunnel_hops_start(struct agent *a)
{
	a->hops = (struct agent_hops){
		.job = {.base = {.run = look, .done = take}, .agent = a, .arena = arena_new()},
		.arena = arena_new(),
		.look_at = NSEC_NEVER,
	};
}

void tunnel_hops_stop(struct agent *a)
{
	free(a->hops.asks);
	free(a->hops.job.asks);
	arena_free(a->hops.arena);
	arena_free(a->hops.job.arena);
	nlsock_free(a->hops.job.socket);
	a->hops = (struct agent_hops){0};
}

void tunnel_hops_tell(const struct agent *a, struct plan_actual *ret)
{
	ret->ways = a->hops.picture.hops;
	ret->n_ways = a->hops.picture.n;
}

/* By uplink, node, as both lie in the plan. */
static struct hop_ask *asks_of(const struct plan *plan, size_t *ret_n)
{
	struct hop_ask *ret = xcalloc(plan->n_devices * plan->n_way_ends + 1, sizeof(*ret));
	size_t n = 0;

	for (size_t i = 0; i < plan->n_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		for (size_t k = 0; device->xdp && !device->domain && k < plan->n_way_ends; k++) {
			ret[n].uplink = device->ifindex;
			ret[n].node = plan->way_ends[k].addr;
			ret[n].by_any = plan->way_ends[k].by_any;
			ret[n++].source = plan->way_ends[k].source;
		}
	}
	*ret_n = n;
	return ret;
}

static void watch_ways(struct agent *a, const struct plan *plan)
{
	_cleanup_(freep) struct ip_addr *to = xcalloc(plan->n_way_ends + 1, sizeof(*to));

	for (size_t i = 0; i < plan->n_way_ends; i++)
		to[i] = plan->way_ends[i].addr;
	netlink_watch_ways(a->netlink, to, plan->n_way_ends);
}

void tunnel_hops_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_hops *h = &a->hops;
	size_t n;
	struct hop_ask *asks = asks_of(plan, &n);
	const bool same =
		n == h->n_asks && (n == 0 || memcmp(asks, h->asks, n * sizeof(*asks)) == 0);

	free(h->asks);
	h->asks = asks;
	h->n_asks = n;
	/* The first time also without any: a former process may have asked for some. */
	watch_ways(a, plan);
	if (!same || (h->looked_at == 0 && !h->is_away))
		h->look_at = now;
}

void tunnel_hops_changed(struct agent *a, nsec_t now)
{
	struct agent_hops *h = &a->hops;

	if (h->n_asks)
		h->look_at =
			nsec_min(h->look_at,
				 now > h->looked_at + AT_MOST_NS ? now : h->looked_at + AT_MOST_NS);
}

nsec_t tunnel_hops_tick(struct agent *a, nsec_t now)
{
	struct agent_hops *h = &a->hops;

	if (h->is_away)
		return NSEC_NEVER; /* take() is called by the loop, whose step follows */
	if (now < h->look_at)
		return h->look_at;
	free(h->job.asks);
	h->job.asks = xcalloc(h->n_asks + 1, sizeof(*h->asks));
	if (h->n_asks)
		memcpy(h->job.asks, h->asks, h->n_asks * sizeof(*h->asks));
	h->job.n_asks = h->n_asks;
	h->looked_at = now;
	h->look_at = h->n_asks ? now + EVERY_NS : NSEC_NEVER;
	h->is_away = true;
	worker_add(a->worker, &h->job.base);
	return NSEC_NEVER;
}

int tunnel_hops_cleanup(void)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct hop_picture picture;
	const int err = nlsock_open(NETLINK_ROUTE, &s);

	return err < 0 ? err : rtnl_hops_look(s, NULL, 0, arena, &picture);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/diff_outcome.h"

#include "agent/ledger_json.h"
#include "agent/state.h"
#include "plan/ipam.h"
#include "plan/plan_metrics.h"
#include "plan/plan_settled.h"
#include "sys/files.h"
#include "sys/netlink.h"

#include <stdlib.h>

#define STATE_MAX (64u << 20)

/* --- what is known ---------------------------------------------------------------------------- */

/* NULL: there is none, which is as good as empty here. */
static char *read_state(struct comparison *d, const char *name, size_t *ret_len)
{
	char *text = NULL;

	if (file_read(arena_printf(d->arena, "%s/%s", d->options->state, name), STATE_MAX, &text,
		      ret_len) < 0)
		return NULL;
	return text;
}

void diff_read_memory(struct comparison *d)
{
	const struct ledger_clock clock = {.boot = d->boot, .now = d->now};
	size_t len;
	_cleanup_(freep) char *addresses = read_state(d, STATE_ADDRESSES, &len);
	size_t ledger_len;
	_cleanup_(freep) char *ledger = read_state(d, STATE_LEDGER, &ledger_len);

	d->given_world = world_new();
	if (addresses)
		world_put_source(d->given_world, STATE_ADDRESSES, addresses, len);
	d->given = state_addresses_of(d->given_world, d->arena);
	if (ledger)
		d->ledger = ledger_from_json(ledger, ledger_len, &clock, d->arena).ledger;
}

static size_t add_peers(const struct world *w, struct netlink_ask *ask)
{
	const struct world_list peers = world_list(w, API_BGP_PEER);
	size_t n = 0;

	for (size_t i = 0; i < peers.n && ask; i++) {
		const struct api_peer *p = &peers.items[i]->peer;

		if (ip_addr_is_none(&p->address))
			continue;
		ask[n].to = p->address;
		(void)snprintf(ask[n++].vrf, sizeof(ask->vrf), "%s", p->vrf ? p->vrf : "");
	}
	return ask ? n : peers.n;
}

int diff_read_node(struct comparison *d)
{
	struct netlink_ask *ask;
	size_t n;
	int r = netlink_open(&d->netlink);

	if (r < 0)
		return r;
	n = add_peers(d->worlds.from, NULL) + add_peers(d->worlds.to, NULL);
	ask = arena_array_of(d->arena, n, struct netlink_ask);
	n = add_peers(d->worlds.from, ask);
	n += add_peers(d->worlds.to, &ask[n]);
	return netlink_refresh(d->netlink, ask, n);
}

void diff_done(struct comparison *d)
{
	netlink_free(d->netlink);
	world_free(d->given_world);
	diff_worlds_done(&d->worlds);
}

/* --- outcomes --------------------------------------------------------------------------------- */

/* Problems of the edit's texts; where it is a file, the world without it has none. */
static void add_problems(const struct comparison *d, const struct world *w, struct problems *to)
{
	const struct problems *all = world_problems(w);
	const size_t len = strlen(d->worlds.source);

	for (size_t i = 0; i < all->n; i++) {
		const struct problem *p = &all->items[i];
		const struct problems one = {.items = &all->items[i], .n = 1};

		if (strcmp(p->reason, "StaleSource") == 0)
			continue; /* it was read by the agent, and saved, but not here */
		if (p->object.file && strncmp(p->object.file, d->worlds.source, len) == 0)
			problems_append(to, &one);
	}
}

void diff_compute(struct comparison *d, const struct world *world,
		  const struct plan_addresses *given, bool drained, struct diff_outcome *ret)
{
	const struct plan_settings settings = {.node_name = d->options->node,
					       .ns = d->options->ns,
					       .lb_class = d->options->lb_class,
					       .dataplane = true,
					       .drained = drained,
					       .drain_told = true};
	const struct ipam_inputs ipam = {.world = world,
					 .settings = &settings,
					 .node = netlink_node(d->netlink),
					 .given = given,
					 .pools = d->ledger.pools,
					 .synced = true,
					 .cluster = d->worlds.cluster};
	const struct plan_inputs in = {.world = world,
				       .addresses = &ret->addresses,
				       .node = ipam.node,
				       .settings = &settings,
				       .synced = true};

	ret->problems = (struct problems){.arena = d->arena};
	add_problems(d, world, &ret->problems);
	ipam_compute(&ipam, d->arena, &ret->addresses, &ret->problems);
	plan_settled(&in, &d->ledger, d->now, d->arena, &ret->plan);
	problems_append(&ret->problems, &ret->plan.problems);
	problems_sort(&ret->problems);
	ret->told = (struct plan_outcome){
		.plan = &ret->plan,
		.problems = &ret->problems,
		.metrics = plan_metrics_address(world, d->options->node),
		.node = d->options->node,
	};
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The other nodes by the address that the tunnel to each ends at, with what the echo says of them.
 * Nothing of it is in fragments: whether a node answers changes what may be announced, and nothing
 * that a frontend is programmed with. Also here: by which device packets of tunnels come in. Ways
 * to them are plan_ways.c's.
 */
#include "plan/plan_remote.h"

#include "base/sorted.h"
#include "lb/lb_echo.h"
#include "plan/plan_draft.h"
#include "plan/plan_links.h"

#include <assert.h>

/* What is known of the address, which is not before the one that was asked for last. */
static enum plan_remote_state next_state(const struct plan_actual *actual, size_t *at,
					 const struct ip_addr *addr)
{
	int cmp = -1;

	while (*at < actual->n_remotes && (cmp = ip_addr_cmp(&actual->remotes[*at].addr, addr)) < 0)
		++*at;
	return *at < actual->n_remotes && cmp == 0 ? actual->remotes[*at].state : REMOTE_UNKNOWN;
}

static void say_unusable(struct plan_draft *d, const struct plan_remote *r)
{
	const struct object_ref ref = {.kind = "Node", .name = r->node};
	const struct problem_text silent = {
		.reason = "NodeSilent",
		.remedy = "see whether the agent's programs are loaded there, and whether UDP port "
			  "6080 gets through between the nodes",
	};
	const struct problem_text strange = {
		.reason = "NodeOfOtherVersion",
		.remedy = "finish the upgrade: versions in between speak what both ends do",
	};
	char addr[IP_ADDR_TEXT];

	ip_addr_text(&r->addr, addr);
	if (r->state == REMOTE_SILENT)
		problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &silent,
			    "%s does not answer the tunnel's echo: nothing is tunnelled there",
			    addr);
	if (r->state == REMOTE_STRANGE)
		problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &strange,
			    "%s has a version of the tunnel that this node does not speak: nothing "
			    "is tunnelled there",
			    addr);
}

/* --- who is asked ----------------------------------------------------------------------------- */

static int cmp_addr(const void *key, const void *item)
{
	const struct plan_remote *r = item;

	return ip_addr_cmp(key, &r->addr);
}

static const struct plan_remote *find_remote(const struct plan *plan, const struct ip_addr *addr)
{
	return sorted_find(addr, plan->remotes, plan->n_remotes, sizeof(*plan->remotes), cmp_addr);
}

void plan_draft_remotes(struct plan_draft *d)
{
	const struct plan_tunnels *t = &d->env.tunnels;
	struct plan_remote *items;
	size_t at = 0;

	if (!d->plan->dataplane || t->n == 0)
		return;
	items = arena_array_of(d->arena, t->n, struct plan_remote);
	for (size_t i = 0; i < t->n; i++) {
		const struct plan_tunnel *to = &t->by_addr[i];

		items[i] = (struct plan_remote){.addr = to->addr,
						.node = to->node,
						.state = next_state(d->in->actual, &at, &to->addr)};
		say_unusable(d, &items[i]);
	}
	memcpy(d->plan->tunnel_ends, t->own, sizeof(t->own));
	d->plan->remotes = items;
	d->plan->n_remotes = t->n;
}

static enum vip_gate target_gate(const struct plan_draft *d, const struct lb_target *t)
{
	const struct plan_remote *r;

	if (ip_addr_is_none(&t->node) || t->way != LB_BY_TUNNEL)
		return GATE_OPEN;
	r = find_remote(d->plan, &t->node);
	if (r && r->state == REMOTE_UNKNOWN)
		return GATE_STALE;
	return r && r->state == REMOTE_ANSWERS ? GATE_OPEN : GATE_CLOSED;
}

enum vip_gate plan_draft_reached(const struct plan_draft *d, const struct lb_frontend *lb)
{
	enum vip_gate best = GATE_CLOSED;

	for (size_t i = 0; i < lb->n_targets && best != GATE_OPEN; i++) {
		const enum vip_gate gate = lb->targets[i].state == LB_BACKEND_READY
						   ? target_gate(d, &lb->targets[i])
						   : GATE_CLOSED;

		best = gate > best ? gate : best;
	}
	return best;
}

/* --- the end here ----------------------------------------------------------------------------- */

bool plan_draft_is_servable(const struct plan_draft *d, const struct plan_link *link)
{
	return !link->raw && (!link->bridge || d->env.config.mode == API_MODE_GENERIC);
}

static const struct plan_local_addr *find_local(const struct plan_node *node,
						const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->n_addrs; i++)
		if (ip_addr_equal(&node->addrs[i].addr, addr))
			return &node->addrs[i];
	return NULL;
}

static void say_no_end(struct plan_draft *d, const struct ip_addr *addr, const char *why)
{
	const struct object_ref ref = {.kind = "Node", .name = d->in->settings->node_name};
	const struct problem_text text = {
		.field = "status.addresses",
		.reason = "TunnelNotAccepted",
		.remedy =
			"let the first InternalIP of the Node be an address of an Ethernet device "
			"here, in no VRF",
	};
	char buf[IP_ADDR_TEXT];

	problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &text,
		    "%s %s: other nodes cannot tunnel to pods of this one", ip_addr_text(addr, buf),
		    why);
}

int plan_draft_tunnel_device(struct plan_draft *d, enum ip_family family)
{
	const struct plan_node *node = d->in->node;
	const struct ip_addr *addr = &d->env.tunnels.own[family];
	const struct plan_local_addr *local;
	const struct plan_link *link, *carrier;

	if (ip_addr_is_none(addr))
		return 0;
	local = find_local(node, addr);
	link = local ? plan_link_find(node, local->ifindex) : NULL;
	if (!link) {
		say_no_end(d, addr, "is no address of this machine");
		return 0;
	}
	if (strcmp(link->name, "lo") == 0)
		return 0; /* they come in by the uplinks */
	carrier = plan_link_carrier(node, link->ifindex);
	if (plan_link_domain(node, link))
		say_no_end(d, addr, "is in a VRF");
	else if (!carrier || !plan_draft_is_servable(d, carrier))
		say_no_end(d, addr, "is on a device that XDP cannot serve");
	else
		return link->ifindex;
	return 0;
}

/* The store has something beside these ends, whose flows may come by them. */
static bool has_others(const struct plan_actual *actual)
{
	size_t n_ends = 0;

	for (size_t i = 0; i < actual->n_frontends && n_ends == i; i++)
		n_ends += (actual->frontends[i].flags & LB_F_TUNNEL) != 0;
	return n_ends < actual->n_frontends;
}

/* Of a part: the end lies in it. */
static bool is_planned(const struct plan_draft *d, const struct ip_addr *addr)
{
	if (!d->zones)
		return true;
	for (size_t i = 0; i < d->zones->n; i++)
		if (ip_prefix_has(&d->zones->items[i], addr))
			return true;
	return false;
}

static void push_end(struct plan_draft *d, const struct lb_key *key)
{
	const bool leaves = d->plan->leaving || d->env.leaves;
	const struct lb_frontend lb = {.key = *key,
				       .flags = LB_F_TUNNEL | (leaves ? LB_F_CLOSED : 0)};
	const struct lb_actual *actual = plan_draft_actual(d, key);

	if (d->plan->leaving && !(actual && has_others(d->in->actual)))
		return;
	assert(plan_own_find(&d->env.own, 0, &key->addr)); /* no Service has it as its VIP */
	(void)plan_draft_push(d, &lb);
	d->n_stay += actual != NULL;
	if (!actual || !actual->tested || !lb_actual_is(actual, &lb))
		plan_draft_stir(d, &key->addr);
}

void plan_draft_tunnel_ends(struct plan_draft *d, enum ip_family *at, const struct lb_key *before)
{
	if (!d->plan->dataplane && !d->plan->leaving)
		return;
	for (; *at < IP_N_FAMILIES; ++*at) {
		const struct lb_key key = {
			.addr = d->env.tunnels.own[*at], .port = LB_ECHO_PORT, .proto = API_UDP};

		if (ip_addr_is_none(&key.addr) || !is_planned(d, &key.addr))
			continue;
		if (before && lb_key_cmp(before, &key) < 0)
			return;
		push_end(d, &key);
	}
}

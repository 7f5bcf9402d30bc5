// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The nodes as JSON, this one first: whether each answers the tunnel's echo, what it speaks, how
 * packets for it leave, and how many did.
 */
#include "agent/show.h"

#include "agent/agent.h"
#include "base/sorted.h"
#include "lb/lb_settling.h"
#include "plan/tunnel_prober.h"
#include "sys/bpf_dataplane.h"

#include <assert.h>

static const char *state_text(enum plan_remote_state state)
{
	switch (state) {
	case REMOTE_UNKNOWN:
		return "Asked";
	case REMOTE_ANSWERS:
		return "Answers";
	case REMOTE_SILENT:
		return "Silent";
	case REMOTE_STRANGE:
		return "OtherVersion";
	case REMOTE_LEAVING:
		return "Leaving";
	}
	return "Asked";
}

static const char *link_name(const struct agent *a, int ifindex)
{
	const struct plan_node *node = &a->current->node;

	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].ifindex == ifindex)
			return node->links[i].name;
	return NULL;
}

/* The narrowest way to it; null: none is known, and the kernel's routes are asked for each packet.
 */
static void add_ways(const struct agent *a, const struct ip_addr *node, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *uplinks = cJSON_AddArrayToObject(to, "uplinks");
	unsigned mtu = 0;

	for (size_t i = 0; i < plan->n_next_hops; i++) {
		const struct plan_next_hop *hop = &plan->next_hops[i];
		const char *name = link_name(a, hop->uplink);

		if (!ip_addr_equal(&hop->node, node))
			continue;
		if (name)
			cJSON_AddItemToArray(uplinks, cJSON_CreateString(name));
		mtu = mtu == 0 || hop->mtu < mtu ? hop->mtu : mtu;
	}
	if (mtu)
		cJSON_AddNumberToObject(to, "mtu", mtu);
	else
		cJSON_AddNullToObject(to, "mtu");
}

static void add_number(cJSON *to, const char *key, bool is_known, double value)
{
	if (is_known)
		cJSON_AddNumberToObject(to, key, value);
	else
		cJSON_AddNullToObject(to, key);
}

static const struct lb_settling *settling_of(const struct agent *a)
{
	return a->dataplane ? bpf_dataplane_settling(a->dataplane) : NULL;
}

/* Whether its agent is heard, without whom no row settles; null: there are no rows here. */
static void add_heard(const struct agent *a, const struct ip_addr *node, cJSON *to)
{
	const struct lb_settling *settling = settling_of(a);
	struct lb_settling_told told;

	if (settling && lb_settling_tell(settling, node, loop_now(a->loop), &told))
		cJSON_AddBoolToObject(to, "agentHeard", told.is_heard);
	else
		cJSON_AddNullToObject(to, "agentHeard");
	cJSON_AddNullToObject(to, "unsettledRows");
}

static int cmp_remote(const void *addr, const void *item)
{
	return ip_addr_cmp(addr, &((const struct plan_remote *)item)->addr);
}

/* What the backends of one frontend on other nodes have counted, to those nodes. */
static void add_sent(const struct agent *a, const struct lb_frontend *lb,
		     const struct bpf_packets *counts, size_t n_counts, struct bpf_packets *sums)
{
	const struct plan *plan = &a->current->plan;
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct bpf_counting all;

	/* Else it is not put yet as the plan has it. */
	if (!bpf_dataplane_counting(a->dataplane, &lb->key, scratch, &all) ||
	    all.n != lb->n_targets)
		return;
	for (size_t i = 0; i < all.n; i++) {
		const struct plan_remote *r =
			sorted_find(&lb->targets[i].node, plan->remotes, plan->n_remotes,
				    sizeof(*plan->remotes), cmp_remote);

		if (!r || all.index[i] >= n_counts)
			continue;
		sums[r - plan->remotes].packets += counts[all.index[i]].packets;
		sums[r - plan->remotes].bytes += counts[all.index[i]].bytes;
	}
}

static bool has_remotes(const struct lb_frontend *lb)
{
	for (size_t i = 0; i < lb->n_targets; i++)
		if (!ip_addr_is_none(&lb->targets[i].node))
			return true;
	return false;
}

/*
 * To each other node by the tunnel, in the arena, by their order in the plan: packets for backends
 * that are there now. NULL: there is no data plane.
 */
static struct bpf_packets *sent_to_nodes(const struct agent *a, struct arena *arena)
{
	const struct plan *plan = &a->current->plan;
	struct bpf_packets *sums, *counts;
	size_t n;

	if (!a->dataplane)
		return NULL;
	n = bpf_dataplane_n_counts(a->dataplane);
	sums = arena_array_of(arena, plan->n_remotes, struct bpf_packets);
	counts = arena_array_of(arena, n, struct bpf_packets);
	bpf_dataplane_counts(a->dataplane, 0, n, counts);
	for (size_t i = 0; i < plan->n_frontends; i++)
		if (has_remotes(&plan->frontends[i].lb))
			add_sent(a, &plan->frontends[i].lb, counts, n, sums);
	return sums;
}

/* sent: NULL, it is not known. */
static void add_packets(cJSON *to, const struct bpf_packets *sent)
{
	add_number(to, "packets", sent, sent ? (double)sent->packets : 0);
	add_number(to, "bytes", sent, sent ? (double)sent->bytes : 0);
}

static cJSON *node_json(const struct agent *a, const struct plan_remote *r,
			const struct bpf_packets *sent)
{
	struct prober_told told = {.state = r->state};
	const nsec_t now = loop_now(a->loop);
	char text[IP_ADDR_TEXT];
	cJSON *o = cJSON_CreateObject();
	bool known;

	if (!prober_tell(a->tunnels.prober, &r->addr, &told))
		told.since = now;
	known = told.has_answered;
	cJSON_AddStringToObject(o, "name", r->node);
	cJSON_AddStringToObject(o, "address", ip_addr_text(&r->addr, text));
	cJSON_AddBoolToObject(o, "self", false);
	cJSON_AddStringToObject(o, "echo", state_text(told.state));
	cJSON_AddNumberToObject(o, "sinceSeconds", (double)((now - told.since) / NSEC_PER_SEC));
	add_number(o, "roundTripMicros", known, (double)(told.round_trip / NSEC_PER_USEC));
	cJSON_AddNumberToObject(o, "asked", (double)told.n_asked);
	cJSON_AddNumberToObject(o, "answered", (double)told.n_answers);
	add_number(o, "tunnelVersion", known, told.most);
	add_number(o, "leastTunnelVersion", known, told.least);
	add_number(o, "recipeVersion", known, told.recipe);
	add_ways(a, &r->addr, o);
	cJSON_AddNullToObject(o, "versionUsed");
	add_heard(a, &r->addr, o);
	add_packets(o, sent);
	return o;
}

/* Of its ends the first: they are told as the other nodes' are. */
static cJSON *self_json(const struct agent *a)
{
	const struct plan *plan = &a->current->plan;
	const struct lb_settling *settling = settling_of(a);
	char text[IP_ADDR_TEXT] = "";
	uint8_t data[LB_ECHO_BYTES];
	cJSON *o = cJSON_CreateObject();
	struct lb_echo ours = {.least = 0};
	bool is_read;

	lb_echo_request(data, 0, 0);
	is_read = lb_echo_read(data, sizeof(data), &ours);
	assert(is_read);
	(void)is_read;
	for (enum ip_family f = IP_N_FAMILIES; f-- > 0;)
		if (!ip_addr_is_none(&plan->tunnel_ends[f]))
			ip_addr_text(&plan->tunnel_ends[f], text);
	cJSON_AddStringToObject(o, "name", a->options->node);
	show_add_text(o, "address", text);
	cJSON_AddBoolToObject(o, "self", true);
	cJSON_AddNullToObject(o, "echo");
	cJSON_AddNullToObject(o, "sinceSeconds");
	cJSON_AddNullToObject(o, "roundTripMicros");
	cJSON_AddNullToObject(o, "asked");
	cJSON_AddNullToObject(o, "answered");
	cJSON_AddNumberToObject(o, "tunnelVersion", ours.most);
	cJSON_AddNumberToObject(o, "leastTunnelVersion", ours.least);
	cJSON_AddNumberToObject(o, "recipeVersion", ours.recipe);
	cJSON_AddArrayToObject(o, "uplinks");
	cJSON_AddNullToObject(o, "mtu");
	cJSON_AddNumberToObject(o, "versionUsed", prober_version(a->tunnels.prober));
	cJSON_AddNullToObject(o, "agentHeard");
	add_number(o, "unsettledRows", settling != NULL,
		   settling ? (double)lb_settling_usage(settling).unsettled : 0);
	add_packets(o, NULL);
	return o;
}

cJSON *show_nodes(const struct agent *a, const struct show_filter *filter)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan *plan = &a->current->plan;
	const struct bpf_packets *sent = sent_to_nodes(a, arena);
	cJSON *out = cJSON_CreateArray();

	if (show_matches(filter->name, a->options->node))
		cJSON_AddItemToArray(out, self_json(a));
	for (size_t i = 0; i < plan->n_remotes; i++)
		if (show_matches(filter->name, plan->remotes[i].node))
			cJSON_AddItemToArray(
				out, node_json(a, &plan->remotes[i], sent ? &sent[i] : NULL));
	return out;
}

void show_other_nodes(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *o = cJSON_AddObjectToObject(to, "otherNodes");
	size_t n = 0;

	for (size_t i = 0; i < plan->n_remotes; i++)
		n += plan->remotes[i].state == REMOTE_ANSWERS;
	cJSON_AddNumberToObject(o, "total", (double)plan->n_remotes);
	cJSON_AddNumberToObject(o, "answering", (double)n);
}

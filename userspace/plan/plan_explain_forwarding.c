// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which way packets to an address go from this node, and why: of each port the endpoints that are
 * reached alike, with how in a sentence, and those that get nothing. The rows of status say which
 * endpoint is reached how; here is what that means.
 */
#include "plan/plan_backends.h"
#include "plan/plan_explain.h"

#include "plan/plan_draft.h"

#include <assert.h>

/* By plan_way_text(). */
static const struct {
	const char *text, *way, *how;
} ways[] = {
	{"", "here",
	 "on this node, with its address and port in place of the VIP's; the answer gets the VIP's "
	 "again as it leaves"},
	{"tunnel", "tunnel",
	 "on another node, in UDP to that (GUE, port 6080), which does the rest and answers the "
	 "client itself"},
	{"dsr-l2", "dsr-l2",
	 "on no node, as the client sent them, to its MAC address; it has the VIP and answers the "
	 "client itself"},
	{"dsr-ipip", "dsr-ipip",
	 "on no node, as the client sent them, in another IP header; it has the VIP and answers "
	 "the client itself"},
	{"dsr-gue", "dsr-gue",
	 "on no node, as the client sent them, in UDP (GUE variant 1, port 6080); it has the VIP "
	 "and answers the client itself"},
	{"nat", "nat",
	 "on no node, or on another one, as if this node sent them, from an address and a port of "
	 "its own; the answer comes back here, and the client gets it as the VIP's"},
};

/* Nodes that a tunnel leads to and at which no flow begins: what they do. */
static const struct {
	const char *reason, *what;
} remote_states[] = {
	[REMOTE_UNKNOWN] = {"notAskedYet", "were not asked long enough to know if they answer"},
	[REMOTE_ANSWERS] = {NULL, NULL},
	[REMOTE_SILENT] = {"nodeSilent", "do not answer"},
	[REMOTE_STRANGE] = {"nodeOfOtherVersion", "speak nothing that this one does"},
	[REMOTE_LEAVING] = {"nodeLeaving", "are leaving"},
};

static enum plan_remote_state state_of(const struct plan_draft *d, const char *node)
{
	for (size_t i = 0; i < d->plan->n_remotes; i++)
		if (strcmp(d->plan->remotes[i].node, node) == 0)
			return d->plan->remotes[i].state;
	return REMOTE_ANSWERS; /* it is not asked */
}

/* --- endpoints ------------------------------------------------------------------------------- */

static struct plan_forwarding reached(const struct plan_draft *d,
				      const struct plan_service_backend *b)
{
	const enum plan_remote_state state =
		strcmp(b->way, "tunnel") == 0 ? state_of(d, b->node) : REMOTE_ANSWERS;
	struct plan_forwarding ret = {.way = b->way, .message = "by this way"};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (strcmp(b->way, ways[i].text) == 0)
			ret.way = ways[i].way, ret.message = ways[i].how;
	if (remote_states[state].reason) {
		ret.reason = remote_states[state].reason;
		ret.message = arena_printf(
			d->arena,
			"on nodes that %s, such as %s: no flow begins there (\"lodectl show nodes\")",
			remote_states[state].what, b->node);
	}
	return ret;
}

static struct plan_forwarding left_out(const struct plan_draft *d, const struct plan_service *row,
				       const struct plan_service_backend *b, bool is_said)
{
	struct plan_forwarding ret = {.way = NULL};

	if (b->node[0] != '\0') {
		ret.reason = "remoteEndpoints";
		ret.message = arena_printf(
			d->arena,
			row->vip.domain ? "on other nodes, such as %s: no tunnel leads there "
					  "from a VRF"
					: "on nodes to which no tunnel leads, such as %s",
			b->node);
	} else if (is_said) {
		ret.reason = "serverPort";
		ret.message = arena_printf(d->arena,
					   "on no node, at port %u, where packets come for port %u",
					   b->port, row->port);
	} else {
		ret.reason = "endpointWithoutNode";
		ret.message = "on no node, and nobody says how packets are to get there";
	}
	return ret;
}

static bool is_alike(const struct plan_forwarding *a, const struct plan_forwarding *b)
{
	return strcmp(plan_text(a->way), plan_text(b->way)) == 0 &&
	       strcmp(plan_text(a->reason), plan_text(b->reason)) == 0;
}

static void add_backend(const struct plan_draft *d, struct plan_forwardings *to, size_t first,
			const struct plan_forwarding *f, bool is_ready)
{
	size_t i = first;

	while (i < to->n && !is_alike(&to->items[i], f))
		i++;
	if (i == to->n)
		*(struct plan_forwarding *)arena_push(d->arena, &to->items, &to->n, &to->cap,
						      sizeof(*to->items)) = *f;
	to->items[i].n++;
	to->items[i].n_new += is_ready && !f->reason;
}

static void add_row(const struct plan_draft *d, const struct plan_service *row, bool is_said,
		    struct plan_forwardings *to)
{
	const size_t first = to->n;

	for (size_t i = 0; i < row->n_backends; i++) {
		const struct plan_service_backend b = plan_backend_at(row, i);
		const bool is_left_out = strcmp(b.state, "remote") == 0;
		struct plan_forwarding f =
			is_left_out ? left_out(d, row, &b, is_said) : reached(d, &b);

		f.port = row->port;
		f.protocol = row->protocol;
		add_backend(d, to, first, &f, strcmp(b.state, "ready") == 0);
	}
}

/* --- the Service ----------------------------------------------------------------------------- */

/* Who says how those of no node are reached. */
static const char *sayer(const struct plan_draft *d, const struct plan_service_input *input,
			 const struct plan_explained *item)
{
	const struct env_pool *pool = item->pool ? plan_env_pool(&d->env, item->pool) : NULL;

	if (input->service->service.forwarding)
		return "the Service's annotation lodestone.io/forwarding";
	if (pool && pool->object->pool.forwarding)
		return arena_printf(d->arena, "the annotation lodestone.io/forwarding of pool %s",
				    item->pool);
	return d->env.config.forwarding ? "LodestoneConfig" : NULL;
}

static const char *policy_text(const struct plan_draft *d, const struct plan_service_input *input,
			       const char *by)
{
	if (!d->plan->dataplane)
		return "the kernel or the CNI: the data plane is off (spec.dataplane.mode)";
	if (input->service->service.policy_local)
		return "policy Local: to endpoints on this node alone";
	if (by)
		return arena_printf(d->arena,
				    "policy Cluster: to endpoints on every node; to those on no "
				    "node as %s says",
				    by);
	return "policy Cluster: to endpoints on every node";
}

void plan_explain_forwarding(const struct plan_draft *d, const struct plan_service_input *input,
			     const struct plan_service *rows, size_t n_rows,
			     struct plan_explained *ret)
{
	const enum api_forwarding said =
		plan_service_forwarding(&d->env, input, ip_family_of(&ret->addr));
	bool any_nowhere = false;

	for (size_t i = 0; i < n_rows; i++) {
		const struct plan_service *row = &rows[i];

		if (!ip_addr_equal(&row->vip.addr, &ret->addr))
			continue;
		for (size_t k = 0; k < row->n_backends; k++)
			any_nowhere |= plan_backend_at(row, k).node[0] == '\0';
		if (d->plan->dataplane)
			add_row(d, row, said != API_FORWARD_AUTO, &ret->forwarding);
		ret->policy = policy_text(d, input, any_nowhere ? sayer(d, input, ret) : NULL);
	}
	assert(ret->policy || ret->forwarding.n == 0);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Rows of blackholes on demand, and what who asks for one is answered. */
#include "agent/discards.h"

#include "agent/agent.h"
#include "agent/ctl_reply.h"
#include "agent/show.h"
#include "base/sorted.h"
#include "sys/bpf_dataplane.h"
#include "sys/clock.h"
#include "sys/unix_server.h"

#define ANSWER_NS (2 * NSEC_PER_SEC) /* so long an answer waits for routers to be told */

/* --- rows ------------------------------------------------------------------------------------- */

/* The VRF of a domain is that of its peers. */
static const char *vrf_of(const struct plan *plan, uint16_t domain)
{
	for (size_t i = 0; domain && i < plan->n_peers; i++)
		if (plan->peers[i].domain == domain)
			return plan->peers[i].key.vrf;
	return NULL;
}

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

/* Adds those that are told, and have a route to the prefix; false: some are yet to get it. */
static bool add_peers(const struct agent *a, const struct plan_discard *item, cJSON *list)
{
	const struct plan *plan = &a->current->plan;
	const struct plan_actual *actual = &a->current->actual;
	bool all = true;

	for (size_t i = 0; i < actual->n_peers; i++) {
		const struct prefix_list *sent = actual->peers[i].advertised;
		size_t k = 0;

		while (k < plan->n_peers &&
		       peer_key_cmp(&plan->peers[k].key, &actual->peers[i].key) != 0)
			k++;
		if (k == plan->n_peers || !(item->peers >> k & 1))
			continue;
		if (prefix_list_n(sent) > 0 && sorted_find(&item->what.prefix, sent->items, sent->n,
							   sizeof(item->what.prefix), cmp_prefix))
			cJSON_AddItemToArray(list, cJSON_CreateString(plan->peers[k].key.name));
		else
			all &= !actual->peers[i].established;
	}
	return all;
}

static void add_by(struct arena *arena, const struct plan_discard *item, cJSON *to)
{
	const char *service =
		item->name ? arena_printf(arena, "Service %s/%s", item->ns, item->name) : NULL;

	if (item->by_command && service)
		service = arena_printf(arena, "command, %s", service);
	show_add_text(to, "by", item->by_command && !item->name ? "command" : service);
}

static void add_end(const struct agent *a, const struct plan_discard *item, cJSON *to)
{
	const struct agent_order *order = discards_find(a, &item->what.prefix);
	const nsec_t now = clock_now();

	if (item->by_command && order && order->until != NSEC_NEVER)
		cJSON_AddNumberToObject(
			to, "endsInSeconds",
			(double)((order->until > now ? order->until - now + NSEC_PER_SEC - 1 : 0) /
				 NSEC_PER_SEC));
	else
		cJSON_AddNullToObject(to, "endsInSeconds");
}

/* *ret_is_done: it is dropped here, and all who are to be told are. */
static cJSON *row_json(const struct agent *a, const struct plan_discard *item, bool *ret_is_done)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char prefix[IP_PREFIX_TEXT];
	cJSON *o = cJSON_CreateObject();
	uint64_t packets;
	const bool is_placed =
		a->dataplane && bpf_dataplane_discard_drops(a->dataplane, &item->what, &packets);

	cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&item->what.prefix, prefix));
	show_add_text(o, "vrf", vrf_of(&a->current->plan, item->what.domain));
	cJSON_AddNullToObject(o, "table");
	cJSON_AddArrayToObject(o, "uplinks");
	cJSON_AddBoolToObject(o, "placed", is_placed);
	show_add_text(o, "reason",
		      !is_placed         ? "not in the data plane: nothing is dropped here"
		      : !item->is_wanted ? "until no router has its route"
					 : NULL);
	cJSON_AddBoolToObject(o, "onDemand", true);
	add_by(arena, item, o);
	add_end(a, item, o);
	*ret_is_done = add_peers(a, item, cJSON_AddArrayToObject(o, "peers")) && is_placed;
	if (is_placed)
		cJSON_AddNumberToObject(o, "droppedPackets", (double)packets);
	else
		cJSON_AddNullToObject(o, "droppedPackets");
	return o;
}

void discards_show(const struct agent *a, const struct show_filter *filter, cJSON *out)
{
	const struct plan *plan = &a->current->plan;
	char prefix[IP_PREFIX_TEXT];

	for (size_t i = 0; i < plan->n_discards; i++)
		if (show_matches(filter->name,
				 ip_prefix_text(&plan->discards[i].what.prefix, prefix)))
			cJSON_AddItemToArray(out, row_json(a, &plan->discards[i], &(bool){false}));
}

/* --- requests --------------------------------------------------------------------------------- */

/* What an answer waits for. */
struct waiting {
	struct ip_prefix prefix;
	nsec_t until;
};

/* An address is one of its own length; host bits may hide a mistake in the length. */
static const char *parse_prefix(struct arena *arena, const char *text, struct ip_prefix *ret)
{
	char want[IP_PREFIX_TEXT], bare[IP_ADDR_TEXT];
	const char *slash = text ? strchr(text, '/') : NULL;
	struct ip_addr addr;

	if (!text)
		return "which prefix?";
	if (!slash && ip_addr_parse(text, &addr)) {
		*ret = ip_prefix_of(&addr, ip_addr_bits(&addr));
		return NULL;
	}
	if (!slash || !ip_prefix_parse(text, ret))
		return arena_printf(arena, "\"%s\" is no prefix: write 192.0.2.0/24 or 2001:db8::1",
				    text);
	if (!ip_addr_parse(arena_strndup(arena, text, (size_t)(slash - text)), &addr) ||
	    ip_addr_equal(&addr, &ret->addr))
		return NULL;
	return arena_printf(arena, "%s has bits behind its length: write %s, or %s alone", text,
			    ip_prefix_text(ret, want), ip_addr_text(&addr, bare));
}

static const char *why_not(const struct agent *a, struct arena *arena,
			   const struct ip_prefix *prefix)
{
	struct plan_own own;
	const struct discard_judge judge = {a->world, &a->current->node, &own};
	struct discard_refusal r;
	char text[IP_PREFIX_TEXT];

	plan_own_build(a->world, &a->current->node, arena, &own);
	if (plan_discard_may(&judge, prefix, arena, &r))
		return NULL;
	return arena_printf(arena, "%s: %s; %s", ip_prefix_text(prefix, text), r.message, r.remedy);
}

static const char *add(struct agent *a, struct arena *arena, const cJSON *request,
		       const struct ip_prefix *prefix)
{
	const cJSON *seconds = cJSON_GetObjectItem(request, "seconds");
	const double n = cJSON_IsNumber(seconds) ? seconds->valuedouble : 0;
	const char *error = why_not(a, arena, prefix);

	if (error)
		return error;
	if (seconds && !(n >= 1 && n <= DISCARD_SECONDS_MAX))
		return "a blackhole is for one second to ten years";
	if (!discards_put(a, prefix, (uint32_t)n))
		return arena_printf(arena,
				    "there are %d already; remove one, or name a shorter prefix",
				    LIMIT_DISCARD_ORDERS);
	return NULL;
}

static const char *remove_order(struct agent *a, struct arena *arena,
				const struct ip_prefix *prefix)
{
	const struct plan *plan = &a->current->plan;
	char text[IP_PREFIX_TEXT];

	if (discards_remove(a, prefix))
		return NULL;
	ip_prefix_text(prefix, text);
	for (size_t i = 0; i < plan->n_discards; i++)
		if (ip_prefix_cmp(&plan->discards[i].what.prefix, prefix) == 0 &&
		    plan->discards[i].name)
			return arena_printf(arena,
					    "%s is that of Service %s/%s, which asks for it or is "
					    "announced so: see show problems",
					    text, plan->discards[i].ns, plan->discards[i].name);
	return arena_printf(arena, "%s is no blackhole by command: see show blackholes", text);
}

/* True: it is on its way, and there is time. */
static bool answer(const struct agent *a, const struct waiting *w, struct strbuf *reply)
{
	const struct plan *plan = &a->current->plan;
	const bool has_time = loop_now(a->loop) < w->until;
	size_t i = 0;
	bool is_done;
	cJSON *row;

	while (i < plan->n_discards &&
	       (!plan->discards[i].by_command ||
		ip_prefix_cmp(&plan->discards[i].what.prefix, &w->prefix) != 0))
		i++;
	if (i == plan->n_discards) {
		if (!has_time)
			ctl_refuse(reply, "it is noted, but not in force yet: see show problems");
		return has_time;
	}
	row = row_json(a, &plan->discards[i], &is_done);
	if (!is_done && has_time) {
		cJSON_Delete(row);
		return true;
	}
	ctl_answer(reply, row);
	return false;
}

bool discards_ask(struct agent *a, const cJSON *request, struct unix_request *r,
		  struct strbuf *reply)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *action = cJSON_GetStringValue(cJSON_GetObjectItem(request, "action"));
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(request, "prefix"));
	struct ip_prefix prefix = {.len = 0};
	struct waiting *w = r->more;
	const char *error;

	if (w)
		return answer(a, w, reply);
	error = r->uid != 0 ? "only root may add and remove blackholes"
			    : parse_prefix(arena, text, &prefix);
	if (!error && action && strcmp(action, "add") == 0)
		error = add(a, arena, request, &prefix);
	else if (!error && action && strcmp(action, "remove") == 0)
		error = remove_order(a, arena, &prefix);
	else if (!error)
		error = "a blackhole can be added and removed";
	if (error) {
		ctl_refuse(reply, error);
		return false;
	}
	if (strcmp(action, "add") == 0) {
		w = r->more = xcalloc(1, sizeof(*w));
		*w = (struct waiting){prefix, nsec_add(loop_now(a->loop), ANSWER_NS)};
		return true;
	}
	ctl_answer(reply, cJSON_CreateObject());
	return false;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/explain.h"

#include "agent/agent.h"
#include "agent/show.h"

/* So long plans answer; who asks is there for as long (UNIX_CLIENT_NS), or has gone. */
#define OPEN_NS (5 * NSEC_PER_SEC)

/* --- the question ----------------------------------------------------------------------------- */

static const char *text_of(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(request, key));
}

void explain_done(struct agent *a)
{
	free((char *)(uintptr_t)a->question.asked.ns);
	free((char *)(uintptr_t)a->question.asked.name);
	a->question.asked = (struct plan_explain){.ns = NULL};
}

uint64_t explain_ask(struct agent *a, const cJSON *request, const char **ret_error)
{
	static const char *const whats[] = {
		[EXPLAIN_SERVICE] = "service", [EXPLAIN_ADDRESS] = "ip", [EXPLAIN_PEER] = "peer"};
	const char *what = text_of(request, "what"), *name = text_of(request, "name");
	const char *ns = text_of(request, "namespace");
	struct plan_explain asked = {.ns = NULL};
	size_t i = 0;

	while (i < ARRAY_SIZE(whats) && (!what || strcmp(what, whats[i]) != 0))
		i++;
	*ret_error = i == ARRAY_SIZE(whats) ? "only a service, an ip or a peer can be explained"
		     : !name                ? "explain which one?"
					    : NULL;
	if (*ret_error)
		return 0;
	asked.what = (enum plan_explain_what)i;
	if (asked.what == EXPLAIN_ADDRESS && !ip_addr_parse(name, &asked.addr)) {
		*ret_error = "this is not an IP address";
		return 0;
	}
	explain_done(a);
	a->question.asked = asked;
	a->question.asked.ns = xstrdup(ns ? ns : "default");
	a->question.asked.name = xstrdup(name);
	a->question.until = nsec_add(loop_now(a->loop), OPEN_NS);
	agent_input_changed(&a->inputs, INPUT_ASKED);
	return ++a->question.number;
}

bool explain_is_open(const struct agent *a, uint64_t number)
{
	return a->question.number == number && loop_now(a->loop) < a->question.until;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void add_steps(cJSON *to, const char *key, const struct plan_steps *steps)
{
	cJSON *list = cJSON_AddArrayToObject(to, key);

	for (size_t i = 0; i < steps->n; i++) {
		const struct plan_step *s = &steps->items[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddBoolToObject(o, "holds", !s->reason);
		show_add_text(o, "kind", s->kind);
		show_add_text(o, "name", s->name);
		show_add_text(o, "reason", s->reason);
		show_add_text(o, "message", s->message);
		cJSON_AddItemToArray(list, o);
	}
}

static cJSON *way_json(const struct plan_way *w)
{
	cJSON *o = cJSON_CreateObject();
	char text[IP_PREFIX_TEXT];

	cJSON_AddStringToObject(o, "peer", w->peer);
	show_add_text(o, "advertisement", w->advertisement);
	show_add_text(o, "prefix", w->advertisement ? ip_prefix_text(&w->prefix, text) : NULL);
	cJSON_AddBoolToObject(o, "planned", w->planned);
	cJSON_AddBoolToObject(o, "announced", w->announced);
	show_add_text(o, "reason", w->reason);
	show_add_text(o, "message", w->message);
	return o;
}

static cJSON *forwarding_json(const struct plan_forwarding *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "port", f->port);
	cJSON_AddStringToObject(o, "protocol", f->protocol);
	show_add_text(o, "way", f->way);
	cJSON_AddNumberToObject(o, "endpoints", (double)f->n);
	cJSON_AddNumberToObject(o, "takeNewFlows", (double)f->n_new);
	show_add_text(o, "reason", f->reason);
	show_add_text(o, "message", f->message);
	return o;
}

static cJSON *item_json(const struct plan_explained *item)
{
	cJSON *o = cJSON_CreateObject(), *list;
	char text[IP_ADDR_TEXT];

	show_add_text(o, "namespace", item->ns);
	show_add_text(o, "name", item->name);
	show_add_text(o, "vip",
		      ip_addr_is_none(&item->addr) ? NULL : ip_addr_text(&item->addr, text));
	show_add_text(o, "pool", item->pool);
	cJSON_AddBoolToObject(o, "announced", item->announced);
	show_add_text(o, "reason", item->reason);
	add_steps(o, "checks", &item->checks);
	add_steps(o, "advertisements", &item->adverts);
	list = cJSON_AddArrayToObject(o, "peers");
	for (size_t i = 0; i < item->ways.n; i++)
		cJSON_AddItemToArray(list, way_json(&item->ways.items[i]));
	show_add_text(o, "policy", item->policy);
	list = cJSON_AddArrayToObject(o, "forwarding");
	for (size_t i = 0; i < item->forwarding.n; i++)
		cJSON_AddItemToArray(list, forwarding_json(&item->forwarding.items[i]));
	return o;
}

static cJSON *node_json(const struct plan_explained_node *n)
{
	cJSON *o = cJSON_CreateObject(), *peers;

	cJSON_AddStringToObject(o, "node", n->name);
	cJSON_AddBoolToObject(o, "announces", n->announces);
	show_add_text(o, "reason", n->reason);
	peers = cJSON_AddArrayToObject(o, "peers");
	for (size_t i = 0; i < n->peers.n; i++)
		cJSON_AddItemToArray(peers, cJSON_CreateString(n->peers.items[i]));
	return o;
}

static bool is(const struct object_ref *ref, const char *kind, const char *name)
{
	return name && ref->kind && ref->name && strcmp(ref->kind, kind) == 0 &&
	       strcmp(ref->name, name) == 0;
}

/* The problem is of an object that has a say in what is explained. */
static bool concerns(const struct plan_explain *e, const struct object_ref *ref)
{
	if (e->what == EXPLAIN_PEER)
		return is(ref, "BGPPeer", e->name);
	if (e->what == EXPLAIN_SERVICE && is(ref, "Service", e->name))
		return show_matches(e->ns, ref->ns);
	for (size_t i = 0; i < e->n; i++) {
		const struct plan_explained *item = &e->items[i];

		if (is(ref, "IPAddressPool", item->pool) ||
		    (is(ref, "Service", item->name) && show_matches(item->ns, ref->ns)))
			return true;
		for (size_t k = 0; k < item->adverts.n; k++)
			if (is(ref, "BGPAdvertisement", item->adverts.items[k].name))
				return true;
		for (size_t k = 0; k < item->ways.n; k++)
			if (is(ref, "BGPPeer", item->ways.items[k].peer))
				return true;
	}
	return false;
}

static void add_problems(const struct agent *a, const struct plan_explain *e, cJSON *to)
{
	const struct problems *all = &a->current->problems;
	cJSON *list = cJSON_AddArrayToObject(to, "problems");

	for (size_t i = 0; i < all->n; i++)
		if (concerns(e, &all->items[i].object))
			cJSON_AddItemToArray(list, show_problem(a, &all->items[i]));
}

static cJSON *answer_json(const struct agent *a, const struct plan_explain *e)
{
	cJSON *o = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(o, "node", a->settings.node_name);
	cJSON_AddBoolToObject(o, "found", e->found);
	add_steps(o, "steps", &e->steps);
	list = cJSON_AddArrayToObject(o, "addresses");
	for (size_t i = 0; i < e->n; i++)
		cJSON_AddItemToArray(list, item_json(&e->items[i]));
	cJSON_AddNumberToObject(o, "addressesLeftOut", (double)e->n_left_out);
	list = cJSON_AddArrayToObject(o, "otherNodes");
	for (size_t i = 0; i < e->n_nodes; i++)
		cJSON_AddItemToArray(list, node_json(&e->nodes[i]));
	cJSON_AddNumberToObject(o, "otherNodesLeftOut", (double)e->n_nodes_left_out);
	add_problems(a, e, o);
	return o;
}

cJSON *explain_answer(struct agent *a, uint64_t number)
{
	if (!a->current || a->current->question != number)
		return NULL;
	if (a->question.number == number)
		a->question.until = 0; /* no plan needs to answer it any more */
	return answer_json(a, &a->current->explained);
}

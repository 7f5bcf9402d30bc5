// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is not well, by name: the first few of each kind, so that who is woken need not ask for the
 * lists to see where to go on. How many there are is told beside it.
 */
#include "agent/agent.h"
#include "agent/show.h"
#include "plan/plan_reason.h"

#define TOLD 3 /* of a kind */

/* Without a session, although there is to be one. */
static void add_peers(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *list = cJSON_AddArrayToObject(to, "peers");
	size_t n = 0;

	for (size_t i = 0; i < a->peers.n && !plan->drained && !plan->observes; i++) {
		const struct agent_peer *p = a->peers.items[i];
		const struct bgp_peer_info info = bgp_peer_info(p->bgp);
		cJSON *o;

		if (info.state == BGP_ESTABLISHED || ++n > TOLD)
			continue;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", p->key.name);
		show_add_text(o, "vrf", p->key.vrf);
		cJSON_AddStringToObject(o, "state", bgp_state_text(info.state));
		show_add_text(o, "lastError", info.last_error);
		cJSON_AddItemToArray(list, o);
	}
	cJSON_AddNumberToObject(to, "morePeers", (double)(n > TOLD ? n - TOLD : 0));
}

struct tally {
	size_t n;
	const struct plan_service *first;
};

static cJSON *tally_json(const struct plan_reason *reason, const struct tally *t)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "reason", reason->word);
	cJSON_AddStringToObject(o, "meaning", reason->fails);
	cJSON_AddNumberToObject(o, "ports", (double)t->n);
	cJSON_AddStringToObject(o, "namespace", t->first->ns);
	cJSON_AddStringToObject(o, "name", t->first->name);
	return o;
}

/* Ports that are not announced, by the reason, in the order in which reasons are asked for. */
static void add_services(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	const struct plan_reason *reasons = plan_reasons();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	cJSON *list = cJSON_AddArrayToObject(to, "services");
	size_t n_reasons = 0, n = 0;
	struct tally *tallies;

	while (reasons[n_reasons].word)
		n_reasons++;
	tallies = arena_array_of(arena, n_reasons, struct tally);
	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i];
		struct tally *t;

		if (s->announced)
			continue;
		t = &tallies[plan_reason_find(s->reason) - reasons];
		t->first = t->first ? t->first : s;
		t->n++;
	}
	for (size_t i = 0; i < n_reasons; i++)
		if (tallies[i].n > 0 && ++n <= TOLD)
			cJSON_AddItemToArray(list, tally_json(&reasons[i], &tallies[i]));
	cJSON_AddNumberToObject(to, "moreReasons", (double)(n > TOLD ? n - TOLD : 0));
}

/* Errors, or else warnings; the list has the worst first. */
static void add_problems(const struct agent *a, cJSON *to)
{
	const struct problems *problems = &a->current->problems;
	cJSON *list = cJSON_AddArrayToObject(to, "problems");

	for (size_t i = 0; i < problems->n && i < TOLD; i++) {
		const struct problem *p = &problems->items[i];

		if (p->severity == SEVERITY_INFO || p->severity != problems->items[0].severity)
			break;
		cJSON_AddItemToArray(list, show_problem(a, p));
	}
}

void show_unwell(const struct agent *a, cJSON *to)
{
	cJSON *o = cJSON_AddObjectToObject(to, "unwell");

	add_peers(a, o);
	add_services(a, o);
	add_problems(a, o);
}

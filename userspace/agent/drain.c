// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. What drained means is the plan's affair (plan_env.h). */
#include "agent/drain.h"

#include "agent/agent.h"
#include "agent/show.h"
#include "agent/state_files.h"
#include "sys/clock.h"
#include "sys/log.h"

#define FILE_NAME     "drain.yaml"
#define FILE_TEXT     "drained: true\n"
#define DRAIN_TOLD_NS (5 * NSEC_PER_SEC) /* for routers to choose other ways */

void drain_load(struct agent *a)
{
	size_t len;
	_cleanup_(freep) char *text = state_read(a, FILE_NAME, &len);

	a->settings.drain_told = true; /* routes of a former process carry no more news */
	a->drain_at = 0;
	a->settings.drained = text && strcmp(text, FILE_TEXT) == 0;
	if (text && !a->settings.drained)
		log_warn("state: says nothing of a drain, left alone", "file=" FILE_NAME);
}

cJSON *drain_ask(struct agent *a, bool drained)
{
	const struct state_file file = {.name = FILE_NAME, .mode = STATE_MODE};
	cJSON *ret = cJSON_CreateObject();

	if (drained)
		state_write(a, &file, xstrdup(FILE_TEXT), strlen(FILE_TEXT));
	else
		state_remove(a, FILE_NAME);
	if (a->settings.drained != drained) {
		log_info("drain", "asked=%s", drained ? "true" : "false");
		agent_input_changed(&a->inputs, INPUT_DRAIN);
	}
	a->settings.drained = drained;
	cJSON_AddBoolToObject(ret, "byCommand", drained);
	cJSON_AddBoolToObject(ret, "byNode", a->current->plan.drained_by_node);
	return ret;
}

static bool announces(const struct agent *a)
{
	for (size_t i = 0; i < a->peers.n; i++)
		if (bgp_peer_info(a->peers.items[i]->bgp).routes_advertised > 0)
			return true;
	return false;
}

nsec_t drain_tick(struct agent *a, nsec_t now)
{
	if (!a->current) /* what a former process told stays told */
		return NSEC_NEVER;
	if (!a->current->plan.leaves) {
		a->drain_at = NSEC_NEVER;
		a->settings.drain_told = false;
		return agent_peers_drain(&a->peers, false, now);
	}
	if (a->drain_at == NSEC_NEVER) /* who announces nothing has nothing to tell */
		a->drain_at = announces(a) ? nsec_add(now, DRAIN_TOLD_NS) : now;
	if (a->settings.drain_told)
		return agent_peers_drain(&a->peers, a->current->plan.drained, now);
	if (now < a->drain_at)
		return a->drain_at;
	a->settings.drain_told = true;
	agent_input_changed(&a->inputs, INPUT_DRAIN);
	return now;
}

/* When the last of what is left goes at the latest; 0: routers still hold routes to it. */
static nsec_t left_until(const struct agent *a)
{
	nsec_t ret = 0;

	for (size_t i = 0; i < a->ledger.n_leaving; i++) {
		const nsec_t since = a->ledger.leaving[i].unheld_since;

		if (since == NSEC_NEVER)
			return 0;
		if (since > ret)
			ret = since;
	}
	return ret ? nsec_add(ret, PLAN_UNHELD_NS + a->current->plan.drain_ns) : 0;
}

void drain_show(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *o;

	if (!plan->leaves) {
		cJSON_AddNullToObject(to, "drain");
		return;
	}
	o = cJSON_AddObjectToObject(to, "drain");
	cJSON_AddStringToObject(o, "state",
				plan->leaving || !plan->drained ? "draining" : "drained");
	cJSON_AddBoolToObject(o, "byCommand", a->settings.drained);
	cJSON_AddBoolToObject(o, "byNode", a->current->plan.drained_by_node);
	show_add_left(o, plan->leaving ? left_until(a) : 0);
}

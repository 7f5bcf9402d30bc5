// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How the feed is, as problems and for status. A kind that is not installed is no problem: nobody
 * has objects of it.
 */
#include "agent/feed.h"

#include "agent/agent.h"
#include "agent/feed_inside.h"

#include <cjson/cJSON.h>

static const char *const state_words[] = {
	[KUBE_STARTING] = "starting", [KUBE_WATCHING] = "watching", [KUBE_FAILING] = "failing",
	[KUBE_REFUSED] = "refused",   [KUBE_ABSENT] = "absent",
};

const char *feed_state_text(size_t state)
{
	return state_words[state];
}
_Static_assert(ARRAY_SIZE(state_words) == FEED_STATES, "each has a word");

bool feed_figures(const struct agent *a, struct feed_figures *ret)
{
	const struct agent_feed *f = a->feed;

	if (!f)
		return false;
	*ret = (struct feed_figures){
		.is_connected = f->fd >= 0, .is_holder = f->is_holder, .n_updates = f->n_updates};
	for (size_t i = 0; f->fd >= 0 && i < f->n_kinds; i++)
		ret->kinds[f->kinds[i].state]++;
	return true;
}

static void add_lost(const struct agent_feed *f, struct problems *list)
{
	const struct object_ref ref = {.kind = "Source", .name = "kube"};
	const struct problem_text lost = {
		.reason = "FeederAway",
		.remedy = "start lodestone-kube with --agent and this socket, and see its log"};
	const struct problem_text foreign = {
		.reason = "FeederVersion",
		.remedy = "run lodestoned and lodestone-kube of one release"};

	if (f->foreign_version)
		problem_add(list, SEVERITY_ERROR, &ref, &foreign,
			    "lodestone-kube speaks version %u of the feed, and this agent %d",
			    f->foreign_version, KUBE_FEED_VERSION);
	else if (f->fd < 0)
		problem_add(list, SEVERITY_WARNING, &ref, &lost,
			    "no feeder is connected to %s; what the API server said last stays in "
			    "force",
			    f->listener.path);
}

static void add_kind(const struct feed_kind *k, struct problems *list)
{
	const struct object_ref ref = {.kind = "Source", .name = "kube"};
	const struct problem_text text = {
		.field = k->name,
		.reason = "NotPermitted",
		.remedy = "give lodestone-kube the right by its Role or ClusterRole; until then "
			  "what was known of the kind stays in force",
	};

	if (k->state == KUBE_REFUSED)
		problem_add(list, SEVERITY_ERROR, &ref, &text, "%s", k->why);
}

/* The server is away for all kinds at once as a rule: that is one problem. */
static void add_failing(const struct agent_feed *f, struct problems *list)
{
	const struct object_ref ref = {.kind = "Source", .name = "kube"};
	const struct feed_kind *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < f->n_kinds; i++) {
		if (f->kinds[i].state != KUBE_FAILING)
			continue;
		n++;
		if (!first)
			first = &f->kinds[i];
	}
	if (first)
		problem_add(list, SEVERITY_WARNING, &ref,
			    &(struct problem_text){
				    .reason = "APIServerAway",
				    .remedy = "nothing, if the API server is being restarted; else "
					      "see the log of lodestone-kube"},
			    "%zu of %zu kinds are not watched, and what was known of them stays in "
			    "force; %s: %s",
			    n, f->n_kinds, first->name, first->why);
}

static void add_unallocated(const struct agent_feed *f, struct problems *list)
{
	const struct object_ref ref = {.kind = "Source", .name = "kube"};
	const struct problem_text text = {
		.reason = "NobodyAllocates",
		.remedy = "give lodestone-kube of some nodes the right to create and update that "
			  "Lease (ClusterRole and Role lodestone-allocator), and see its log"};

	if (f->is_unallocated)
		problem_add(list, SEVERITY_ERROR, &ref, &text,
			    "for more than a minute no node has held the Lease lodestone-ipam, so "
			    "Services that come get no address; what is announced stays so%s%s",
			    *f->unallocated_why ? ": " : "", f->unallocated_why);
}

void feed_problems_add(const struct agent *a, struct problems *list)
{
	const struct agent_feed *f = a->feed;

	if (!f)
		return;
	add_lost(f, list);
	if (f->fd < 0)
		return;
	for (size_t i = 0; i < f->n_kinds; i++)
		add_kind(&f->kinds[i], list);
	add_failing(f, list);
	add_unallocated(f, list);
}

cJSON *feed_show(const struct agent *a, nsec_t now)
{
	const struct agent_feed *f = a->feed;
	cJSON *out, *kinds;

	if (!f)
		return cJSON_CreateNull();
	out = cJSON_CreateObject();
	cJSON_AddBoolToObject(out, "connected", f->fd >= 0);
	cJSON_AddNumberToObject(out, "sinceSeconds", (double)((now - f->since) / NSEC_PER_SEC));
	kinds = cJSON_AddArrayToObject(out, "kinds");
	for (size_t i = 0; i < f->n_kinds; i++) {
		const struct feed_kind *k = &f->kinds[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "kind", k->name);
		cJSON_AddStringToObject(o, "state", state_words[k->state]);
		cJSON_AddBoolToObject(o, "complete", k->is_complete);
		cJSON_AddItemToObject(o, "message",
				      *k->why ? cJSON_CreateString(k->why) : cJSON_CreateNull());
		cJSON_AddItemToArray(kinds, o);
	}
	return out;
}

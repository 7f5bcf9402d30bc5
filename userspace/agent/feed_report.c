// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is told of Services by events, from the plan that was applied last, and when it is: after
 * each plan, but once a second at most. What is over within one is not told.
 */
#include "agent/agent.h"
#include "agent/feed.h"
#include "agent/feed_inside.h"
#include "agent/inputs.h"

#include <cjson/cJSON.h>

#define EVERY_NS  (1 * NSEC_PER_SEC)
#define GATHER_NS (100 * NSEC_PER_MSEC) /* what comes together is told together */

/* Several sorted lists, walked side by side with the Services. */
struct walk {
	struct agent *a;
	struct arena *arena;
	struct problems failures; /* of the allocator */
	size_t at_failure, at_row;
};

static int cmp_names(const char *ns, const char *name, const struct api_meta *meta)
{
	const int cmp = strcmp(ns ? ns : "", meta->ns ? meta->ns : "");

	return cmp ? cmp : strcmp(name, meta->name);
}

/* Errors only: these come first. */
static const char *failure_of(struct walk *w, const struct api_meta *meta)
{
	for (; w->at_failure < w->failures.n; w->at_failure++) {
		const struct problem *p = &w->failures.items[w->at_failure];
		const int cmp = p->severity != SEVERITY_ERROR || strcmp(p->object.kind, "Service")
					? -1
					: cmp_names(p->object.ns, p->object.name, meta);

		if (cmp > 0)
			break;
		if (cmp == 0)
			return arena_printf(w->arena, "%s%s%s", p->message, p->remedy ? "; " : "",
					    p->remedy ? p->remedy : "");
	}
	return NULL;
}

static bool was_served(const struct state_served *s, const struct ip_addr *addr)
{
	for (size_t i = 0; i < s->n; i++)
		if (ip_addr_equal(&s->vips[i].addr, addr))
			return true;
	return false;
}

static void look_at_rows(struct walk *w, const struct api_meta *meta, bool is_told,
			 struct service_now *ret)
{
	const struct plan *plan = &w->a->current->plan;

	for (; w->at_row < plan->n_services; w->at_row++) {
		const struct plan_service *row = &plan->services[w->at_row];
		const int cmp = cmp_names(row->ns, row->name, meta);

		if (cmp > 0)
			break;
		if (cmp < 0 || !row->announced)
			continue;
		ret->is_announced = true;
		ret->was_served |= !is_told && was_served(&w->a->served, &row->vip.addr);
	}
}

/* On the heap. */
static char *event_text(const struct service_event *e)
{
	cJSON *json = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(json, "type", e->type);
	cJSON_AddStringToObject(json, "reason", e->reason);
	cJSON_AddStringToObject(json, "message", e->message);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (!text)
		abort();
	return text;
}

static void tell_of(struct walk *w, const struct api_object *o)
{
	struct agent_feed *f = w->a->feed;
	struct feed_name *name = feed_names_get(f->names, o->meta.file);
	struct service_event events[SERVICE_EVENTS_MAX];
	struct service_now now = {.object = o,
				  .node = w->a->settings.node_name,
				  .is_holder = f->is_holder && !w->a->current->plan.stands_back,
				  .failure = failure_of(w, &o->meta)};
	size_t n;

	look_at_rows(w, &o->meta, name->told.is_announced, &now);
	n = service_events(&now, &name->told, w->arena, events);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(freep) char *text = event_text(&events[i]);

		if (strlen(text) <= KUBE_WISH_BYTES)
			feed_wish(f, o, KUBE_WISH_EVENT, text);
	}
}

/* True: all of them; else the socket has no room for more now. */
static bool tell_events(struct agent *a, struct arena *arena)
{
	struct walk w = {.a = a, .arena = arena, .failures = {.arena = arena}};
	const struct world_list services = world_list(a->world, API_SERVICE);
	const struct ipam_inputs in = inputs_of_ipam(a, a->current);

	problems_borrow(&w.failures, &a->current->unwanted);
	problems_sort(&w.failures);
	for (size_t i = 0; i < services.n; i++) {
		const struct api_object *o = services.items[i];

		if (!feed_has_room(a->feed, SERVICE_EVENTS_MAX))
			return false;
		if (ipam_is_clustered(&in, o))
			tell_of(&w, o);
	}
	return true;
}

void feed_report_due(struct agent_feed *f, nsec_t now)
{
	const nsec_t gathered = nsec_add(now, GATHER_NS);

	if (!f->is_report_due && f->report_at < gathered)
		f->report_at = gathered;
	f->is_report_due = true;
}

nsec_t feed_report_step(struct agent *a, nsec_t now)
{
	_cleanup_(arena_freep) struct arena *arena = NULL;
	struct agent_feed *f = a->feed;

	if (!f || f->fd < 0 || !f->is_greeted || !f->is_report_due || !a->current || a->preparing ||
	    !agent_inputs_are_complete(&a->inputs))
		return NSEC_NEVER;
	if (now < f->report_at)
		return f->report_at;
	arena = arena_new();
	f->is_report_due = !tell_events(a, arena);
	f->is_report_due |= !feed_status_report(a, arena, now);
	f->report_at = nsec_add(now, EVERY_NS);
	if (f->out.len > 0)
		(void)!feed_wishes_write(a); /* a connection that is gone is told as such */
	return f->is_report_due ? f->report_at : NSEC_NEVER;
}

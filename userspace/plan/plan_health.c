// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which ports are to be answered on, from the rows that fragments have for status. While the data
 * plane is being left they say 503, so that who asks goes elsewhere before it is gone; with mode
 * off nobody answers here, since that is whose forwarding it is: kube-proxy's.
 */
#include "plan/plan_health.h"

#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* Of two Services with one port the first by name comes first. */
static int cmp_health(const void *a, const void *b)
{
	const struct plan_health *x = a, *y = b;
	int cmp = (x->port > y->port) - (x->port < y->port);

	if (cmp == 0)
		cmp = strcmp(x->ns, y->ns);
	return cmp ? cmp : strcmp(x->name, y->name);
}

static void port_problem(struct plan_draft *d, const struct plan_health *loser,
			 const struct plan_health *owner)
{
	const struct object_ref ref = {.kind = "Service", .ns = loser->ns, .name = loser->name};
	const struct problem_text text = {
		.field = "spec.healthCheckNodePort",
		.reason = "HealthCheckPortConflict",
		.remedy = "give one of them another port",
	};

	problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &text,
		    "port %u answers for Service %s/%s, not for this one", loser->port, owner->ns,
		    owner->name);
}

void plan_draft_health(struct plan_draft *d)
{
	const struct plan_arrangement *a = d->arranged;
	struct plan_health *all = NULL;
	size_t n = 0, cap = 0, kept = 0;

	if (!d->plan->dataplane && !d->plan->leaving)
		return;
	for (size_t i = 0; (i = arranged_marked(a, PLAN_MARK_HEALTH, i)) < a->n; i++) {
		const struct plan_service *row = &a->rows[a->first_row[i]];

		assert(a->first_row[i] < a->first_row[i + 1] && row->health_port != 0);
		*(struct plan_health *)arena_push(d->arena, &all, &n, &cap, sizeof(*all)) =
			(struct plan_health){.port = row->health_port,
					     .ns = row->ns,
					     .name = row->name,
					     .endpoints = row->n_local_ready,
					     .is_serving = d->plan->dataplane && d->peers_open};
	}
	plan_sort(all, n, sizeof(*all), cmp_health);
	for (size_t i = 0; i < n; i++) {
		if (kept && all[kept - 1].port == all[i].port)
			port_problem(d, &all[i], &all[kept - 1]);
		else
			all[kept++] = all[i];
	}
	d->plan->health = all;
	d->plan->n_health = kept;
}

/* As a JSON string; names from files may be anything. */
static void add_quoted(struct strbuf *s, const char *text)
{
	strbuf_add(s, "\"");
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			strbuf_printf(s, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			strbuf_printf(s, "\\u%04x", (unsigned char)*c);
		else
			strbuf_add_len(s, c, 1);
	}
	strbuf_add(s, "\"");
}

int plan_health_answer(const struct plan_health *h, struct strbuf *body)
{
	assert(h->port != 0);
	strbuf_add(body, "{\n\t\"service\": {\n\t\t\"namespace\": ");
	add_quoted(body, h->ns);
	strbuf_add(body, ",\n\t\t\"name\": ");
	add_quoted(body, h->name);
	strbuf_printf(body, "\n\t},\n\t\"localEndpoints\": %u,\n\t\"serviceProxyHealthy\": %s\n}",
		      h->endpoints, h->is_serving ? "true" : "false");
	return h->endpoints && h->is_serving ? 200 : 503;
}

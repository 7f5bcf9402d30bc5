// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The facts of sys/host.h, judged by plan/preflight.h, as text or JSON. */
#include "agent/preflight.h"

#include "agent/cleanup.h"
#include "plan/preflight.h"
#include "sys/host.h"
#include "sys/log.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_PROBLEMS 2

static void print_text(const struct preflight *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct preflight_line *l = &p->lines[i];

		printf("%s: %s%s%s: %s%s%s\n", preflight_state_text(l->state), l->feature,
		       l->device ? " " : "", l->device ? l->device : "", l->message,
		       l->remedy ? "; " : "", l->remedy ? l->remedy : "");
	}
}

static void add_text(cJSON *to, const char *key, const char *text)
{
	cJSON_AddItemToObject(to, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void print_json(const struct preflight *p)
{
	cJSON *list = cJSON_CreateArray();
	char *text;

	for (size_t i = 0; i < p->n; i++) {
		const struct preflight_line *l = &p->lines[i];
		cJSON *o = cJSON_CreateObject();

		add_text(o, "feature", l->feature);
		add_text(o, "device", l->device);
		add_text(o, "state", preflight_state_text(l->state));
		add_text(o, "message", l->message);
		add_text(o, "remedy", l->remedy);
		cJSON_AddItemToArray(list, o);
	}
	text = cJSON_PrintUnformatted(list);
	if (!text)
		abort(); /* out of memory */
	puts(text);
	cJSON_free(text);
	cJSON_Delete(list);
}

int preflight_run(const struct options *options)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct host_facts facts;
	struct preflight p;

	host_facts(options->pin, agent_is_there(options->pin), arena, &facts);
	preflight_judge(&facts, arena, &p);
	if (options->preflight_json)
		print_json(&p);
	else
		print_text(&p);
	return preflight_has_problem(&p) ? EXIT_PROBLEMS : EXIT_SUCCESS;
}

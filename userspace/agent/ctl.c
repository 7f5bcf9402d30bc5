// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests to answers: a table of what can be shown. Reading is for everybody the socket lets in.
 * Health-check node ports are answered beside it, with what the plan says of them.
 */
#include "agent/ctl.h"

#include "agent/agent.h"
#include "agent/reconcile.h"
#include "agent/show.h"
#include "base/names.h"
#include "base/strbuf.h"
#include "sys/health_server.h"
#include "sys/unix_server.h"

#include <cjson/cJSON.h>

static const struct {
	const char *what;
	cJSON *(*show)(const struct agent *a, const struct show_filter *filter);
} shows[] = {
	{"peers", show_peers},       {"routes", show_routes}, {"bfd", show_bfd},
	{"services", show_services}, {"pools", show_pools},   {"problems", show_problems},
};

static void add_json(struct strbuf *reply, cJSON *body)
{
	char *text = cJSON_PrintUnformatted(body);

	strbuf_add(reply, text);
	strbuf_add(reply, "\n");
	free(text);
	cJSON_Delete(body);
}

static void refuse(struct strbuf *reply, const char *error)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "protocol", LODESTONE_PROTOCOL);
	cJSON_AddBoolToObject(line, "ok", false);
	cJSON_AddStringToObject(line, "error", error);
	add_json(reply, line);
}

static void answer(struct strbuf *reply, cJSON *body)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "protocol", LODESTONE_PROTOCOL);
	cJSON_AddBoolToObject(line, "ok", true);
	add_json(reply, line);
	add_json(reply, body);
}

static const char *get_text(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(request, key));
}

static void show(const struct agent *a, const cJSON *request, struct strbuf *reply)
{
	struct show_filter filter = {
		.name = get_text(request, "name"),
		.ns = get_text(request, "namespace"),
		.peer = get_text(request, "peer"),
		.received = cJSON_IsTrue(cJSON_GetObjectItem(request, "received")),
	};
	const char *what = get_text(request, "what");

	for (size_t i = 0; what && i < ARRAY_SIZE(shows); i++)
		if (strcmp(what, shows[i].what) == 0) {
			answer(reply, shows[i].show(a, &filter));
			return;
		}
	refuse(reply, "there is nothing of this name to show");
}

static void on_request(void *ctx, uid_t uid, const char *text, struct strbuf *reply)
{
	struct agent *a = ctx;
	cJSON *request = cJSON_Parse(text);
	const char *command = get_text(request, "command");

	(void)uid; /* all that can be asked so far is reading */
	reconcile_finish(a, loop_now(a->loop));
	if (!command)
		refuse(reply, "the request is not a JSON object with a command");
	else if (!a->current)
		refuse(reply, "the agent is starting; try again in a moment");
	else if (strcmp(command, "status") == 0)
		answer(reply, show_status(a));
	else if (strcmp(command, "show") == 0)
		show(a, request, reply);
	else
		refuse(reply, "this agent does not know the command; is lodectl newer than it?");
	cJSON_Delete(request);
}

/* The folder that only Lodestone uses. Another one may be anybody's. */
static bool is_own_folder(const char *socket)
{
	const char *name = strrchr(socket, '/');

	return name && (size_t)(name - socket) == strlen(LODESTONE_RUN) &&
	       strncmp(socket, LODESTONE_RUN, strlen(LODESTONE_RUN)) == 0;
}

int ctl_start(struct agent *a)
{
	struct unix_server_args args = {
		.loop = a->loop,
		.path = a->options->socket,
		.group = LODESTONE_GROUP,
		.own_folder = is_own_folder(a->options->socket),
		.handler = on_request,
		.ctx = a,
	};
	int r = unix_server_new(&args, &a->server);

	a->health = health_server_new(a->loop);

	if (r < 0)
		fprintf(stderr, "lodestoned: control socket %s: %s\n", a->options->socket,
			strerror(-r));
	return r;
}

int ctl_group_error(const struct agent *a)
{
	return a->server ? unix_server_group_error(a->server) : 0;
}

void ctl_stop(struct agent *a)
{
	unix_server_free(a->server);
	health_server_free(a->health);
}

/* Whether a port is answered on is a problem, or none any more: of the next plan. */
static void note_health(struct agent *a)
{
	struct health_failure f;
	size_t n = 0;

	while (health_server_failure(a->health, n, &f))
		n++;
	if (n != a->n_unhealthy)
		agent_input_changed(&a->inputs, INPUT_SINKS);
	a->n_unhealthy = n;
}

void ctl_apply(struct agent *a, nsec_t now)
{
	const struct plan *plan = &a->current->plan;

	health_server_set(a->health, plan->health, plan->n_health, now);
	note_health(a);
}

nsec_t ctl_tick(struct agent *a, nsec_t now)
{
	const nsec_t next = health_server_tick(a->health, now);

	note_health(a);
	return nsec_min(next, unix_server_tick(a->server, now));
}

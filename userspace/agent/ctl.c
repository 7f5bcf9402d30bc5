// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests to answers: a table of what can be shown. Reading is for everybody the socket lets in,
 * what changes something for root.
 * Health-check node ports are answered beside it, with what the plan says of them.
 */
#include "agent/ctl.h"

#include "agent/agent.h"
#include "agent/ctl_reply.h"
#include "agent/drain.h"
#include "agent/explain.h"
#include "agent/show.h"
#include "sys/health_server.h"
#include "sys/unix_server.h"

#include <cjson/cJSON.h>

static const struct shown {
	const char *what;
	cJSON *(*show)(const struct agent *a, const struct show_filter *filter);
	cJSON *(*show_piece)(const struct agent *a, const struct show_filter *filter,
			     struct show_cursor *c); /* of what may be long */
} shows[] = {
	{.what = "peers", .show = show_peers},
	{.what = "routes", .show_piece = show_routes},
	{.what = "bfd", .show = show_bfd},
	{.what = "blackholes", .show = show_blackholes},
	{.what = "nodes", .show = show_nodes},
	{.what = "services", .show_piece = show_services},
	{.what = "pools", .show = show_pools},
	{.what = "problems", .show = show_problems},
	{.what = "backends", .show_piece = show_backends},
};

static const char *get_text(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(request, key));
}

/* The next piece of a list as long as it may be; true: there is more. */
static bool show_piece(const struct agent *a, const struct shown *s,
		       const struct show_filter *filter, struct unix_request *r,
		       struct strbuf *reply)
{
	struct show_cursor *c = r->more;
	const bool is_first = !c;
	bool was_open;
	char *text;
	cJSON *body;
	size_t len;

	if (is_first) {
		c = r->more = xcalloc(1, sizeof(*c));
		ctl_agree(reply);
		strbuf_add(reply, "[");
	}
	was_open = c->is_open;
	body = s->show_piece(a, filter, c);
	text = cJSON_PrintUnformatted(body);
	len = strlen(text) - strlen("[]");
	if (c->is_open && !was_open)
		len -= strlen("]}");
	if (len > 0 && c->has_told)
		strbuf_add(reply, ",");
	strbuf_add_len(reply, text + 1, len);
	if (was_open && !c->is_open)
		strbuf_add(reply, "]}");
	c->has_told |= len > 0;
	free(text);
	cJSON_Delete(body);
	if (c->is_over)
		strbuf_add(reply, "]\n");
	return !c->is_over;
}

static bool show(const struct agent *a, const cJSON *json, struct unix_request *r,
		 struct strbuf *reply)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *what = get_text(json, "what"), *error;
	struct show_filter filter;

	if (!show_filter_read(a, json, arena, &filter, &error)) {
		ctl_refuse(reply, error);
		return false;
	}
	for (size_t i = 0; what && i < ARRAY_SIZE(shows); i++) {
		if (strcmp(what, shows[i].what) != 0)
			continue;
		if (shows[i].show_piece)
			return show_piece(a, &shows[i], &filter, r, reply);
		ctl_answer(reply, shows[i].show(a, &filter));
		return false;
	}
	ctl_refuse(reply, "there is nothing of this name to show");
	return false;
}

static void drain(struct agent *a, const struct unix_request *r, bool drained, struct strbuf *reply)
{
	if (r->uid != 0)
		ctl_refuse(reply, "only root may drain the node or take that back");
	else
		ctl_answer(reply, drain_ask(a, drained));
}

/*
 * The next plan answers; until it is made there is more to come. What the request keeps is the
 * number of its question.
 */
static bool explain(struct agent *a, const cJSON *json, struct unix_request *r,
		    struct strbuf *reply)
{
	uint64_t *number = r->more;
	const char *error = NULL;
	cJSON *body = number ? explain_answer(a, *number) : NULL;

	if (body) {
		ctl_answer(reply, body);
		return false;
	}
	if (number && explain_is_open(a, *number))
		return true;
	if (!number)
		number = r->more = xcalloc(1, sizeof(*number));
	*number = explain_ask(a, json, &error);
	if (error)
		ctl_refuse(reply, error);
	return !error;
}

/*
 * While a plan is prepared the current one may name objects that are gone, and an answer waits.
 */
static bool on_request(void *ctx, struct unix_request *r, struct strbuf *reply)
{
	struct agent *a = ctx;
	bool more = false;
	const char *command;
	cJSON *json;

	if (a->preparing)
		return true;
	json = cJSON_Parse(r->line);
	command = get_text(json, "command");
	if (!command)
		ctl_refuse(reply, "the request is not a JSON object with a command");
	else if (!a->current)
		ctl_refuse(reply, "the agent is starting; try again in a moment");
	else if (strcmp(command, "status") == 0)
		ctl_answer(reply, show_status(a));
	else if (strcmp(command, "drain") == 0 || strcmp(command, "undrain") == 0)
		drain(a, r, command[0] == 'd', reply);
	else if (strcmp(command, "trace") == 0)
		ctl_trace(a, json, reply);
	else if (strcmp(command, "log-level") == 0)
		ctl_log_level(json, r->uid, reply);
	else if (strcmp(command, "log") == 0)
		ctl_log(reply);
	else if (strcmp(command, "explain") == 0)
		more = explain(a, json, r, reply);
	else if (strcmp(command, "blackhole") == 0)
		more = discards_ask(a, json, r, reply);
	else if (strcmp(command, "capture") == 0)
		more = ctl_capture(a, json, r, reply);
	else if (strcmp(command, "show") == 0)
		more = show(a, json, r, reply);
	else
		ctl_refuse(reply,
			   "this agent does not know the command; is lodectl newer than it?");
	cJSON_Delete(json);
	return more;
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
	int r;

	drain_load(a); /* what was asked of the process before */
	discards_load(a);
	r = unix_server_new(&args, &a->server);
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
	explain_done(a);
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
	const nsec_t next =
		nsec_min(nsec_min(health_server_tick(a->health, now), drain_tick(a, now)),
			 discards_tick(a, now));

	note_health(a);
	return nsec_min(next, unix_server_tick(a->server, now));
}

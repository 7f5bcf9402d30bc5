// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests and replies. An agent of another version may answer with more keys than are known here
 * (they are shown by json and yaml) but must speak protocol version 1: another first word is
 * refused rather than shown wrongly.
 */
#include "cli/protocol.h"

#include "base/names.h"
#include "cli/endpoint.h"

static void add_text(cJSON *to, const char *key, const char *text)
{
	if (text)
		cJSON_AddStringToObject(to, key, text);
	else
		cJSON_AddNullToObject(to, key);
}

/* The name of a Service; what stands before it and a slash becomes the namespace. */
static const char *split(struct arena *arena, const char *name, const char **ns)
{
	const char *slash = name ? strchr(name, '/') : NULL;

	if (!slash)
		return name;
	*ns = arena_strndup(arena, name, (size_t)(slash - name));
	return slash + 1;
}

static void add_named(struct arena *arena, cJSON *to, const struct cli_args *args, bool is_service)
{
	const char *ns = args->ns;

	add_text(to, "name", is_service ? split(arena, args->name, &ns) : args->name);
	add_text(to, "namespace", ns);
}

static void add_shown(struct arena *arena, cJSON *o, const struct cli_args *args)
{
	cJSON_AddStringToObject(o, "what", cli_what_text(args->what));
	if (args->service) {
		const char *ns = args->ns;
		const char *service = split(arena, args->service, &ns);

		add_text(o, "name", args->name);
		add_text(o, "namespace", ns);
		add_text(o, "service", service);
	} else {
		add_named(arena, o, args, args->what == CLI_SERVICES || args->what == CLI_BACKENDS);
	}
	add_text(o, "peer", args->peer);
	if (args->vrf)
		add_text(o, "vrf", args->vrf);
	if (args->prefix)
		add_text(o, "prefix", args->prefix);
	if (args->received)
		cJSON_AddTrueToObject(o, "received");
	if (args->planned)
		cJSON_AddTrueToObject(o, "planned");
}

static void add_traced(cJSON *o, const struct cli_args *args)
{
	struct endpoint from, to;

	if (!endpoint_parse(args->from, &from) || !endpoint_parse(args->to, &to))
		abort(); /* cli_parse() has refused it */
	cJSON_AddStringToObject(o, "client", from.address);
	if (from.port)
		cJSON_AddNumberToObject(o, "clientPort", from.port);
	cJSON_AddStringToObject(o, "vip", to.address);
	cJSON_AddNumberToObject(o, "port", to.port);
	cJSON_AddStringToObject(o, "protocol", to.protocol);
}

static void add_number(cJSON *o, const char *key, uint32_t n)
{
	if (n)
		cJSON_AddNumberToObject(o, key, n);
}

static void add_captured(struct arena *arena, cJSON *o, const struct cli_args *args)
{
	const char *ns = args->ns;
	struct endpoint vip;

	add_text(o, "service", split(arena, args->service, &ns));
	add_text(o, "namespace", ns);
	if (args->vip && !endpoint_parse(args->vip, &vip))
		abort(); /* cli_parse() has refused it */
	if (args->vip) {
		cJSON_AddStringToObject(o, "vip", vip.address);
		add_number(o, "port", vip.port);
	}
	add_text(o, "client", args->from);
	add_text(o, "direction", args->direction);
	cJSON_AddBoolToObject(o, "dropped", args->dropped);
	add_text(o, "reason", args->reason);
	add_number(o, "packets", args->packets);
	add_number(o, "seconds", args->seconds);
	add_number(o, "snaplen", args->snaplen);
}

const char *protocol_request(struct arena *arena, const struct cli_args *args)
{
	const char *ret;
	char *text;
	cJSON *o;

	/* Lists that are made here are made of what the agent tells of its own. */
	if (args->command == CLI_DROPS)
		return protocol_request(arena, &(struct cli_args){.command = CLI_STATUS});
	if (args->command == CLI_FLOWS) {
		struct cli_args backends = *args;

		backends.command = CLI_SHOW;
		backends.what = CLI_BACKENDS;
		return protocol_request(arena, &backends);
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "command", cli_command_text(args->command));
	if (args->command == CLI_SHOW)
		add_shown(arena, o, args);
	if (args->command == CLI_BLACKHOLE) {
		cJSON_AddStringToObject(o, "action", args->removes ? "remove" : "add");
		cJSON_AddStringToObject(o, "prefix", args->name);
		if (args->seconds)
			cJSON_AddNumberToObject(o, "seconds", args->seconds);
	}
	if (args->command == CLI_TRACE)
		add_traced(o, args);
	if (args->command == CLI_CAPTURE)
		add_captured(arena, o, args);
	if (args->command == CLI_LOG_LEVEL && args->name)
		cJSON_AddStringToObject(o, "level", args->name);
	if (args->command == CLI_EXPLAIN) {
		cJSON_AddStringToObject(o, "what", args->explained);
		add_named(arena, o, args, strcmp(args->explained, "service") == 0);
	}
	text = cJSON_PrintUnformatted(o);
	if (!text)
		abort(); /* out of memory */
	ret = arena_printf(arena, "%s\n", text);
	cJSON_free(text);
	cJSON_Delete(o);
	return ret;
}

/* The sentence for a first line that does not announce a body, or NULL. */
static const char *refusal(struct arena *arena, const cJSON *first)
{
	const char *protocol = cJSON_GetStringValue(cJSON_GetObjectItem(first, "protocol"));
	const char *error = cJSON_GetStringValue(cJSON_GetObjectItem(first, "error"));

	if (!protocol)
		return "the reply is not that of lodestoned";
	if (strcmp(protocol, LODESTONE_PROTOCOL) != 0)
		return arena_printf(arena, "the agent speaks %s, not " LODESTONE_PROTOCOL,
				    protocol);
	if (!cJSON_IsTrue(cJSON_GetObjectItem(first, "ok")))
		return arena_printf(arena, "the agent refuses: %s",
				    error ? error : "no reason given");
	return NULL;
}

const char *protocol_refusal(struct arena *arena, const char *line)
{
	cJSON *first = cJSON_Parse(line);
	const char *ret = refusal(arena, first);

	cJSON_Delete(first);
	return ret;
}

cJSON *protocol_body(struct arena *arena, const char *reply, const char **ret_error)
{
	size_t first_len = strcspn(reply, "\n");
	cJSON *first = cJSON_ParseWithLength(reply, first_len);
	cJSON *body = NULL;

	*ret_error = refusal(arena, first);
	cJSON_Delete(first);
	if (!*ret_error && reply[first_len])
		body = cJSON_Parse(reply + first_len + 1);
	if (!*ret_error && !body)
		*ret_error = "the reply ends before its body does";
	return body;
}

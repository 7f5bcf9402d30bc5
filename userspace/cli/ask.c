// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Questions and their answers, with the words for those that failed: nobody who calls this has
 * anything to add.
 */
#include "cli/ask.h"

#include "base/limits.h"
#include "cli/client.h"
#include "cli/preflight.h"
#include "cli/protocol.h"

#include <errno.h>

int say_failure(const char *what, const char *why, const char *remedy)
{
	fprintf(stderr, "lodectl: %s%s%s\n", what, why, remedy);
	return EXIT_COULD_NOT;
}

cJSON *ask_host(void)
{
	struct strbuf text;
	cJSON *body = NULL;
	int r;

	strbuf_init(&text, LIMIT_REPLY_BYTES);
	r = preflight_ask(&text);
	if (r == 0)
		body = cJSON_Parse(text.data ? text.data : "");
	if (!body)
		(void)say_failure("lodestoned --preflight: ", r ? strerror(-r) : "no JSON",
				  r == -ENOENT ? "; install it beside lodectl or in PATH" : "");
	strbuf_done(&text);
	return body;
}

cJSON *ask_quietly(struct arena *arena, const struct cli_args *args, const char **ret_error)
{
	const char *request = protocol_request(arena, args);
	struct strbuf reply;
	cJSON *body = NULL;
	int r;

	strbuf_init(&reply, LIMIT_REPLY_BYTES);
	r = client_ask(args->socket, request, &reply);
	if (r < 0)
		*ret_error = arena_printf(arena, "no answer at %s: %s%s", args->socket,
					  strerror(-r), client_remedy(r)); /* NULL says it */
	else
		body = protocol_body(arena, reply.data ? reply.data : "", ret_error);
	strbuf_done(&reply);
	return body;
}

cJSON *ask(struct arena *arena, const struct cli_args *args)
{
	const char *error;
	cJSON *body = ask_quietly(arena, args, &error);

	if (!body)
		(void)say_failure(error, "", "");
	return body;
}

cJSON *ask_what(struct arena *arena, const struct cli_args *args, enum cli_command command,
		enum cli_what what)
{
	const struct cli_args asked = {.socket = args->socket,
				       .command = command,
				       .what = what,
				       .planned = what == CLI_ROUTES};

	return ask(arena, &asked);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/commands.h"

#include "base/graph.h"
#include "base/limits.h"
#include "cli/ask.h"
#include "cli/terminal.h"

#include <errno.h>

static int draw(const struct cli_args *args, const cJSON *status, const cJSON *peers,
		const cJSON *services)
{
	struct strbuf out;
	bool written;

	strbuf_init(&out, LIMIT_REPLY_BYTES);
	if (strcmp(args->verb->second, "dot") == 0)
		graph_dot(status, peers, services, &out);
	else
		graph_svg(status, peers, services, &out);
	written = terminal_write(out.data, out.len, false);
	strbuf_done(&out);
	return written ? EXIT_DONE : say_failure("cannot write: ", strerror(errno), "");
}

int graph_run(const struct cli_args *args)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	cJSON *status = ask_what(arena, args, CLI_STATUS, CLI_PEERS);
	cJSON *peers = status ? ask_what(arena, args, CLI_SHOW, CLI_PEERS) : NULL;
	struct cli_args shown = *args;
	cJSON *services = NULL;
	int code = EXIT_COULD_NOT;

	shown.command = CLI_SHOW;
	shown.what = CLI_SERVICES;
	if (peers)
		services = ask(arena, &shown);
	if (services)
		code = draw(args, status, peers, services);
	cJSON_Delete(status);
	cJSON_Delete(peers);
	cJSON_Delete(services);
	return code;
}

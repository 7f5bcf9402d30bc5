// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl: asks the agent on this machine and prints the answer. This file has what the rest has
 * not: output, the exit code, and the loop of --watch.
 *
 * Exit codes (DESIGN 10): 0 done; 1 could not; 2 only from status, when the agent's state is not
 * "ok", and from preflight, when something vital is missing. With --watch an agent that is away for
 * a moment is said and asked again: watching a restart is what one watches for.
 */
#include "base/arena.h"
#include "base/limits.h"
#include "base/names.h"
#include "cli/cli_args.h"
#include "cli/client.h"
#include "cli/preflight.h"
#include "cli/protocol.h"
#include "cli/render.h"

#include <errno.h>

enum { EXIT_DONE = 0, EXIT_COULD_NOT = 1, EXIT_NOT_WELL = 2 };

static int fail(const char *what, const char *why, const char *remedy)
{
	fprintf(stderr, "lodectl: %s%s%s\n", what, why, remedy);
	return EXIT_COULD_NOT;
}

/* The body, or NULL after saying why. */
static cJSON *ask_host(void)
{
	struct strbuf text;
	cJSON *body = NULL;
	int r;

	strbuf_init(&text, LIMIT_REPLY_BYTES);
	r = preflight_ask(&text);
	if (r == 0)
		body = cJSON_Parse(text.data ? text.data : "");
	if (!body)
		(void)fail("lodestoned --preflight: ", r ? strerror(-r) : "no JSON",
			   r == -ENOENT ? "; install it beside lodectl or in PATH" : "");
	strbuf_done(&text);
	return body;
}

/* The same from the agent. */
static cJSON *ask(struct arena *arena, const struct cli_args *args)
{
	const char *request = protocol_request(arena, args), *error;
	struct strbuf reply;
	cJSON *body = NULL;
	int r;

	strbuf_init(&reply, LIMIT_REPLY_BYTES);
	r = client_ask(args->socket, request, &reply);
	if (r < 0) {
		const char *what = arena_printf(arena, "no answer at %s: ", args->socket);

		(void)fail(what, strerror(-r), client_remedy(r)); /* NULL says it */
	} else {
		body = protocol_body(arena, reply.data ? reply.data : "", &error);
		if (!body)
			(void)fail(error, "", "");
	}
	strbuf_done(&reply);
	return body;
}

static bool is_problem(const cJSON *line)
{
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(line, "state"));

	return state && strcmp(state, "problem") == 0;
}

static int exit_code(const struct cli_args *args, const cJSON *body)
{
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(body, "state"));
	const cJSON *line;

	if (args->command == CLI_STATUS && (!state || strcmp(state, "ok") != 0))
		return EXIT_NOT_WELL;
	if (args->command == CLI_PREFLIGHT)
		cJSON_ArrayForEach(line, body) if (is_problem(line)) return EXIT_NOT_WELL;
	return EXIT_DONE;
}

static int print(const struct cli_args *args, const cJSON *body)
{
	struct strbuf out;
	bool written;

	strbuf_init(&out, LIMIT_REPLY_BYTES);
	render(args, body, &out);
	written = fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	strbuf_done(&out);
	return written ? exit_code(args, body) : fail("cannot write: ", strerror(errno), "");
}

static int run_once(const struct cli_args *args, bool clear)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	cJSON *body = args->command == CLI_PREFLIGHT ? ask_host() : ask(arena, args);
	int code = EXIT_COULD_NOT;

	if (clear)
		fputs("\033[H\033[2J", stdout);
	if (body)
		code = print(args, body);
	cJSON_Delete(body);
	return code;
}

static int watch(const struct cli_args *args)
{
	const struct timespec second = {.tv_sec = 1};
	bool clear = isatty(STDOUT_FILENO);

	while (!ferror(stdout)) {
		(void)run_once(args, clear); /* what failed was said; the next try may not */
		(void)nanosleep(&second, NULL);
	}
	return EXIT_COULD_NOT;
}

int main(int argc, char **argv)
{
	char error[CLI_ERROR_TEXT];
	struct cli_args args;

	if (!cli_parse(argc, (const char *const *)argv, &args, error))
		return fail(error, "", "; see lodectl --help");
	switch (args.command) {
	case CLI_HELP:
		fputs(cli_help(), stdout);
		return EXIT_DONE;
	case CLI_VERSION:
		printf("lodectl %s\n", LODESTONE_VERSION);
		return EXIT_DONE;
	case CLI_STATUS:
	case CLI_SHOW:
	case CLI_EXPLAIN:
	case CLI_DRAIN:
	case CLI_UNDRAIN:
	case CLI_BLACKHOLE:
	case CLI_PREFLIGHT:
		break;
	}
	return args.watch ? watch(&args) : run_once(&args, false);
}

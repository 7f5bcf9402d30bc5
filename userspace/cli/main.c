// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl: asks the agent on this machine and prints the answer. This file has what the rest has
 * not: output, the exit code, and the loop of --watch.
 *
 * Exit codes (DESIGN 10): 0 done; 1 could not; 2 only from status, when the agent's state is not
 * "ok". With --watch an agent that is away for a moment is said and asked again: watching a restart
 * is what one watches for.
 */
#include "base/arena.h"
#include "base/limits.h"
#include "base/names.h"
#include "cli/cli_args.h"
#include "cli/client.h"
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

static int exit_code(const struct cli_args *args, const cJSON *body)
{
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(body, "state"));

	if (args->command != CLI_STATUS || (state && strcmp(state, "ok") == 0))
		return EXIT_DONE;
	return EXIT_NOT_WELL;
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
	cJSON *body = ask(arena, args);
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
		break;
	}
	return args.watch ? watch(&args) : run_once(&args, false);
}

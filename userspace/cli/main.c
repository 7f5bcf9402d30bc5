// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl: asks the agent on this machine and prints the answer. This file has what the rest has
 * not: output, the exit code, and the loop of --watch.
 *
 * Exit codes (DESIGN 10): 0 done; 1 could not; 2 only from status, when the agent's state is not
 * "ok", and from preflight, when something vital is missing. With --watch an agent that is away for
 * a moment is said and asked again: watching a restart is what one watches for.
 */
#include "cli/ask.h"
#include "cli/cli_help.h"
#include "cli/lists.h"
#include "cli/migrate_run.h"
#include "cli/print.h"
#include "cli/support.h"
#include "cli/terminal.h"
#include "cli/top_run.h"

#include <errno.h>

#define HELP_BYTES (64u << 10)

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
	if (print_body(args, body))
		return exit_code(args, body);
	if (args->watch)
		exit(EXIT_COULD_NOT);
	return EXIT_COULD_NOT;
}

/* What is shown of an answer; of drops beside the one before, which it takes the place of. */
static cJSON *make_list(const struct cli_args *args, cJSON *answer, cJSON **before)
{
	cJSON *ret = answer;

	if (answer && args->command == CLI_FLOWS) {
		ret = list_flows(answer);
		cJSON_Delete(answer);
	} else if (answer && args->command == CLI_DROPS) {
		ret = list_drops(answer, *before);
		cJSON_Delete(*before);
		*before = answer;
	}
	return ret;
}

static int run_once(const struct cli_args *args, cJSON **before, bool clear)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	cJSON *body = args->command == CLI_PREFLIGHT ? ask_host() : ask(arena, args);
	int code = EXIT_COULD_NOT;

	body = make_list(args, body, before);

	if (clear)
		(void)terminal_write("\033[H\033[2J", 7, false); /* the next line tells */
	if (body)
		code = print(args, body);
	cJSON_Delete(body);
	return code;
}

static void watch(const struct cli_args *args)
{
	const struct timespec second = {.tv_sec = 1};
	const bool clear = terminal_is_able();

	for (cJSON *before = NULL;;) {
		(void)run_once(args, &before,
			       clear); /* what failed was said; the next try may not */
		(void)nanosleep(&second, NULL);
	}
}

static int help(const struct cli_args *args)
{
	struct strbuf text;

	strbuf_init(&text, HELP_BYTES);
	cli_help(args->verb, &text);
	fputs(text.data, stdout);
	strbuf_done(&text);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	char error[CLI_ERROR_TEXT];
	struct cli_args args;
	cJSON *before = NULL;
	int code;

	if (!cli_parse(argc, (const char *const *)argv, &args, error))
		return say_failure(error, "", "; see lodectl --help");
	args.has_colour = terminal_has_colour();
	switch (args.command) {
	case CLI_MIGRATE:
		return migrate_run(&args);
	case CLI_SUPPORT:
		return support_dump(&args);
	case CLI_TOP:
		return top_run(&args);
	case CLI_HELP:
		return help(&args);
	case CLI_VERSION:
		puts(cli_version());
		return EXIT_DONE;
	case CLI_STATUS:
	case CLI_SHOW:
	case CLI_DROPS:
	case CLI_FLOWS:
	case CLI_EXPLAIN:
	case CLI_DRAIN:
	case CLI_LOG_LEVEL:
	case CLI_UNDRAIN:
	case CLI_BLACKHOLE:
	case CLI_PREFLIGHT:
		break;
	}
	if (args.watch)
		watch(&args);
	code = run_once(&args, &before, false);
	cJSON_Delete(before);
	return code;
}

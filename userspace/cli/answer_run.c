// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/answer_run.h"

#include "base/arena.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/lists.h"
#include "cli/print.h"
#include "cli/terminal.h"

#include <time.h>

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
	if (args->command == CLI_EXPLAIN && !cJSON_IsTrue(cJSON_GetObjectItem(body, "found")))
		return EXIT_COULD_NOT;
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

/*
 * Where packets of the flow may come in, which the router chooses: nodes that announce the Service,
 * as its explanation has them.
 */
static void add_entries(const struct cli_args *args, cJSON *trace)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct cli_args asked = {
		.socket = args->socket,
		.command = CLI_EXPLAIN,
		.explained = "service",
		.ns = cJSON_GetStringValue(cJSON_GetObjectItem(trace, "namespace")),
		.name = cJSON_GetStringValue(cJSON_GetObjectItem(trace, "name"))};
	cJSON *explained = asked.name ? ask(arena, &asked) : NULL;

	list_entries(trace, explained);
	cJSON_Delete(explained);
}

/* What is shown of an answer; of drops beside the one before, which it takes the place of. */
static cJSON *make_list(const struct cli_args *args, cJSON *answer, cJSON **before)
{
	cJSON *ret = answer;

	if (answer && args->command == CLI_TRACE)
		add_entries(args, answer);
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

int answer_run(const struct cli_args *args)
{
	cJSON *before = NULL;
	int code;

	if (args->watch)
		watch(args);
	code = run_once(args, &before, false);
	cJSON_Delete(before);
	return code;
}

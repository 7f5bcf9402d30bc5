// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl: asks the agent on this machine and prints the answer. This file has what the rest has
 * not: output, the exit code, and the loop of --watch.
 *
 * Exit codes (DESIGN 10): 0 done; 1 could not; 2 only from status, when the agent's state is not
 * "ok", and from preflight, when something vital is missing. With --watch an agent that is away for
 * a moment is said and asked again: watching a restart is what one watches for. migrate diff has
 * the codes of diff(1).
 */
#include "base/limits.h"
#include "cli/ask.h"
#include "cli/cli_help.h"
#include "cli/lists.h"
#include "cli/migrate.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "cli/top_run.h"

#include <errno.h>

enum { EXIT_EQUAL = 0, EXIT_DIFFERS = 1, EXIT_NOT_COMPARED = 2 }; /* of migrate diff, as diff(1) */

#define DUMP_BYTES (64u << 20)

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
	written = terminal_write(out.data, out.len, !args->watch);
	strbuf_done(&out);
	if (written)
		return exit_code(args, body);
	(void)say_failure("cannot write: ", strerror(errno), "");
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

/* The whole file, or standard input; false after saying why. */
static bool read_file(const char *path, struct strbuf *ret)
{
	const bool is_input = strcmp(path, "-") == 0;
	FILE *f = is_input ? stdin : fopen(path, "re");
	char chunk[16384];
	size_t n;
	bool ok;

	if (!f) {
		(void)say_failure(path, ": ", strerror(errno));
		return false;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		strbuf_add_len(ret, chunk, n);
	ok = !ferror(f) && !ret->truncated;
	if (!ok)
		(void)say_failure(path, ret->truncated ? ": is too long" : ": cannot be read", "");
	if (!is_input)
		(void)fclose(f); /* of what was only read nothing can be lost */
	return ok;
}

static cJSON *compare(struct arena *arena, const struct cli_args *args, const char *text)
{
	cJSON *status = ask_what(arena, args, CLI_STATUS, CLI_PEERS);
	cJSON *peers = status ? ask_what(arena, args, CLI_SHOW, CLI_PEERS) : NULL;
	cJSON *routes = peers ? ask_what(arena, args, CLI_SHOW, CLI_ROUTES) : NULL;
	cJSON *services = routes ? ask_what(arena, args, CLI_SHOW, CLI_SERVICES) : NULL;
	const struct migrate_ours ours = {status, peers, routes, services};
	const char *error;
	cJSON *ret = NULL;

	if (services) {
		ret = migrate_diff(arena, &ours, text, args->peer, &error);
		if (!ret)
			(void)say_failure(error, "", "");
	}
	cJSON_Delete(status);
	cJSON_Delete(peers);
	cJSON_Delete(routes);
	cJSON_Delete(services);
	return ret;
}

static int migrate(const struct cli_args *args)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int code = EXIT_NOT_COMPARED;
	struct strbuf text;
	cJSON *diff = NULL;

	strbuf_init(&text, DUMP_BYTES);
	if (read_file(args->file, &text))
		diff = compare(arena, args, text.data ? text.data : "");
	if (diff && print(args, diff) == EXIT_DONE)
		code = migrate_is_equal(diff) ? EXIT_EQUAL : EXIT_DIFFERS;
	cJSON_Delete(diff);
	strbuf_done(&text);
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

	strbuf_init(&text, LIMIT_REPLY_BYTES);
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
		return migrate(&args);
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

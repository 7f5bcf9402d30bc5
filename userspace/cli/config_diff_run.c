// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent says with which options it runs; its program, beside it, compares. So the agent's loop
 * makes no plan for anybody, and lodectl needs none of what a plan is made with.
 */
#include "cli/commands.h"

#include "base/limits.h"
#include "cli/agent_program.h"
#include "cli/ask.h"
#include "cli/child.h"
#include "cli/print.h"

enum { EXIT_SAME = 0, EXIT_DIFFERS = 1, EXIT_NOT_COMPARED = 2 }; /* as diff(1) */

#define N_WORDS 16

struct words {
	const char *items[N_WORDS];
	size_t n;
};

/* An option, where the agent has it. */
static void add(struct words *w, const char *option, const cJSON *in, const char *key)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, key));

	if (!value)
		return;
	w->items[w->n++] = option;
	w->items[w->n++] = value;
}

static cJSON *compare(const struct cli_args *args, const cJSON *status)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(status, "paths");
	struct words words = {.items = {"", "--diff", args->file}, .n = 3};
	struct strbuf text;
	cJSON *ret = NULL;
	int code;

	if (args->dry_run)
		words = (struct words){.items = {"", "--diff-drain"}, .n = 2};
	add(&words, "--config", paths, "config");
	add(&words, "--feed", paths, "feed");
	add(&words, "--state", paths, "state");
	add(&words, "--node", status, "node");
	add(&words, "--namespace", status, "namespace");
	add(&words, "--lb-class", status, "lbClass");
	strbuf_init(&text, LIMIT_REPLY_BYTES);
	code = agent_program_run(words.items, 0, false, &text);
	if (code == 0)
		ret = cJSON_Parse(text.data ? text.data : "");
	if (code == CHILD_MISSING)
		(void)say_failure("lodestoned --diff: not found", "",
				  "; install it beside lodectl or in PATH");
	else if (code == 0 && !ret)
		(void)say_failure("lodestoned --diff: no JSON", "", "");
	else if (code < 0)
		(void)say_failure("lodestoned --diff: ", strerror(-code), "");
	strbuf_done(&text);
	return ret; /* else the child has said why */
}

/* Flows that live here now, which a drain would wait for. */
static void add_flows(struct arena *arena, const struct cli_args *args, cJSON *diff)
{
	cJSON *backends = ask_what(arena, args, CLI_SHOW, CLI_BACKENDS);
	const cJSON *row;
	double n = 0;

	cJSON_ArrayForEach(row, backends)
	{
		const cJSON *flows = cJSON_GetObjectItemCaseSensitive(row, "flows");

		n += cJSON_IsNumber(flows) ? flows->valuedouble : 0;
	}
	cJSON_AddNumberToObject(diff, "flows", n);
	cJSON_Delete(backends);
}

int config_diff_run(const struct cli_args *args)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	cJSON *status = ask_what(arena, args, CLI_STATUS, CLI_PEERS);
	cJSON *diff = status ? compare(args, status) : NULL;
	int code = EXIT_NOT_COMPARED;

	if (diff && args->dry_run)
		add_flows(arena, args, diff);
	if (diff && print_body(args, diff))
		code = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(diff, "differs"))
			       ? EXIT_DIFFERS
			       : EXIT_SAME;
	if (args->dry_run && code == EXIT_DIFFERS)
		code = EXIT_SAME; /* that it would do something is no news */
	cJSON_Delete(status);
	cJSON_Delete(diff);
	return code;
}

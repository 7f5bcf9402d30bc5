// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A shell waits for this at each press of a key, so the agent is asked once, by the socket that the
 * line names or the usual one.
 */
#include "cli/completion.h"

#include "base/limits.h"
#include "base/names.h"
#include "cli/ask.h"
#include "cli/cli_complete.h"

struct source {
	enum cli_what what;
	const char *member;
};

/* False: names of that kind are not the agent's. */
static bool source_of(enum cli_kind kind, struct source *ret)
{
	switch (kind) {
	case CLI_KIND_PEER:
		*ret = (struct source){CLI_PEERS, "name"};
		return true;
	case CLI_KIND_SERVICE:
		*ret = (struct source){CLI_SERVICES, "name"};
		return true;
	case CLI_KIND_NAMESPACE:
		*ret = (struct source){CLI_SERVICES, "namespace"};
		return true;
	case CLI_KIND_ADDRESS:
		*ret = (struct source){CLI_SERVICES, "vip"};
		return true;
	case CLI_KIND_POOL:
		*ret = (struct source){CLI_POOLS, "name"};
		return true;
	case CLI_KIND_PREFIX:
		*ret = (struct source){CLI_ROUTES, "prefix"};
		return true;
	case CLI_KIND_VRF:
		*ret = (struct source){CLI_PEERS, "vrf"};
		return true;
	case CLI_KIND_NONE:
	case CLI_KIND_LEVEL:
	case CLI_KIND_OTHER:
	case CLI_KIND_FILE:
	case CLI_KIND_FORMAT:
		return false;
	}
	return false;
}

static void write_names(const cJSON *rows, const char *member, bool qualified, const char *typed,
			FILE *to)
{
	char last[256] = "", name[256];
	const cJSON *row;

	cJSON_ArrayForEach(row, rows)
	{
		const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(row, member));
		const char *ns = cJSON_GetStringValue(cJSON_GetObjectItem(row, "namespace"));

		if (!text)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", qualified && ns ? ns : "",
			       qualified && ns ? "/" : "", text);
		/* Rows of one Service, a port each, stand together. */
		if (strncmp(name, typed, strlen(typed)) == 0 && strcmp(name, last) != 0)
			fprintf(to, "%s\t\n", name);
		memcpy(last, name, sizeof(last));
	}
}

void completion_answer(int argc, const char *const *argv, FILE *to)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct cli_args args = {.socket = LODESTONE_SOCKET};
	struct strbuf words;
	struct source source;
	const char *error; /* nobody is told */
	bool qualified;

	for (int i = 0; i + 2 < argc; i++)
		if (strcmp(argv[i], "--socket") == 0)
			args.socket = argv[i + 1];
	strbuf_init(&words, LIMIT_REPLY_BYTES);
	if (source_of(cli_complete(argc, argv, &words, &qualified), &source)) {
		cJSON *rows;

		args.command = CLI_SHOW;
		args.what = source.what;
		rows = ask_quietly(arena, &args, &error);
		write_names(rows, source.member, qualified, argv[argc - 1], to);
		cJSON_Delete(rows);
	}
	if (words.data)
		fputs(words.data, to);
	strbuf_done(&words);
}

void completion_print_script(const char *shell, FILE *to)
{
	fputs(cli_completion_script(shell), to);
}

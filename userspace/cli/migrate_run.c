// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is compared comes from a file and from the agent; what differs is cli/migrate's. */
#include "cli/commands.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "cli/ask.h"
#include "cli/migrate.h"
#include "cli/print.h"

#include <errno.h>

enum { EXIT_EQUAL = 0, EXIT_DIFFERS = 1, EXIT_NOT_COMPARED = 2 }; /* of migrate diff, as diff(1) */

#define DUMP_BYTES (64u << 20)

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

int migrate_run(const struct cli_args *args)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int code = EXIT_NOT_COMPARED;
	struct strbuf text;
	cJSON *diff = NULL;

	strbuf_init(&text, DUMP_BYTES);
	if (read_file(args->file, &text))
		diff = compare(arena, args, text.data ? text.data : "");
	if (diff && print_body(args, diff))
		code = migrate_is_equal(diff) ? EXIT_EQUAL : EXIT_DIFFERS;
	cJSON_Delete(diff);
	strbuf_done(&text);
	return code;
}

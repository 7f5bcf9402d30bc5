// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl: asks the agent on this machine and prints the answer. This file says which command is
 * whose; exit codes are in cli/answer_run.h and cli/migrate_run.h.
 */
#include "cli/answer_run.h"
#include "cli/ask.h"
#include "cli/cli_help.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/kubectl.h"
#include "cli/terminal.h"

#define HELP_BYTES (64u << 10)

static int say(const struct cli_args *args)
{
	struct strbuf text;

	strbuf_init(&text, HELP_BYTES);
	if (args->command == CLI_VERSION)
		cli_version(&text);
	else
		cli_help(args->verb, &text);
	fputs(text.data, stdout);
	strbuf_done(&text);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	char error[CLI_ERROR_TEXT];
	struct cli_args args;

	if (argc > 1 && strcmp(argv[1], "__complete") == 0) {
		completion_answer(argc - 2, (const char *const *)argv + 2, stdout);
		return EXIT_DONE;
	}
	if (argc > 0 && kubectl_is_asked(argv[0]))
		return kubectl_run(argc, (const char *const *)argv);
	if (!cli_parse(argc, (const char *const *)argv, &args, error))
		return say_failure(error, "", "; see lodectl --help");
	args.has_colour = terminal_has_colour();
	if (args.dry_run)
		return config_diff_run(&args);
	switch (args.command) {
	case CLI_CAPTURE:
		return capture_run(&args);
	case CLI_MIGRATE:
		return migrate_run(&args);
	case CLI_CONFIG_DIFF:
		return config_diff_run(&args);
	case CLI_GRAPH:
		return graph_run(&args);
	case CLI_SUPPORT:
		return support_dump(&args);
	case CLI_TOP:
		return top_run(&args);
	case CLI_COMPLETION:
		completion_print_script(args.name, stdout);
		return EXIT_DONE;
	case CLI_HELP:
	case CLI_VERSION:
		return say(&args);
	case CLI_STATUS:
	case CLI_SHOW:
	case CLI_DROPS:
	case CLI_FLOWS:
	case CLI_EXPLAIN:
	case CLI_TRACE:
	case CLI_DRAIN:
	case CLI_LOG:
	case CLI_LOG_LEVEL:
	case CLI_UNDRAIN:
	case CLI_BLACKHOLE:
	case CLI_PREFLIGHT:
		break;
	}
	return answer_run(&args);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodestoned: arguments, then one of its jobs: run, check a configuration, an edit or this host,
 * clean up.
 *
 * Where to read on: agent.h (what there is), reconcile.c (when and in which order things happen),
 * plan/plan.h (what is computed), and DESIGN in docs/architecture.md.
 */
#include "agent/agent.h"
#include "agent/cleanup.h"
#include "agent/diff.h"
#include "agent/preflight.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/memory.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_PATH 4096

/*
 * All is from the feeder: then --config is a folder beside the state, made here and empty but for
 * what somebody puts there for this node alone. It is a source as any other, complete at once.
 */
static int give_folder(struct options *options, char path[MAX_PATH])
{
	if (options->config)
		return 0;
	if (snprintf(path, MAX_PATH, "%s/config", options->state) >= MAX_PATH)
		return -ENAMETOOLONG;
	options->config = path;
	return dir_make(path, 0750);
}

static int run(struct options *options)
{
	char folder[MAX_PATH];
	struct agent a;
	int r = give_folder(options, folder);

	if (r < 0) {
		fprintf(stderr, "lodestoned: cannot make %s/config: %s\n", options->state,
			strerror(-r));
		return EXIT_FAILURE;
	}
	memory_init();
	r = agent_start(&a, options);
	if (r == 0)
		r = agent_run(&a);
	agent_done(&a);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	char host[256] = "localhost";
	struct options options;
	enum log_level level = LOG_LEVEL_INFO;
	const char *wrong;

	memory_no_core();
	(void)gethostname(host, sizeof(host) - 1); /* the default stands if it cannot be told */
	wrong = options_parse(argc, argv, getenv("LODESTONE_NODE_NAME"), host, &options);
	if (wrong) {
		fprintf(stderr, "lodestoned: %s; see lodestoned --help\n", wrong);
		return EXIT_FAILURE;
	}
	if (!log_level_parse(options.log_level, &level))
		level = LOG_LEVEL_INFO;
	log_init(level, options.log_json);

	switch (options.action) {
	case OPTIONS_RUN:
		return run(&options);
	case OPTIONS_CHECK:
		return agent_check(&options);
	case OPTIONS_DIFF:
		return diff_run(&options);
	case OPTIONS_CLEANUP:
		return cleanup_run(&options);
	case OPTIONS_PREFLIGHT:
		return preflight_run(&options);
	case OPTIONS_VERSION:
		printf("lodestoned %s\n", lodestone_build());
		return EXIT_SUCCESS;
	case OPTIONS_HELP:
		fputs(options_help(), stdout);
		return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}

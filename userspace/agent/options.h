// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The command line of lodestoned (DESIGN 10: a contract). Pure: arguments and environment come in,
 * a struct or one sentence of complaint comes out.
 */
#pragma once

#include "base/names.h"

#include <stdbool.h>

enum options_action {
	OPTIONS_RUN,
	OPTIONS_CHECK,
	OPTIONS_DIFF,
	OPTIONS_CLEANUP,
	OPTIONS_PREFLIGHT,
	OPTIONS_VERSION,
	OPTIONS_HELP,
};

/* All strings are borrowed from argv, the environment or constants. */
struct options {
	enum options_action action;
	const char *config; /* NULL: none given, with `feed` */
	const char *feed;   /* NULL: none given */
	const char *file;   /* of OPTIONS_DIFF; NULL: a drain */
	const char *node, *socket, *pin, *state, *ns;
	const char *lb_class;  /* NULL: Services without a class */
	const char *log_level; /* "error", "warn", "info", "debug" */
	bool log_json;
	bool wait_config;    /* --config need not be there at the start */
	bool check_warnings; /* --check=warn */
	bool preflight_json; /* --preflight=json */
};

/*
 * Fills *ret with defaults and what argv says. `host` is the default node name after
 * LODESTONE_NODE_NAME (`env_node`, may be NULL). Returns NULL, or what is wrong in words.
 */
const char *options_parse(int argc, char *const *argv, const char *env_node, const char *host,
			  struct options *ret);

/* The text of --help. */
const char *options_help(void);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The command line of lodestone-kube. Pure: arguments come in, a struct or one sentence of
 * complaint comes out.
 */
#pragma once

#include <stdbool.h>

enum options_action { OPTIONS_RUN, OPTIONS_VERSION, OPTIONS_HELP };

/* All strings are borrowed from argv or constants. */
struct options {
	enum options_action action;
	const char *agent;      /* the agent's socket */
	const char *kubeconfig; /* NULL: what a pod is given */
	const char *api_server; /* "https://HOST:PORT"; NULL: as the credentials say */
	const char *ns;
	const char *node; /* NULL: the host's name */
	const char *log_level;
	bool log_json;
};

/* Fills *ret with defaults and what argv says. Returns NULL, or what is wrong in words. */
const char *options_parse(int argc, char *const *argv, struct options *ret);

/* The text of --help. */
const char *options_help(void);

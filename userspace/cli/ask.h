// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Asking the agent, or the host by way of lodestoned --preflight, and saying on stderr what kept
 * the answer away.
 */
#pragma once

#include "base/arena.h"
#include "cli/cli_args.h"

#include <cjson/cJSON.h>

enum { EXIT_DONE = 0, EXIT_COULD_NOT = 1, EXIT_NOT_WELL = 2 };

/* Prints the three one behind the other, as a line on stderr; returns EXIT_COULD_NOT. */
int say_failure(const char *what, const char *why, const char *remedy);

/* The body of what these ask for; the caller owns it (cJSON_Delete). NULL after saying why. */
cJSON *ask(struct arena *arena, const struct cli_args *args);
/* The same, but why there is none is told in *ret_error, from the arena, and not said. */
cJSON *ask_quietly(struct arena *arena, const struct cli_args *args, const char **ret_error);
/* As ask() for one command or list, in full, at the socket of `args`. */
cJSON *ask_what(struct arena *arena, const struct cli_args *args, enum cli_command command,
		enum cli_what what);
/* What this host has and lacks, agent or not. */
cJSON *ask_host(void);

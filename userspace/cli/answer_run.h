// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Commands that are one question to the agent, or to the host: asked, and printed, once or with
 * --watch each second.
 */
#pragma once

#include "cli/cli_args.h"

/*
 * Returns the exit code (DESIGN 10): 0 done; 1 could not; 2 only from status, when the agent's
 * state is not "ok", and from preflight, when something vital is missing. With --watch an agent
 * that is away for a moment is said and asked again: watching a restart is what one watches for.
 */
int answer_run(const struct cli_args *args);

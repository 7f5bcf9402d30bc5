// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* `lodectl top` on its terminal, or without one. */
#pragma once

#include "cli/cli_args.h"

/*
 * Until q, an interrupt, or nobody reads: a screen a second. A terminal that takes no sequences,
 * and what is no terminal, gets one screen behind the other. Returns the exit code.
 */
int top_run(const struct cli_args *args);

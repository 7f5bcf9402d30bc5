// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The agent's program, for what needs its libraries and privileges (docs/decisions/101). */
#pragma once

#include "base/strbuf.h"

/*
 * Runs lodestoned, which lies beside this program, in the folder for such, or in PATH, with these
 * words (NULL-terminated; the first is left for its name), as child_run() does.
 */
int agent_program_run(const char **argv, unsigned seconds, bool with_errors,
		      struct strbuf *out) must_check;

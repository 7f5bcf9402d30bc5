// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What may stand next on a command line, by the table: the half of completion that is pure. The
 * shells ask by "lodectl __complete WORD...", whose last word is the one that is being typed.
 */
#pragma once

#include "base/strbuf.h"
#include "cli/cli_table.h"

/*
 * Adds a line "WORD<TAB>HELP" for each word of the table that begins with the last of argv, which
 * are the words behind the program's name (argc 0: an empty one). Returns what else may stand
 * there, for the caller to ask for: names of the agent's, or CLI_KIND_FILE; else CLI_KIND_NONE.
 * *ret_qualified: names of Services are wanted with their namespace.
 */
enum cli_kind cli_complete(int argc, const char *const *argv, struct strbuf *out,
			   bool *ret_qualified) must_check;

/* The script by which a shell asks, or NULL: it is not bash, zsh or fish. */
const char *cli_completion_script(const char *shell);

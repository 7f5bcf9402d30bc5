// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* --help, from the table. */
#pragma once

#include "base/strbuf.h"
#include "cli/cli_table.h"

/* Adds the text of all commands, or, if `verb` is not NULL, of those that begin like it. */
void cli_help(const struct cli_verb *verb, struct strbuf *out);

/* Adds the line of --version. */
void cli_version(struct strbuf *out);

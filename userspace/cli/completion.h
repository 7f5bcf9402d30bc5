// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The half of completion that asks the agent: names of peers, Services, pools and routes that there
 * are. Without an agent nothing is proposed, and nothing is said.
 */
#pragma once

#include "base/mem.h"

#include <stdio.h>

/* Writes "WORD<TAB>HELP" lines to `to` for the words behind "lodectl __complete". */
void completion_answer(int argc, const char *const *argv, FILE *to);

/* The script by which one of the shells that there are asks so (cli_complete.h). */
void completion_print_script(const char *shell, FILE *to);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* `lodectl migrate diff`. */
#pragma once

#include "cli/cli_args.h"

/* Prints what differs. The exit code, which is that of diff(1): 0 nothing, 1 something, 2 failed.
 */
int migrate_run(const struct cli_args *args);

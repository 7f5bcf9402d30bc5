// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl support dump`: what others need to find out what is wrong here, in one archive. What may
 * hold a secret is not put in at all: no configuration, no saved object, no ledger, and no map with
 * a key.
 */
#pragma once

#include "cli/cli_args.h"

/*
 * Writes the archive to args->file, which must not be there yet, or to standard output ("-").
 * Whatever cannot be had is said in its place in the archive. Returns the exit code.
 */
int support_dump(const struct cli_args *args);

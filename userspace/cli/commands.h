// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Commands that are more than a question and the table of its answer. Each says itself what failed,
 * and returns the exit code.
 */
#pragma once

#include "cli/cli_args.h"

/*
 * Until q, an interrupt, or nobody reads: a screen a second. A terminal that takes no sequences,
 * and what is no terminal, gets one screen behind the other.
 */
int top_run(const struct cli_args *args);

/* Asks for what the picture is of (graph.h), and prints it. */
int graph_run(const struct cli_args *args);

/* Prints what another speaker does differently; the code is that of diff(1): 0, 1, or 2 failed. */
int migrate_run(const struct cli_args *args);

/*
 * Prints what an edit, or with args->dry_run a drain, would change, which lodestoned --diff beside
 * the agent computes; exit codes as above, of a drain 0 or 2.
 */
int config_diff_run(const struct cli_args *args);

/*
 * What others need to find out what is wrong here, in one archive: args->file, which must not be
 * there yet, or standard output ("-"). What may hold a secret is not put in at all: no
 * configuration, no saved object, no ledger, and no map with a key. Whatever cannot be had is said
 * in its place in the archive.
 */
int support_dump(const struct cli_args *args);

/*
 * Writes what the agent captures to args->file, a new one, or standard output ("-"), which is no
 * terminal; says at the end how much that was. An interrupt ends it, and what came stands.
 */
int capture_run(const struct cli_args *args);

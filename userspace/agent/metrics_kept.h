// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Counts that go on where their source begins anew: a session that is made again, a process that
 * was killed. Each row has a key and so many counts; who reads gives what the source has counted,
 * and gets how much that was in all. A count that is less than the last time began anew.
 *
 * As text for a file, and back. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_KEPT_ROWS   512 /* at most; of others nothing is kept */
#define METRICS_KEPT_COUNTS 64  /* of a row, at most */

struct metrics_kept;

struct metrics_kept *metrics_kept_new(void);
struct metrics_kept *metrics_kept_free(struct metrics_kept *k);

/* How much that is in all, in place: counts[i] becomes no less than it was ever said to be. */
void metrics_kept_add(struct metrics_kept *k, const char *key, uint64_t *counts, size_t n);

/* Something is another value than in the last text. */
bool metrics_kept_has_changed(const struct metrics_kept *k);
/*
 * The text; the caller owns it. Rows that nobody has asked for since they were read from a text
 * are left out if the caller says that all were asked for.
 */
char *metrics_kept_text(struct metrics_kept *k, bool all_were_asked_for);
/* False: it is none, or of another version, and nothing is taken. Rows that are damaged are left
 * out. */
bool metrics_kept_read(struct metrics_kept *k, const char *text);

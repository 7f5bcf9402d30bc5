// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Another program's output, for commands that ask one. */
#pragma once

#include "base/strbuf.h"

#define CHILD_MISSING 127 /* exit code: it is not there, as a shell says it */

/* Becomes the program; does not come back. */
typedef void child_become(const void *ctx);

/* execvp()s a NULL-terminated list of words (const char *const *); for child_run(). */
void child_exec(const void *argv);

/*
 * Adds what the child writes to standard output, and with `with_errors` to standard error, to *out,
 * up to its maximum; a child that takes longer than `seconds` (0: any time) is killed. Its exit
 * code, or -errno; -EPROTO: it was killed.
 */
int child_run(child_become *become, const void *ctx, unsigned seconds, bool with_errors,
	      struct strbuf *out) must_check;

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One agent a pin directory, and leaving the kernel as it was: the lock on the pin directory is
 * what both have in common (DESIGN 10).
 */
#pragma once

#include "agent/options.h"

/*
 * Takes the lock that belongs to a pin directory; *ret_fd is the caller's. 0, or -errno after
 * saying on stderr who is in the way.
 */
int agent_lock(const char *pin, int *ret_fd);

/* An agent with this pin directory runs. */
bool agent_is_there(const char *pin);

/* --cleanup: removes everything of ours from the kernel. The process's exit code. */
int cleanup_run(const struct options *options);

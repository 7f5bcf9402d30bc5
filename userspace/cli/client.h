// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One question to the agent over its Unix socket: a line of JSON out, everything until the agent
 * closes in. Nothing here knows what is asked.
 */
#pragma once

#include "base/strbuf.h"

/*
 * Sends `request` (a whole line) and adds the whole reply to *reply, whose maximum bounds it; 5 s
 * without progress are too many. 0 or -errno: -EMSGSIZE reply larger than the maximum, -ETIMEDOUT,
 * -ENAMETOOLONG for the path, or what connecting gave (-ENOENT, -ECONNREFUSED, -EACCES).
 */
int client_ask(const char *path, const char *request, struct strbuf *reply) must_check;

/* What the user can do about an error of client_ask; "" if nothing is known. */
const char *client_remedy(int error);

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

/*
 * The same for a reply of any length, which is given to `take` as it comes: false ends it, which is
 * no error. Nothing may come for as long as it takes; a signal that is caught is said to the agent
 * by a line, once, after which 5 s are too many again.
 */
typedef bool (*client_take)(void *ctx, const char *data, size_t len);
int client_stream(const char *path, const char *request, client_take take, void *ctx) must_check;

/* What the user can do about an error of client_ask; "" if nothing is known. */
const char *client_remedy(int error);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent's protocol as text: the line that asks, and the two lines that answer. The first names
 * the protocol's version and says whether the second, the body, is there.
 */
#pragma once

#include "base/arena.h"
#include "cli/cli_args.h"

#include <cjson/cJSON.h>

/* The line to send, with its newline; from `arena`. */
const char *protocol_request(struct arena *arena, const struct cli_args *args);

/*
 * The body of a reply; the caller owns it (cJSON_Delete). NULL: *ret_error says why, from `arena`.
 */
cJSON *protocol_body(struct arena *arena, const char *reply, const char **ret_error);

/* Why the first line of a reply announces nothing, from `arena`; NULL: it does. */
const char *protocol_refusal(struct arena *arena, const char *line);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What `show peer NAME` tells beyond a row of `show peers`: what the two OPENs offered, the last
 * NOTIFICATION each way, what happened, and which addresses are not announced to it, and why.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct agent;
struct agent_peer;

/* Adds the keys to a peer's object; `all`: history and what is not announced, too, else null. */
void show_peer_details(const struct agent *a, const struct agent_peer *p, bool all, cJSON *o);

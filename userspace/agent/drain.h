// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl drain`: the operator asks the agent to leave the network, and to come back. That it was
 * asked is kept under --state, so that neither a restart nor a reboot brings the node back.
 */
#pragma once

#include "base/nsec.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct agent;

/* Before the first plan. */
void drain_load(struct agent *a);
/* Asks for it, or takes it back; what is the answer to that, the caller's to free. */
cJSON *drain_ask(struct agent *a, bool drained);
/*
 * Routers hear that this node is about to leave (RFC 8326) before it does: sees to it that they
 * have time for it, after each plan, and then to the end of the sessions. Returns when to come
 * again.
 */
nsec_t drain_tick(struct agent *a, nsec_t now);
/*
 * Adds `drain` to the status: null, or what state it is in, who asked, and for how long the flows
 * that are left may live.
 */
void drain_show(const struct agent *a, cJSON *to);

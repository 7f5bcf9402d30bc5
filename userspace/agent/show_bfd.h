// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What of BFD is shown beside `show bfd`: a peer's state, and how the thread is.
 */
#pragma once

#include <cjson/cJSON.h>

struct agent;
struct agent_peer;

/* "Up", "Down", "AdminDown", "Init", or "None" where the peer has no session. */
const char *show_bfd_state(const struct agent *a, const struct agent_peer *p);
/* Adds "bfd" to the status: null until the first session is wanted. */
void show_bfd_thread(const struct agent *a, cJSON *status);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodectl preflight: there may be no agent yet, so the agent's program is run for it, the one that
 * lies beside this one.
 */
#pragma once

#include "base/strbuf.h"

/*
 * Adds what `lodestoned --preflight=json` prints to *out. 0, or -errno: -ENOENT if there is no such
 * program beside this one, in ../sbin or in PATH; -EPROTO if it ended with neither 0 nor 2.
 */
int preflight_ask(struct strbuf *out) must_check;
/* Adds its --version; the exit code, or -errno. */
int preflight_agent_version(struct strbuf *out) must_check;

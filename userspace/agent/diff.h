// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lodestoned --diff: what an edit would change on this node, for `lodectl config diff`. It is a
 * process of its own, beside the agent that runs: from the state that this one saves, and the
 * kernel, it computes what the node comes to (plan/plan_settled.h) with the edit and without.
 */
#pragma once

#include "agent/options.h"

/*
 * Prints an object {node, differs, drainSeconds, objects {added, changed, removed}, changes
 * [{change, kind, name, peers, message}]}. The exit code: 0, or 1 after saying on stderr what could
 * not be read.
 */
int diff_run(const struct options *options);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where the agent's inputs come from: the configuration's files, the kernel's notifications and the
 * feeder.
 * What happens only sets flags; the step reads (reconcile.h).
 */
#pragma once

#include "agent/feed.h" /* the third of them */
#include "base/nsec.h"

#include <stdbool.h>

struct agent;

/* Opens both and watches them. 0, or -errno after saying on stderr what failed. */
int sources_start(struct agent *a);
void sources_stop(struct agent *a);

/*
 * After the state was read: a --config that is not there is most likely mistyped, unless an earlier
 * run has left objects of it, or it was said to wait for it. 0, or -errno after saying so on
 * stderr.
 */
int sources_check(struct agent *a);

/*
 * Reads what changed in the configuration, as far as a turn goes, and sets a->scan_at to when it is
 * to go on. Once all is read (a->is_scanned) it goes into the world, and the plan is due.
 */
void sources_scan(struct agent *a, nsec_t now);

/* The world has other objects now: the plan is due before anybody reads the old one. */
void sources_told(struct agent *a);

/* A helper has what the scan needs to go on; it sets a->scan_at when that is back. */
bool sources_are_away(const struct agent *a);

/*
 * Dumps links, addresses and routes again; sets the plan's dirty flag if they differ, and
 * a->node_at to when the next dump is due at the earliest.
 */
void sources_refresh_node(struct agent *a, nsec_t now);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A plan's peer kept beyond the plan. A plan lives for one round; the driver of a session needs its
 * configuration for as long as the session lives.
 */
#pragma once

#include "plan/plan.h"

/* Deep copy to the heap; `object` becomes NULL. Undo with peer_config_done. */
void peer_config_copy(struct plan_peer *to, const struct plan_peer *from);
void peer_config_done(struct plan_peer *c);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a VIP does with packets for ports that no Service has. LodestoneConfig says it for all, a
 * Service for its VIPs; of several on one VIP the strictest counts, and who asked for less is told.
 */
#pragma once

#include "plan/plan_draft.h"

/*
 * enum api_unknown_port of the VIP whose ports are these of those arranged; 0: no Service has said.
 * A Service that lost its port to an older one has no say by it.
 */
uint8_t plan_unknown_choose(struct plan_draft *d, size_t from, size_t end);

/* LB_F_* of a VIP for that. */
uint32_t plan_unknown_flags(unsigned unknown_port);

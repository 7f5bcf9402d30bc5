// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The backends of this node whose packets come from VRFs and go back there (plan_kernel.h). */
#pragma once

#include "plan/plan_arrange.h"

/*
 * Into ret->pods: those that VIPs in VRFs have, and those that the data plane still leads packets
 * to. An address of this node itself is none: the local table leads to it from everywhere.
 */
void plan_vrf_pods(const struct plan_inputs *in, const struct plan_arrangement *arranged,
		   struct arena *arena, struct plan_blackholes *ret);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The backends of this node whose packets come from VRFs and go back there (plan_kernel.h). */
#pragma once

#include "plan/plan_arrange.h"

/*
 * Into ret->pods: those that VIPs in VRFs have, and those that the data plane still leads packets
 * to. Of those at addresses of this node itself, one each into *ret_own.
 */
void plan_vrf_pods(const struct plan_inputs *in, const struct plan_arrangement *arranged,
		   struct arena *arena, struct plan_blackholes *ret,
		   struct plan_own_sockets *ret_own);

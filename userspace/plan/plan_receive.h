// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a plan says of the routes that peers send: by which policy those of each are accepted, and
 * into which table they go. The routes themselves are no part of a plan (plan_receive_choice.h,
 * docs/decisions/090).
 */
#pragma once

#include "bgp/bgp_import.h"

#include <stdint.h>

/* Of routes in no VRF: a table of ours, consulted before main's default route (plan_kernel.h). */
#define KERNEL_RECEIVED_TABLE 19800u

struct plan_import {
	struct bgp_import policy; /* nothing, where no FRRConfiguration says otherwise */
	uint32_t table;           /* 0: there is none, its VRF does not exist */
};

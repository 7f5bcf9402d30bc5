// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which of two pools is older (docs/decisions/010). By creationTimestamp if both have one; else the
 * one that was seen first, whatever its name: from files, a newcomer must not take over what a pool
 * that was there before has. The order is remembered in the ledger. Private to ipam*.c.
 */
#pragma once

#include "plan/plan_objects.h"

/*
 * `pools`: in age order of DESIGN 4, which decides among those never seen. `seen`: names as they
 * were remembered. *ret_pools: the same objects, oldest first. *ret_seen: what to remember; a pool
 * that is not there is forgotten if `complete`, and keeps its place if not. In the arena;
 * idempotent.
 */
void ipam_order(const struct object_list *pools, const struct api_strings *seen, bool complete,
		struct arena *arena, struct object_list *ret_pools, struct api_strings *ret_seen);

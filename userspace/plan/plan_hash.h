// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Hashes over what a result was computed from, by which a cache tells that it is still good. Of
 * objects the generations are hashed, so they say something of one world only.
 */
#pragma once

#include "plan/plan_inputs.h"

/* Objects of all kinds but EndpointSlices and Endpoints, and what the world may hide. */
uint64_t plan_hash_world(uint64_t h, const struct world *w, bool services);
/* Links, addresses and ways; not what conntrack says. */
uint64_t plan_hash_node(uint64_t h, const struct plan_node *node);
uint64_t plan_hash_settings(uint64_t h, const struct plan_settings *s);

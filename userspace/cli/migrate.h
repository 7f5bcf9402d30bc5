// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `migrate diff`: what another speaker announces from this node, beside what the agent would. Pure:
 * the agent's answers and the other's texts come in, a body as of a reply goes out.
 */
#pragma once

#include "base/arena.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Bodies of the agent's replies; borrowed. */
struct migrate_ours {
	const cJSON *status;   /* status */
	const cJSON *peers;    /* show peers */
	const cJSON *routes;   /* show routes, planned */
	const cJSON *services; /* show services */
};

/*
 * The whole comparison:
 * {node, observes, compared: [names of BGPPeers], notCompared: [what the texts do not say],
 *  equal, missing, extra, different: counts,
 *  routes: [{peer, prefix, result, differs: [], theirs, ours}],
 *  services: [{kind: "peers"|"addresses", service, result, theirs: [], ours: []}]}
 * theirs and ours of a route: {nextHop, asPath, localPref, med, communities, largeCommunities,
 * extendedCommunities}, null where it is not known, and as a whole where there is none. `peer`:
 * which BGPPeer the texts are of; NULL: found by whose address of ours the routes came from. NULL:
 * they cannot be compared, and *ret_error (the arena's) says why.
 */
cJSON *migrate_diff(struct arena *arena, const struct migrate_ours *ours, const char *text,
		    const char *peer, const char **ret_error);

/* All of it is equal. */
bool migrate_is_equal(const cJSON *diff);

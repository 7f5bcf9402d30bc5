// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What an FRRConfiguration of frr-k8s says about routes to be received: of its routers and their
 * neighbours only what names the session, and the filter. Include api/objects.h, which says what
 * holds for all objects.
 */
#pragma once

#include "base/addr.h"
#include "base/selector.h"

#include <stdbool.h>
#include <stddef.h>

/* Routes below the prefix whose length is from..to; both its own length if nothing is said. */
struct api_frr_prefix {
	struct ip_prefix prefix;
	uint8_t from, to;
};

struct api_frr_neighbor {
	struct ip_addr address;
	const char *interface; /* NULL = none; one of the two is there */
	uint32_t asn;          /* 0: any, as dynamicASN says */
	bool receives_all;
	const struct api_frr_prefix *receives; /* else these */
	size_t n_receives;
};

struct api_frr_router {
	uint32_t asn;
	const char *vrf; /* "" = the default */
	const struct api_frr_neighbor *neighbors;
	size_t n_neighbors;
};

struct api_frr {
	struct selector node_selector; /* empty: all nodes */
	const struct api_frr_router *routers;
	size_t n_routers;
};

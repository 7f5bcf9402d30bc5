// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What another speaker announces, as JSON texts that others have written: FRR's tables of routes
 * and kubectl's objects. Several texts one behind the other are read as one. Pure.
 *
 * Of FRR: `show bgp ipv4|ipv6 unicast json`, also with `detail` or of one prefix or of what one
 * neighbour has sent, which alone says communities; and `neighbors ... advertised-routes json`,
 * and the table of a speaker's own routes, which say prefixes only.
 * Of kubectl: ServiceBGPStatus, of this node, and Services to which MetalLB gave addresses.
 */
#pragma once

#include "base/route_diff.h"

#include <stdbool.h>

/* A route, to nobody yet: whose it is follows from where it came from. */
struct dump_route {
	struct route_said said; /* peer is NULL */
	struct ip_addr from;    /* the neighbour that sent it; none: it is the speaker's own */
};

struct dump {
	struct dump_route *routes;
	size_t n_routes, cap_routes;
	struct named_words *peers; /* of a Service's ServiceBGPStatus; name: NAMESPACE/NAME */
	size_t n_peers, cap_peers;
	struct named_words *addresses; /* of a Service */
	size_t n_addresses, cap_addresses;
	bool has_routes, has_peers,
		has_addresses; /* there was a text of the kind, if an empty one */
};

/*
 * Reads them; all that is in *ret is the arena's. False: it is none of these, and *ret_error a
 * sentence. `node` is whose ServiceBGPStatus are taken.
 */
bool dump_read(struct arena *arena, const char *text, const char *node, struct dump *ret,
	       const char **ret_error) must_check;

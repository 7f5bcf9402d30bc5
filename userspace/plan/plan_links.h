// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Questions about the links and ways of a node that more than one part of the plan asks. */
#pragma once

#include "plan/plan_inputs.h"

/* The link, borrowed from the node, or NULL. */
const struct plan_link *plan_link_find(const struct plan_node *node, int ifindex);

/* The link of that name, or NULL. */
const struct plan_link *plan_link_named(const struct plan_node *node, const char *name);

/*
 * The VRF that the link is in, or is itself; NULL: it is in none. That may be by a bond or bridge
 * that the link is a port of. `link` may be NULL.
 */
const struct plan_link *plan_link_vrf(const struct plan_node *node, const struct plan_link *link);

/*
 * The routing world of the link: 0 outside VRFs, else the VRF's table. Tables of PLAN_NO_DOMAIN and
 * above share that number: no VIP is in any of these worlds.
 */
uint16_t plan_link_domain(const struct plan_node *node, const struct plan_link *link);

/*
 * The device whose frames the link's are: that below a VLAN, or below a VLAN on a VLAN, as far as
 * it is on this node; else the link itself. NULL: there is no such link.
 */
const struct plan_link *plan_link_carrier(const struct plan_node *node, int ifindex);

/* The way to an address in a VRF (its ifindex; 0: in none), or NULL: it was not asked for. */
const struct plan_route_to *plan_way_to(const struct plan_node *node, const struct ip_addr *to,
					int vrf);

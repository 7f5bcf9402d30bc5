// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Questions about the links of a node that more than one part of the plan asks. */
#pragma once

#include "plan/plan_inputs.h"

/* The link, borrowed from the node, or NULL. */
const struct plan_link *plan_link_find(const struct plan_node *node, int ifindex);

/*
 * The VRF that the link is in, or is itself; NULL: it is in none. That may be by a bond or bridge
 * that the link is a port of. `link` may be NULL.
 */
const struct plan_link *plan_link_vrf(const struct plan_node *node, const struct plan_link *link);

/*
 * The routing world of the link: 0 outside VRFs, else the VRF's table. Tables beyond 16 bits share
 * one number: no VIP is in any of these worlds yet.
 */
uint16_t plan_link_domain(const struct plan_node *node, const struct plan_link *link);

/*
 * The device whose frames the link's are: that below a VLAN, or below a VLAN on a VLAN, as far as
 * it is on this node; else the link itself. NULL: there is no such link.
 */
const struct plan_link *plan_link_carrier(const struct plan_node *node, int ifindex);

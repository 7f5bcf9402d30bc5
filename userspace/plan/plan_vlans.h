// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VLANs on the uplinks that are other routing worlds than they: a domain is the VRF that a VLAN's
 * device is in, by the number of its routing table. The named uplink itself has domain 0, whatever
 * it is in: naming it says that it is ours.
 */
#pragma once

#include "plan/plan.h"

struct plan_draft;

/* Fills in the VLANs of a device that gets xdp_lb, and says what of them cannot be told apart. */
void plan_draft_vlans(struct plan_draft *d, struct plan_device *p);
/* They have the same VLANs. */
bool plan_vlans_equal(const struct plan_device *a, const struct plan_device *b);

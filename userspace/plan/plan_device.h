// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A device that programs are to be attached to; part of plan.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_LINK_8021AD 0x1000u
/* A VLAN on an uplink that is another domain than it; or a port of an uplink in a VRF. */
struct plan_vlan {
	int ifindex;  /* where its frames come in: the uplink, or a port of it, if it is a bond */
	uint16_t tag; /* as struct plan_link has it; 0: a port, of the uplink's domain */
	uint16_t domain;
};

struct plan_device {
	int ifindex;
	const char *name;
	bool xdp, tc;
	bool allow_generic; /* dataplane mode generic: skb mode is asked for */
	uint16_t domain;
	int vrf;                       /* the device of the VRF that it is in; 0: it is in none */
	const struct plan_vlan *vlans; /* by ifindex, tag */
	size_t n_vlans;
};

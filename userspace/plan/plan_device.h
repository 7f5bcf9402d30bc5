// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Devices that programs are to be attached to, and ways that lead by them; part of plan.h. */
#pragma once

#include "base/addr.h"

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
	bool nat;           /* tc at ingress: forwarding nat leads by it, or from it, without XDP */
	bool allow_generic; /* dataplane mode generic: skb mode is asked for */
	bool tunnels;       /* it is no uplink: packets of tunnels come in, and no route waits */
	uint16_t domain;
	int vrf;                       /* the device of the VRF that it is in; 0: it is in none */
	const struct plan_vlan *vlans; /* by ifindex, tag */
	size_t n_vlans;
};

/*
 * Of the data plane's second sink (plan/sink.h, struct lb_ways_ops): how a packet that came in by
 * an uplink leaves for another node. Where there is none the kernel's routes are asked for each.
 */
struct plan_next_hop {
	int uplink;            /* ifindex */
	struct ip_addr node;   /* the address that tunnels to the node end at */
	struct ip_addr source; /* of the outer header, of node's family */
	int ifindex;           /* it leaves by; at best the uplink itself */
	bool on_link;          /* the neighbour is the node itself, no router before it */
	bool nat;              /* of the plan's: its answers come to `source` (LB_BY_NAT) */
	bool by_tc;            /* of the plan's: XDP cannot send by that device */
	uint16_t mtu;          /* of the way, for the outer packet */
	uint8_t mac[6];        /* of the neighbour on the way */
	uint8_t own_mac[6];    /* of the device that it leaves by */
};

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A VIP: an address in a routing world (lb_key.domain). By address first, so that those under a
 * prefix stand together whatever their domain; without padding, in the order of lb_key.
 */
#pragma once

#include "lb/lb.h"

struct plan_vip {
	struct ip_addr addr;
	uint16_t domain;
};
_Static_assert(sizeof(struct plan_vip) == 18, "padding would be compared");
static inline int plan_vip_cmp(const struct plan_vip *a, const struct plan_vip *b)
{
	const int order = ip_addr_cmp(&a->addr, &b->addr);

	const uint16_t x = be16toh(a->domain), y = be16toh(b->domain);

	return order ? order : (x > y) - (x < y);
}
static inline bool plan_vip_equal(const struct plan_vip *a, const struct plan_vip *b)
{
	return plan_vip_cmp(a, b) == 0;
}
/* The VIP that a key is of, and the key of a VIP itself. */
static inline struct plan_vip plan_vip_of(const struct lb_key *key)
{
	return (struct plan_vip){.addr = key->addr, .domain = key->domain};
}
static inline struct lb_key plan_vip_key(const struct plan_vip *vip)
{
	return (struct lb_key){.addr = vip->addr, .domain = vip->domain};
}

/* How a VIP begins of which conntrack has said nothing, or nothing lately. */
enum plan_ask {
	PLAN_ASK_NOBODY, /* at once: nobody can be asked */
	PLAN_ASK_FIRST,  /* once it was asked about */
	PLAN_ASK_BESIDE, /* by taking over, and is asked about meanwhile; with UDP as before */
};

/* What conntrack said of a VIP that the plan asks about (plan.begins; DESIGN 7.2 step 8). */
struct plan_taken {
	struct plan_vip vip;
	uint32_t flows;  /* that the kernel has; entered, so that the programs leave them to it */
	uint32_t out;    /* more that found no room */
	bool seen;       /* it has flows of the VIP, or had lately */
	bool programmed; /* plan_begin.programmed, when it was asked */
	bool old;        /* too long ago to tell who has begun since */
};

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a plan wants of the kernel's routing, as routes and rules, and what leads from the kernel's
 * picture to that (docs/netlink.md): blackholes, and the ways of packets between a VRF and pods.
 *
 * Blackholes of one length L of a family are a *group*. It has a table of its own, which holds a
 * blackhole for each, and two rules for each uplink, one behind the other:
 *
 *   KERNEL_RULES + 2 (bits - L)       iif UPLINK lookup main, routes shorter than L passed over
 *   KERNEL_RULES + 2 (bits - L) + 1   iif UPLINK lookup KERNEL_TABLES + L
 *
 * So only packets that arrive on an uplink are asked about, longer prefixes before shorter ones,
 * and whatever this node routes at least as specifically as an announced prefix (its subnets, pods)
 * goes where it went before; its own addresses are the local table's, which comes first. In a VRF
 * it is the same with the VRF's devices and table in the place of uplink and main, behind
 * KERNEL_VRF_RULES, before the kernel's rule for VRFs, and with a table for each length and VRF.
 *
 * Pods are in no VRF. What arrives in one for a backend of it is led to where main's routes lead,
 * before the VRF's own are asked; and what a backend answers when no other route leads to the
 * client is led by the VRF's routes. Each of the two rules is a group, of all VRFs:
 *
 *   KERNEL_TO_POD     iif DEVICE to POD lookup main
 *   KERNEL_FROM_POD   from POD ipproto PROTOCOL sport PORT lookup the VRF's table
 *
 * Routes that peers have sent lie in KERNEL_RECEIVED_TABLE (plan/fib.h). What is routed by main,
 * but for a default route, goes before them, and a default route of main behind:
 *
 *   KERNEL_RECEIVED_RULES         lookup main, default routes passed over
 *   KERNEL_RECEIVED_RULES + 1     lookup KERNEL_RECEIVED_TABLE
 *
 * That pair is a group, too, of each family.
 *
 * Ours is what lies in these tables and priorities, carries our protocol, and is of one of the
 * forms above. All else is somebody else's and never touched. Where such lies in a table or at a
 * priority of a group, that is a *clash*: the group is not placed, and what is ours of it goes.
 */
#pragma once

#include "base/addr.h"
#include "base/problem.h"
#include "base/sorted.h"
#include "plan/plan_receive.h"

#define KERNEL_PROTOCOL       196u
#define KERNEL_TABLES         19600u /* and the 128 behind it */
#define KERNEL_RULES          19600u /* and the 255 behind it: before main's 32766, behind most others */
#define KERNEL_MAIN           254u
#define KERNEL_RECEIVED_RULES 19900u

#define KERNEL_TO_POD    196u
#define KERNEL_VRF_RULES 200u   /* and the 255 behind it: before the kernel's 1000 for VRFs */
#define KERNEL_FROM_POD  32800u /* behind main's 32766 and the default's 32767 */
/* Of a VRF with table T: KERNEL_VRF_TABLES + 1000 T, and the 128 behind it. */
#define KERNEL_VRF_TABLES 1960000000u

/* A route in one of the tables, whosever it is. */
struct kernel_route {
	uint32_t table;
	struct ip_prefix to;
	uint32_t metric;
	uint8_t protocol;
	bool blackhole; /* and nothing else; ours are all */
};
int kernel_route_cmp(const void *a, const void *b);
#define KERNEL_METRIC 196u /* of our routes; one of ours with another is replaced */

/* A rule at one of the priorities. */
struct kernel_rule {
	enum ip_family family;
	uint32_t priority, table;
	int suppress;    /* routes of this length and shorter are passed over; -1: none is */
	const char *iif; /* "": any */
	struct ip_prefix from, to; /* of length 0: any */
	uint8_t ipproto;           /* 0: any */
	uint16_t sport;            /* 0: any */
	uint8_t protocol;          /* whose rule it is */
	bool odd; /* it has other conditions, or does something else than to look into a table */
};

/* Sorted by all their fields, without doubles. */
struct kernel_picture {
	struct kernel_route *routes;
	size_t n_routes;
	struct kernel_rule *rules;
	size_t n_rules;
};
void kernel_picture_sort(struct kernel_picture *p);

/* The VRF (by its table) and the length that one of our tables is for; false: it is none. */
bool kernel_table_is_for(uint32_t table, uint16_t *ret_domain, uint8_t *ret_len);
uint32_t kernel_table_of(uint16_t domain, uint8_t len);
static inline bool kernel_is_our_table(uint32_t table)
{
	return table > KERNEL_TABLES && table <= KERNEL_TABLES + 128;
}
static inline bool kernel_is_our_priority(uint32_t priority)
{
	return priority - KERNEL_RULES < 256 || priority - KERNEL_VRF_RULES < 256 ||
	       priority == KERNEL_RECEIVED_RULES || priority == KERNEL_RECEIVED_RULES + 1 ||
	       priority == KERNEL_TO_POD || priority == KERNEL_FROM_POD;
}

/* A prefix that is a blackhole for what arrives in a VRF, by the VRF's table. Zero before filling.
 */
struct plan_vrf_blackhole {
	struct ip_prefix prefix;
	uint16_t domain;
};
int plan_vrf_blackhole_cmp(const void *a, const void *b);
/*
 * A device that rules know packets by that arrive in a VRF: of IPv4 the kernel (from 5.18 on) says
 * by which of the VRF's devices, of IPv6 it says the VRF.
 */
struct plan_vrf {
	const char *name;
	uint16_t domain;
	bool is_member; /* it is in the VRF; else it is the VRF */
};
/* A backend here of a VIP in a VRF. Zero before filling. */
struct plan_vrf_pod {
	uint16_t domain;
	uint8_t proto;
	uint16_t port; /* host order */
	struct ip_addr addr;
	bool is_own; /* an address of this node itself, to which the local table leads */
};
int plan_vrf_pod_cmp(const void *a, const void *b);

/* What a plan wants (plan.h): prefixes that are not of length 0, sorted, and names of devices. */
struct plan_blackholes {
	const struct ip_prefix *prefixes;
	size_t n;
	const char *const *uplinks; /* sorted, no doubles */
	size_t n_uplinks;
	bool receives; /* the table of received routes is consulted, in both families */
	const struct plan_vrf_blackhole *in_vrfs; /* sorted, no doubles, as are: */
	size_t n_in_vrfs;
	const struct plan_vrf *vrfs; /* by name: of all VRFs, if in_vrfs and pods are not empty */
	size_t n_vrfs;
	const struct plan_vrf_pod *pods;
	size_t n_pods;
};
/* The one that a prefix becomes; in a VRF if domain is not 0. */
struct kernel_route kernel_blackhole_route(const struct ip_prefix *prefix, uint16_t domain);
/* The same as routes and rules; names are borrowed. */
struct kernel_picture kernel_want(struct arena *arena, const struct plan_blackholes *b);

/* What of it is ours, in the same order; names are borrowed. */
struct kernel_picture kernel_ours(struct arena *arena, const struct kernel_picture *have);

enum kernel_verb { KERNEL_DEL_RULE, KERNEL_DEL_ROUTE, KERNEL_PUT_ROUTE, KERNEL_PUT_RULE };
struct kernel_op {
	enum kernel_verb verb;
	bool is_repair; /* it was there before, and somebody else took it away */
	struct kernel_route route;
	struct kernel_rule rule; /* one of the two */
};

/* Somebody else's in a group: a rule, or a route if `rule` is NULL. */
struct kernel_clash {
	enum ip_family family;
	uint16_t group;
	const struct kernel_route *route;
	const struct kernel_rule *rule;
};
#define KERNEL_CLASH_TEXT 256
/* "a route to 10.0.0.0/8 of protocol 4 in table 19624": what is in the way; returns buf. */
const char *kernel_clash_text(const struct kernel_clash *c, char buf[KERNEL_CLASH_TEXT]);

/* The order in which they are done; one of each verb and route or rule. */
int kernel_op_cmp(const void *a, const void *b);

struct kernel_changes {
	struct kernel_op *ops; /* in their order */
	size_t n;
	struct kernel_clash *clashes; /* one for each group that is not placed; borrows from have */
	size_t n_clashes;
};

/*
 * What leads from `have` to `want`. `before` is what was last known to be ours and in place: what
 * of it is to be put again is a repair. Blackholes are in place before a rule leads to them, and
 * are gone after it; and no rule leads to them without the one before it, which spares this node's
 * own routes.
 */
void kernel_changes(const struct kernel_picture *want, const struct kernel_picture *have,
		    const struct kernel_picture *before, struct arena *arena,
		    struct kernel_changes *ret);

/*
 * The group of a route or a rule that is ours or in the way; 0: it is in none. A length; a length
 * and KERNEL_GROUP_VRF; or one of the three behind that.
 */
#define KERNEL_GROUP_VRF      128u
#define KERNEL_GROUP_TO_POD   257u
#define KERNEL_GROUP_FROM_POD 258u
#define KERNEL_GROUP_RECEIVED 259u
#define KERNEL_GROUPS         260u
uint16_t kernel_route_group(const struct kernel_route *r);
uint16_t kernel_rule_group(const struct kernel_rule *r);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What all fragments ask for, side by side, in the orders in which the steps walk through it: ports
 * by frontend, claims by prefix and by VIP, rows of status by Service. It follows from the
 * fragments alone, so it is kept from plan to plan: where a fragment was replaced, its entries are,
 * and what is sorted is not sorted again. Of ports there are copies, one behind the other, because
 * with thousands of Services what a walk costs is the memory that it touches; claims, of which a
 * Service has one for each length of a prefix, are pointed at. A fragment that was arranged is
 * there until another one, or none, was arranged in its place.
 */
#pragma once

#include "plan/plan_service.h"

/* The item-th port or claim of the fragment-th fragment. */
struct plan_place {
	uint32_t fragment, item;
};
struct arranged_port {
	struct plan_place at;
	int64_t created_s; /* of the Service; with at.fragment its age */
	const struct api_object *service;
	struct lb_frontend lb;
	bool takes_new_flows;
	uint8_t unknown_port; /* as of plan_port */
};
struct arranged_claim {
	struct plan_place at;
	const struct plan_claim *claim; /* the fragment's: they lie in about this order */
};
/* The claims of one VIP that follow each other in a fragment: the first of them, and whose. */
struct arranged_vip {
	struct plan_place at;
	struct plan_vip vip;
};
/* All orders are total: what is equal otherwise stands in the order of places. */
struct plan_order {
	char *items; /* owned; each begins with its place */
	size_t n, cap;
};

/* What is looked for among all fragments; few have any. */
enum {
	PLAN_MARK_TELLS = 1 << 0,     /* it has a problem */
	PLAN_MARK_HEALTH = 1 << 1,    /* a health-check node port, and a row that says so */
	PLAN_MARK_RATE = 1 << 2,      /* a limit of packets a second, and rows that say so */
	PLAN_MARK_BLACKHOLE = 1 << 3, /* an address that nothing is to reach */
	PLAN_MARK_AGGREGATE = 1 << 4, /* a claim on more than an address */
	PLAN_MARK_SERVERS = 1 << 5,   /* a target that is a real server beyond the nodes */
};

struct plan_arrangement {
	struct plan_order ports; /* with something to program; by lb key, oldest Service first */
	struct plan_order
		by_prefix; /* claims; by prefix, age of the oldest advertisement, VIP, place */
	struct plan_order by_vip; /* of all claims; by VIP, place */

	struct plan_service *rows; /* owned, as those below; of all ports, by place */
	size_t n_rows, cap_rows;
	uint32_t *first_row; /* of each fragment; n + 1 */
	uint8_t *marks;      /* of each: PLAN_MARK_* */
	size_t n, cap;       /* fragments */
};
static inline const struct arranged_port *arranged_port(const struct plan_arrangement *a, size_t i)
{
	return (const struct arranged_port *)(const void *)a->ports.items + i;
}
static inline const struct arranged_claim *arranged_claim(const struct plan_order *o, size_t i)
{
	return (const struct arranged_claim *)(const void *)o->items + i;
}

static inline const struct arranged_vip *arranged_vip(const struct plan_arrangement *a, size_t i)
{
	return (const struct arranged_vip *)(const void *)a->by_vip.items + i;
}

/* From the i-th fragment on the first that has the mark; n: none has. */
static inline size_t arranged_marked(const struct plan_arrangement *a, uint8_t mark, size_t i)
{
	while (i < a->n && !(a->marks[i] & mark)) {
		uint64_t eight = 1;

		if (a->n - i >= sizeof(eight))
			memcpy(&eight, a->marks + i, sizeof(eight));
		i += eight == 0 ? sizeof(eight) : 1;
	}
	return i;
}

/* The fragments as they are now, and what became of those that were arranged last. */
#define PLAN_GONE UINT32_MAX
struct plan_made {
	uint32_t number;                 /* of one that is new */
	const struct plan_fragment *was; /* of the same Service, arranged last; NULL: none was */
};
struct plan_arrange_args {
	const struct plan_fragment *const *fragments; /* by Service */
	size_t n;
	const uint32_t *moved; /* former number to the Service's present one, or PLAN_GONE; NULL:
				  all have their former one */
	const struct plan_made *made;
	size_t n_made;
};

/*
 * Arranges anew: starts zeroed, when all fragments must be new. The result is the same whatever was
 * arranged before. True: every Service has its former number, and as many rows.
 */
bool plan_arrange(struct plan_arrangement *a, const struct plan_arrange_args *args);
/* Nothing is arranged any more; what was allocated is kept for the next time. */
void plan_arrangement_clear(struct plan_arrangement *a);
void plan_arrangement_done(struct plan_arrangement *a);

/* Order of claims on routes; 0: one is as good as the other. */
int plan_claim_cmp(const struct plan_claim *a, const struct plan_claim *b);

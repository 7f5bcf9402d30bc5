// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VRFs that are made because a BGPPeer asks for it (lodestone.io/create-vrf); part of plan.h. The
 * links of the node are what is there, so what is to be done follows from them and the plan. A VRF
 * of ours is one in the device group PLAN_VRF_GROUP: the kernel puts it there as it makes it, and
 * so it is known after a restart, and whatever happens in between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct plan_node;

#define PLAN_VRF_GROUP 196u

/* A VRF that is to be there by us: to be made, or to stay. */
struct plan_made_vrf {
	const char *name;
	uint32_t table;
	const char *ns, *peer; /* the BGPPeer that asks for it; both "" of one that is there */
};

/* One that is to be made, or to be taken away. */
struct plan_vrf_op {
	const struct plan_made_vrf *made; /* NULL: it is taken away, which is */
	const char *name;
	int ifindex; /* 0: there is none yet */
};

/*
 * What leads from the node to what is wanted (by name); names are borrowed. Nothing that is not
 * ours is taken away, and a name that any device has is not made. Returns how many.
 */
size_t plan_vrf_ops(const struct plan_made_vrf *want, size_t n, const struct plan_node *node,
		    struct arena *arena, struct plan_vrf_op **ret);

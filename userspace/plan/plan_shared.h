// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * With whom a frontend is shared (DESIGN 7.2 step 8): a flow has one owner as long as it lives, so
 * what the kernel had before we begin stays with it, and what we have when we end stays with us.
 * The state is in the live word of the store, and no plan remembers it:
 *
 *   nothing ─(the kernel has, or had lately, flows of the VIP)─► taking over ─► kernel flows ─►
 * none ▲ mode off ─► handing back ──┘ mode off no more
 *
 * A VIP that comes to an agent that is at rest does not wait for conntrack's answer: it begins by
 * taking over, which is right whatever the kernel has. Not so with UDP, of which nothing begins
 * while it is taken over, nor at a start, where each frontend would be put twice.
 *
 * From taking over it goes on once conntrack was read after everything of the VIP was programmed,
 * so that no flow can have begun unseen; from kernel flows when the last of them has ended.
 */
#pragma once

#include "plan/plan_draft.h"

/* What the store has of a port and of its VIP; NULL: nothing. */
struct plan_shared {
	const struct lb_actual *actual, *vip;
	const struct plan_taken *taken; /* NULL: conntrack was not asked about the VIP */
	bool has_datagrams; /* a port of the VIP is of UDP, whose packets do not say what begins */
	bool hands_back;    /* with plan.leaving: what begins is the kernel's from now on */
};

/* What conntrack has said of a VIP, or NULL. */
const struct plan_taken *plan_shared_taken(const struct plan_draft *d, const struct plan_vip *vip);
/* Whether conntrack is to be asked on account of this port. */
bool plan_shared_asks(const struct plan_draft *d, const struct plan_shared *s);
/* The port may not begin yet. */
bool plan_shared_waits(const struct plan_draft *d, const struct plan_shared *s);
/* LB_F_* of LB_F_SHARED that the port, or what the store has of its VIP, is to have. */
uint32_t plan_shared_flags(const struct plan_draft *d, const struct plan_shared *s);
uint32_t plan_shared_vip_flags(const struct plan_draft *d, const struct plan_shared *s);
/* Adds the port to plan.begins; ports come in the order of their VIPs. */
void plan_shared_note(struct plan_draft *d, const struct plan_shared *s,
		      const struct plan_vip *vip);
/*
 * The same for what the store has and no Service wants: as long as the table names the kernel's
 * flows of it, they are asked about, for what nobody asks about is forgotten.
 */
void plan_shared_note_leaving(struct plan_draft *d, const struct lb_actual *actual);
/* Tells of flows that the kernel has. */
void plan_shared_tell(struct plan_draft *d, const struct plan_shared *s,
		      const struct api_object *service, const struct plan_vip *vip);
/* All that the store has is being handed back, and no flow of ours is left. */
bool plan_shared_is_over(const struct plan_draft *d);

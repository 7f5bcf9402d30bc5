// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What plane_flows.c and plane_conntrack.c share: flows, and what conntrack and the agent know.
 */
#pragma once

#include "lb/lb_kernel_flows.h"
#include "sim/plane/plane.h"

enum side { NOBODY, KERNEL, PROGRAMS };

struct plane_flow {
	struct lb_key key;
	uint32_t client; /* its address and port; 0: no flow */
	uint32_t seed;   /* of the Service that the programs serve it for */
	nsec_t until;    /* it sends no more */
	enum side side;
	bool is_unseen;    /* it began behind a reading that saw nothing of its VIP; see begin() */
	nsec_t lost_since; /* its packets reach nobody; NSEC_NEVER: they do */
	struct ip_addr backend;
};

/* What the helper is about. */
struct conntrack_job {
	bool is_under_way, is_read, of_whole_picture;
	nsec_t asked_at, read_at, answers_at;
	struct plan_begin begins[PLANE_TAKEN];
	size_t n_begins;
	struct plan_taken items[PLANE_TAKEN];
};

struct plane_flows {
	struct plane_flow items[PLANE_FLOWS];
	uint32_t n_clients;
	nsec_t next_packets, next_walk;
	bool is_harmed; /* a device was taken away, and is not given back yet */

	struct lb_kernel_keys table; /* of the kernel's flows; pinned, so a crash leaves it */
	struct lb_kernel_flow table_items[PLANE_FLOWS];

	/* The agent's. */
	struct lb_kernel_keys missed;
	struct lb_kernel_flow missed_items[PLANE_FLOWS];
	struct conntrack_job job;
	struct plan_taken taken[PLANE_TAKEN];
	size_t n_taken;
	struct plane_programmed {
		struct plan_vip vip;
		nsec_t since;
	} programmed[PLANE_TAKEN]; /* of the last plan */
	size_t n_programmed;
	bool at_rest;
	nsec_t until, ask_at;
};

static inline bool plane_flow_lives(const struct plane *p, const struct plane_flow *f)
{
	return f->client && f->until > p->now;
}

/* plane_conntrack.c */
/* The table of the kernel's flows names it. */
bool plane_conntrack_names(const struct plane_flows *w, const struct plane_flow *f);
/* Conntrack knows it, perhaps as one that has ended. */
bool plane_conntrack_has(const struct plane *p, const struct plane_flow *f);
/*
 * What the agent has read of the VIP says that the kernel had nothing of it within its memory. Then
 * it begins at once, and a first flow that comes before all is programmed is cut.
 */
bool plane_conntrack_is_unseen(const struct plane_flows *w, const struct plan_vip *vip);
void plane_conntrack_step(struct plane *p);
nsec_t plane_conntrack_next(const struct plane *p);

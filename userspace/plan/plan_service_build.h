// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A fragment while it is made: what the parts of plan_service() share. */
#pragma once

#include "plan/plan_claims.h"
#include "plan/plan_service.h"

struct service_build {
	const struct plan_env *env;
	const struct plan_service_input *in;
	struct arena *arena;
	struct plan_fragment *ret;
	struct port_endpoints *endpoints[IP_N_FAMILIES]; /* by port; NULL: not asked for */
	struct service_ranges ranges[IP_N_FAMILIES];
	uint32_t n_local_ready; /* counted where somebody asks for it */
	struct plan_claiming claiming;
	const struct ip_addr *uncarried; /* a VIP whose routes no session carries */
	const struct ip_addr *tagged;    /* one that is announced as a blackhole */
	bool any_blackhole, any_left_out_in_vrf;
};

#define service_problem(b, severity, ...)                                                          \
	object_problem(&(b)->ret->problems, severity, (b)->in->service, __VA_ARGS__)

/* What is said of the Service, once its ports and claims are made. */
void plan_service_problems(struct service_build *b);

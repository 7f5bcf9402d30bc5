// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a Service asks for and what it has, read from the object and from what was given earlier.
 * Private to ipam*.c.
 */
#pragma once

#include "plan/ipam_uses.h"

struct ipam_inputs;

struct ipam_wishes {
	const struct plan_addresses *given;
	struct problems *problems;
	struct ipam_claimant *items; /* by namespace, name */
	size_t n;
};

/* All Services that are ours; what cannot be read of a wish is a fault of it. */
void ipam_wishes_read(struct ipam_wishes *w, const struct ipam_inputs *in);

/* Adds a fault to the wish, behind those it has; the text lives in the problems' arena. */
void ipam_fault_add(struct ipam_wishes *w, struct ipam_claimant *c, const struct ipam_fault *fault);

/* Where the Service names the pool, or the addresses, that it asks for. */
const char *ipam_pool_field(const struct ipam_wishes *w, const struct ipam_claimant *c);
const char *ipam_request_field(const struct ipam_wishes *w, const struct ipam_claimant *c);

/* Tells each fault, and with it what the Service keeps nevertheless. */
void ipam_faults_tell(const struct ipam_wishes *w, const struct ipam_claimant *c);

#define ipam_problem(w, severity, c, ...)                                                          \
	object_problem((w)->problems, severity, (c)->object, __VA_ARGS__)

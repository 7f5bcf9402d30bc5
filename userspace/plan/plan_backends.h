// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The backends of a Service's port as status and the other views show them: all that are usable,
 * whether they get packets from here or not. There are as many of them as endpoints, a hundred
 * thousand, so that each is kept as the place where it stands in its slice.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"

#include <stddef.h>

struct api_object;
struct lb_target;
struct plan_service;

/* One of them, as status shows it. */
struct plan_service_backend {
	struct ip_addr addr;
	uint16_t port;
	const char *node; /* "" = unknown */
	/* "ready", "draining"; "remote": gets nothing from here; "notHinted": meant for others */
	const char *state;
	const char *way;     /* how packets get there, plan_way_text(); "" also: they do not */
	nsec_t drains_until; /* at the latest; 0: it does not drain, or as long as it is named */
};
/*
 * All of one frontend: those that its slices name, of which there may be a hundred thousand in all,
 * by where they stand there, and then others, which drain. plan_backend_at() has each.
 */
struct plan_backend {
	uint32_t slice, endpoint;
	uint16_t port;
	uint8_t state, way; /* plan_endpoints.c has the words */
};
struct plan_backends {
	const struct api_object *const *slices;
	const struct plan_backend *items;
	const struct plan_service_backend *others;
	size_t n, n_others;
};
/* How packets get to a target, as the annotation has it; "tunnel": to its node; "": it is here. */
const char *plan_way_text(const struct lb_target *t);

/* The i-th of its backends, which has what it points to as long as the plan. */
struct plan_service_backend plan_backend_at(const struct plan_service *row, size_t i);

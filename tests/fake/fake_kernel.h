// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes and rules of a kernel in memory, with the real one's ways where they matter: a route's key
 * is table, prefix and metric; a rule that is like one that is there is refused, and deleting takes
 * the first that is like what is asked for, whosever it is.
 */
#pragma once

#include "plan/plan_kernel_pass.h"

#define FAKE_KERNEL_MAX 512

struct fake_kernel {
	struct kernel_route routes[FAKE_KERNEL_MAX]; /* in the order of their coming */
	size_t n_routes;
	struct kernel_rule rules[FAKE_KERNEL_MAX]; /* names of what was put are in here: */
	size_t n_rules;
	char names[64][16]; /* each once */
	size_t n_ops;       /* so many were done */
	size_t fails_at;    /* this one, counted from 1, is refused; 0: none */
	size_t lost_at;     /* of this one and those behind it in the same batch no answer comes */
	bool deaf;          /* the dump fails */
};

struct kernel_sink fake_kernel_sink(struct fake_kernel *k);

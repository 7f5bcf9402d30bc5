// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What two plans of the same inputs differ in, field by field, down to what they point to: one that
 * was made with a cache is to be the one that is made from nothing.
 */
#pragma once

#include "plan/plan.h"

/* What plan_compute() hands out. */
struct plan_result {
	const struct plan *plan;
	const struct plan_ledger *ledger;
	nsec_t deadline;
};

/* The name of the first field of a plan or ledger that differs, or "deadline"; NULL: none does. */
const char *plan_difference(const struct plan_result *a, const struct plan_result *b);
/* The same of addresses, which are compared by what they say, not by their generation. */
const char *plan_addresses_difference(const struct plan_addresses *a,
				      const struct plan_addresses *b);
/* ... and of lists of problems. */
bool plan_same_problems(const struct problems *a, const struct problems *b);
/* ... and of what is accepted of two peers. */
bool plan_import_equal(const struct plan_import *a, const struct plan_import *b);
/* ... and of two wishes for a device. */
bool plan_next_hop_equal(const struct plan_next_hop *a, const struct plan_next_hop *b);
bool plan_device_equal(const struct plan_device *a, const struct plan_device *b);

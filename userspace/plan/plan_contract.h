// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What everybody relies on who is handed a plan, as assertions: plan_compute() ends with them, in a
 * release, too. A plan that breaks its contract would be applied wrongly without a word, since the
 * sinks are driven by merges of sorted arrays.
 */
#pragma once

#include "plan/plan.h"

/* Ends the process if the plan or the ledger is not as plan.h and plan_inputs.h say. */
void plan_assert_contract(const struct plan *plan, const struct plan_ledger *ledger);

/* The part of it that is looked at where it is made: a frontend's targets and ranges, the names of
 * Services.
 */
void plan_assert_targets(const struct lb_frontend *f);
void plan_assert_ranges(const struct lb_frontend *f);
void plan_assert_names(const struct plan_service *rows, size_t n);

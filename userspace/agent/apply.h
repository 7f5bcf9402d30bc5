// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One round: compute the plan from the present inputs and bring every sink to it.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>

struct agent;

/* True if something changed that the plan depends on, so that another round may do more. */
bool apply_round(struct agent *a, nsec_t now);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Problems that the agent has with its own work, and that no pure function can know: what the data
 * plane's store refuses, a state folder that cannot be written, a socket that its group cannot use.
 */
#pragma once

#include "base/nsec.h"
#include "base/problem.h"

struct agent;

/* Adds them to a list, which is sorted afterwards. */
void problems_own_add(const struct agent *a, nsec_t now, struct problems *list);

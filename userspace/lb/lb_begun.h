// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* How many flows a frontend has let in as new ones, since it is there. */
#pragma once

#include "lb/lb.h"

struct lb_tables;

/*
 * 0: there is no such frontend. Never decreases while it is there, across adoptions as well; what
 * the programs count in the moment in which it gets another slot may be missing.
 */
uint64_t lb_tables_begun(const struct lb_tables *t, const struct lb_key *key);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Where no flow is left, as the walk (lb_walk.c) finds it out. */
#pragma once

#include "lb/lb_inside.h"

/* A backend of a service has a flow that is not closing. */
void lb_idle_note(const struct lb_tables *t, uint32_t index);
/* A walk begins: nothing was noted. */
void lb_idle_begin(const struct lb_tables *t);
/* It has seen all flows: what of the service is idle. */
void lb_idle_judge(struct lb_tables *t, const struct lb_service *svc);
/* The slot's service is changed: what was found of it, and what this walk finds, says nothing. */
void lb_idle_forget(struct lb_tables *t, uint32_t slot, nsec_t now);
/* No flow of this backend, which drains, is left. */
bool lb_idle_is(const struct lb_tables *t, uint32_t index);

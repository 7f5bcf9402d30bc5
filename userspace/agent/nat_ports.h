// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Source ports of forwarding nat, looked at now and then: whether programs of this node may get the
 * same ones, and whether there are enough.
 */
#pragma once

#include "base/nsec.h"
#include "base/problem.h"

#include <stdbool.h>

struct agent_nat_ports {
	nsec_t look_at;
	uint16_t local_first, local_last; /* what the kernel gives programs; 0: not known */
	uint64_t refused;                 /* flows so far */
	nsec_t short_until;               /* some were refused not long ago */
};

struct agent;

/*
 * Whether `count` ports from `first` on have any in common with those from `local_first` to
 * `local_last`; 0 for either first: they have not.
 */
bool nat_ports_meet(uint16_t first, uint16_t count, uint16_t local_first, uint16_t local_last);

/* So many flows were refused for want of a port until now, since the programs count. */
void nat_ports_note(struct agent_nat_ports *n, uint64_t refused, nsec_t now);

/* Looks, if that was long ago and the plan has such targets. */
void nat_ports_look(struct agent *a, nsec_t now);
/* Adds what there is to say to the list, in its arena. */
void nat_ports_problems(const struct agent *a, nsec_t now, struct problems *list);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In a flood the lines of SYNs are full, and what at_once.h looks at is looked at again. So
 * SYNs that find no room, one after the other, let more and more of the next ones of their
 * processor go the long way at once.
 */
#pragma once

#include "common.h"
#include "scratch.h"

#define AT_ONCE_REST_MAX 63u /* SYNs; all bits below a power of two */

static __always_inline bool at_once_rests(struct lb_scratch *s)
{
	if (likely(!s->n_long))
		return false;
	s->n_long--;
	return true;
}

static __always_inline void at_once_learn(struct lb_scratch *s, bool found_room)
{
	if (likely(found_room && !s->n_long_next))
		return;
	s->n_long = found_room ? 0 : s->n_long_next;
	s->n_long_next = found_room ? 0 : (2 * s->n_long_next + 1) & AT_ONCE_REST_MAX;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Regions of a table that grows: a line of equal units of which runs are taken and given back. What
 * was given back rests until every reader that may still hold its number has finished, because the
 * BPF programs read the tables without locks (bpf/abi.h). Knows numbers only, no memory.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LB_SPACE_NONE UINT32_MAX

struct lb_space_rest {
	nsec_t given_at;
	uint32_t base, n;
};

struct lb_space {
	bool *taken;                   /* per unit; also while it rests. Owned */
	uint32_t n_units, n_free;      /* not taken, in whatever runs */
	uint32_t hint;                 /* nothing is free below it */
	struct lb_space_rest *resting; /* in order of given_at. Owned */
	size_t n_resting, cap_resting;
};

void lb_space_done(struct lb_space *s);
void lb_space_grow(struct lb_space *s, uint32_t units);
/* It has not all of the `max` units yet that the formats can name. */
bool lb_space_may_grow(const struct lb_space *s, uint32_t max);

/*
 * Takes n > 0 units in a row, at a multiple of `align`; the first of them, or LB_SPACE_NONE when
 * there is no such run: grow, or wait until something has rested.
 */
uint32_t lb_space_take(struct lb_space *s, uint32_t n, uint32_t align);
/* Takes just these; false if some are taken or do not exist. For what maps say at adoption. */
bool lb_space_claim(struct lb_space *s, uint32_t base, uint32_t n);

/* Gives back what readers have never seen. n may be 0. */
void lb_space_undo(struct lb_space *s, uint32_t base, uint32_t n);
/* Gives back what readers may still use. n may be 0. */
void lb_space_give(struct lb_space *s, uint32_t base, uint32_t n, nsec_t now);
/* Lays all that is free to rest: after adoption nobody knows since when it was. */
void lb_space_rest_free(struct lb_space *s, nsec_t now);
/* Frees what was given back at `quiet` or before. */
void lb_space_wake(struct lb_space *s, nsec_t quiet);

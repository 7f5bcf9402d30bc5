// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * First fit over one flag per unit, from a hint below which nothing is free. Regions are few and of
 * few sizes (rows of a service are 8 units nearly always, backends 1), so anything cleverer would
 * only be more code.
 */
#include "lb/lb_space.h"

#include "base/mem.h"

#include <assert.h>

void lb_space_done(struct lb_space *s)
{
	free(s->taken);
	free(s->resting);
	*s = (struct lb_space){.taken = NULL};
}

void lb_space_grow(struct lb_space *s, uint32_t units)
{
	s->taken = xrealloc(s->taken, s->n_units + units, sizeof(*s->taken));
	memset(s->taken + s->n_units, 0, units * sizeof(*s->taken));
	s->n_units += units;
	s->n_free += units;
}

bool lb_space_may_grow(const struct lb_space *s, uint32_t max)
{
	return s->n_units < max;
}

static bool is_free(const struct lb_space *s, uint32_t base, uint32_t n)
{
	if (base > s->n_units || n > s->n_units - base)
		return false;
	for (uint32_t i = base; i < base + n; i++)
		if (s->taken[i])
			return false;
	return true;
}

static void mark(struct lb_space *s, uint32_t base, uint32_t n, bool taken)
{
	for (uint32_t i = base; i < base + n; i++) {
		assert(s->taken[i] != taken);
		s->taken[i] = taken;
	}
	s->n_free = taken ? s->n_free - n : s->n_free + n;
	if (!taken && n > 0 && base < s->hint)
		s->hint = base;
}

bool lb_space_claim(struct lb_space *s, uint32_t base, uint32_t n)
{
	if (!is_free(s, base, n))
		return false;
	mark(s, base, n, true);
	return true;
}

uint32_t lb_space_take(struct lb_space *s, uint32_t n, uint32_t align)
{
	assert(n > 0);
	assert(align > 0);
	while (s->hint < s->n_units && s->taken[s->hint])
		s->hint++;
	for (uint32_t base = (s->hint + align - 1) / align * align; base < s->n_units;
	     base += align)
		if (lb_space_claim(s, base, n))
			return base;
	return LB_SPACE_NONE;
}

void lb_space_undo(struct lb_space *s, uint32_t base, uint32_t n)
{
	mark(s, base, n, false);
}

void lb_space_give(struct lb_space *s, uint32_t base, uint32_t n, nsec_t now)
{
	struct lb_space_rest *rest;

	if (n == 0)
		return;
	rest = xpush(&s->resting, &s->n_resting, &s->cap_resting, sizeof(*rest));
	*rest = (struct lb_space_rest){.given_at = now, .base = base, .n = n};
}

void lb_space_rest_free(struct lb_space *s, nsec_t now)
{
	for (uint32_t base = 0; base < s->n_units;) {
		uint32_t n = 0;

		while (base + n < s->n_units && !s->taken[base + n])
			n++;
		mark(s, base, n, true);
		lb_space_give(s, base, n, now);
		base += n ? n : 1;
	}
}

void lb_space_wake(struct lb_space *s, nsec_t quiet)
{
	size_t n = 0;

	while (n < s->n_resting && s->resting[n].given_at <= quiet) {
		mark(s, s->resting[n].base, s->resting[n].n, false);
		n++;
	}
	if (n == 0)
		return;
	s->n_resting -= n;
	memmove(s->resting, s->resting + n, s->n_resting * sizeof(*s->resting));
}

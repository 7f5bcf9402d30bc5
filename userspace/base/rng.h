// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Randomness as a field: a seeded generator (xoshiro-like, not for secrets) that protocol objects
 * carry, so that a run can be repeated from its seed.
 */
#pragma once

#include <stdint.h>

struct rng {
	uint64_t s[2];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* Uniform in 0..n-1; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* value scaled by a factor drawn uniformly from [low/256, high/256]. */
uint64_t rng_jitter(struct rng *r, uint64_t value, unsigned low, unsigned high);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * xoroshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018),
 * seeded through splitmix64 so that seeds 1, 2, 3 give unrelated runs. Good for jitter and for
 * simulations, never for secrets. The sequence of a seed is part of what a failing simulation
 * prints, so it may not change without notice.
 */
#include "base/rng.h"

#include <assert.h>

typedef unsigned __int128 u128;

static uint64_t rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Two successive outputs are never both zero, which is the one state xoroshiro must not have. */
void rng_seed(struct rng *r, uint64_t seed)
{
	r->s[0] = splitmix64(&seed);
	r->s[1] = splitmix64(&seed);
	assert(r->s[0] != 0 || r->s[1] != 0);
}

uint64_t rng_next(struct rng *r)
{
	uint64_t s0 = r->s[0], s1 = r->s[1];
	uint64_t ret = rotl(s0 * 5, 7) * 9;

	s1 ^= s0;
	r->s[0] = rotl(s0, 24) ^ s1 ^ s1 << 16;
	r->s[1] = rotl(s1, 37);
	return ret;
}

/* The high half of a 128-bit product, drawing again where the low half shows bias. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t biased = -n % n;
	u128 product;

	assert(n > 0);
	do {
		product = (u128)rng_next(r) * n;
	} while ((uint64_t)product < biased);
	return (uint64_t)(product >> 64);
}

uint64_t rng_jitter(struct rng *r, uint64_t value, unsigned low, unsigned high)
{
	u128 least = (u128)value * low / 256, most = (u128)value * high / 256;

	assert(low <= high);
	assert(most < UINT64_MAX);
	return (uint64_t)least + rng_below(r, (uint64_t)(most - least) + 1);
}

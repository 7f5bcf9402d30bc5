// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Time as the whole agent counts it: nanoseconds of the monotonic clock, as a plain number that is
 * passed in. Nothing below sys/ reads a clock, so a test or the simulation decides what time it is.
 */
#pragma once

#include <stdint.h>

typedef uint64_t nsec_t;

#define NSEC_NEVER    UINT64_MAX
#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC  UINT64_C(1000000000)

/* The earlier of two times; NSEC_NEVER is later than every other. */
static inline nsec_t nsec_min(nsec_t a, nsec_t b)
{
	return a < b ? a : b;
}

/* at + by, saturating at NSEC_NEVER. */
static inline nsec_t nsec_add(nsec_t at, nsec_t by)
{
	return at > NSEC_NEVER - by ? NSEC_NEVER : at + by;
}

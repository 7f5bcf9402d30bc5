// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What this thread has had of the processor, for benches of the pure layers. */
#pragma once

#include "base/nsec.h"

#include <time.h>

/* Nanoseconds; 0 if the kernel does not say. */
static inline double cpu_now(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		return 0;
	return (double)t.tv_sec * NSEC_PER_SEC + (double)t.tv_nsec;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The seed of the world that runs, told when the process dies in it: of an assertion, or of what a
 * sanitizer finds. A violation that is found is told by whoever runs the worlds.
 */
#pragma once

#include <sanitizer/common_interface_defs.h>

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static uint64_t sim_seed_now;

static inline void sim_seed_tell(void)
{
	char line[64];
	const int n = snprintf(line, sizeof(line), "SEED=%" PRIu64 ": it died\n", sim_seed_now);

	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static inline void sim_seed_on_abort(int sig)
{
	sim_seed_tell();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

/* Before each world. */
static inline void sim_seed(uint64_t seed)
{
	sim_seed_now = seed;
	__sanitizer_set_death_callback(sim_seed_tell);
	(void)signal(SIGABRT, sim_seed_on_abort);
}

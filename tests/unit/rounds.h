// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How often a random test tries. What `make test` can afford is written where it is tried; `make
 * soak` says by TEST_ROUNDS how many times as often. Seeds go on where the shorter run ends.
 */
#pragma once

#include <stdlib.h>

static inline unsigned test_rounds(unsigned n)
{
	const char *times = getenv("TEST_ROUNDS");
	const unsigned long factor = times ? strtoul(times, NULL, 10) : 1;

	return factor > 1 ? n * (unsigned)factor : n;
}

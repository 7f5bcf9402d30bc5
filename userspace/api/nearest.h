// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How far a mistyped name is from a known one, for suggestions in problems (metallb.md ruling 22:
 * `AvoidBuggyIPs`, `avoidBuggyIps`). Case does not count at all: it is the usual mistake.
 */
#pragma once

#include <stdbool.h>

/*
 * Edits (insert, delete, replace a character) from one to the other, ignoring case. Names longer
 * than 63 characters are infinitely far (INT_MAX).
 */
int api_name_distance(const char *a, const char *b);

/* Near enough to be meant: at most two edits, and less than half of the shorter name. */
bool api_name_is_near(const char *a, const char *b);

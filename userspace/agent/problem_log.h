// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Remembers since when each problem has been there, and logs one line when one comes and one when
 * it goes, as far as there are few: of those that come at once a number for each reason, and of
 * those that go at once a number in all; how many more there are is another line. A problem is the
 * same as long as object, field, reason and message are.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>

#include <stdint.h>

#define PROBLEM_LOG_LINES 10

struct problem_seen {
	uint64_t hash;
	int64_t since_s; /* wall clock */
	bool seen;       /* in the list that is being noted */
	char *line;      /* for the log when it goes, owned; NULL: it had none when it came */
};
struct problem_log {
	struct problem_seen *items; /* by hash, as far as they are sorted */
	size_t n, cap, n_sorted;
};

/* Takes the present list, free of doubles, logging what is new and what is gone. */
void problem_log_update(struct problem_log *log, const struct problems *now);
/* Seconds since 1970 at which it was first seen; 0 if it is not known. */
int64_t problem_log_since(const struct problem_log *log, const struct problem *p);
void problem_log_done(struct problem_log *log);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Prefixes in the order in which they came. Who fills it sees to it that none is in it twice, so
 * that it is no longer than what the prefixes are of.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct prefix_queue {
	struct ip_prefix *items; /* owned */
	size_t first, n, cap;    /* n: behind the first */
};

/* Zeroed it is empty. */
void prefix_queue_done(struct prefix_queue *q);
void prefix_queue_push(struct prefix_queue *q, const struct ip_prefix *prefix);
/* False: it is empty. */
bool prefix_queue_pop(struct prefix_queue *q, struct ip_prefix *ret) must_check;

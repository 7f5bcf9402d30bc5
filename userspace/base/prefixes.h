// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets of prefixes as arrays in the order of ip_prefix_cmp() without doubles. Prefixes that overlap
 * are different members.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

/* Makes a set of any prefixes, in place; how many are left. What is in order costs one pass. */
size_t prefixes_make(struct ip_prefix *items, size_t n);
/* What is in one of two sets, and what is in `a` and not in `b`; *ret has room for all that may be.
 */
size_t prefixes_union(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret);
size_t prefixes_minus(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret);

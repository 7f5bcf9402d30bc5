// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets of prefixes as arrays in the order of ip_prefix_cmp() without doubles. Prefixes that overlap
 * are different members.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

/* A set with several users. Whoever made it fills it before it is given to another, and then it
 * stays. */
struct prefix_list {
	size_t n_users;
	size_t n;
	struct ip_prefix items[];
};

/* Of so many prefixes, for one user. */
struct prefix_list *prefix_list_new(size_t n);
/* One user more; NULL is nobody's list. */
struct prefix_list *prefix_list_ref(struct prefix_list *list);
/* One user less; freed with the last one. Returns NULL; NULL is no list. */
struct prefix_list *prefix_list_unref(struct prefix_list *list);
/* Both have the same prefixes; NULL, here and below, has none. */
bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b);
static inline size_t prefix_list_n(const struct prefix_list *list)
{
	return list ? list->n : 0;
}

/* Makes a set of any prefixes, in place; how many are left. What is in order costs one pass. */
size_t prefixes_make(struct ip_prefix *items, size_t n);
/* What is in one of two sets, and what is in `a` and not in `b`; *ret has room for all that may be.
 */
size_t prefixes_union(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret);
size_t prefixes_minus(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Both merges are one walk: of two front members the lesser is looked at, or both where they are
 * equal.
 */
#include "base/prefixes.h"

#include <assert.h>
#include <stdlib.h>

struct prefix_list *prefix_list_new(size_t n)
{
	struct prefix_list *list = xcalloc(1, sizeof(*list) + n * sizeof(*list->items));

	list->n_users = 1;
	list->n = n;
	return list;
}

struct prefix_list *prefix_list_ref(struct prefix_list *list)
{
	if (list)
		list->n_users++;
	return list;
}

struct prefix_list *prefix_list_unref(struct prefix_list *list)
{
	if (!list)
		return NULL;
	assert(list->n_users > 0);
	if (--list->n_users == 0)
		free(list);
	return NULL;
}

bool prefix_list_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	const size_t n = prefix_list_n(a);

	return n == prefix_list_n(b) &&
	       (n == 0 || memcmp(a->items, b->items, n * sizeof(*a->items)) == 0);
}

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

size_t prefixes_make(struct ip_prefix *items, size_t n)
{
	size_t last = 0, i = 1;

	if (n == 0)
		return 0;
	while (i < n && ip_prefix_cmp(&items[i - 1], &items[i]) <= 0)
		i++;
	if (i < n)
		qsort(items, n, sizeof(*items), cmp_prefix);
	for (i = 1; i < n; i++)
		if (ip_prefix_cmp(&items[last], &items[i]) != 0)
			items[++last] = items[i];
	return last + 1;
}

size_t prefixes_union(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret)
{
	size_t n = 0, i = 0, k = 0;

	while (i < n_a || k < n_b) {
		const int order = i == n_a ? 1 : k == n_b ? -1 : ip_prefix_cmp(&a[i], &b[k]);

		ret[n++] = order <= 0 ? a[i] : b[k];
		i += order <= 0;
		k += order >= 0;
	}
	return n;
}

size_t prefixes_minus(const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b,
		      struct ip_prefix *ret)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < n_a; i++) {
		while (k < n_b && ip_prefix_cmp(&b[k], &a[i]) < 0)
			k++;
		if (k == n_b || ip_prefix_cmp(&b[k], &a[i]) != 0)
			ret[n++] = a[i];
	}
	return n;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The merge of two sorted arrays. Each call looks at the two front elements: the one with the
 * smaller key stands alone (add or delete), equal keys are a change or nothing. A walk over n and m
 * elements costs n + m comparisons and no memory. That both sides are sorted and free of doubles is
 * the promise of the caller: cmp is given one element of each side, so it cannot be asserted here.
 */
#include "base/sorted.h"

#include <stdlib.h>

static const void *front(const struct diff_side *side, size_t i)
{
	return i < side->n ? (const char *)side->items + i * side->size : NULL;
}

bool diff_next(struct diff *d, struct diff_step *ret)
{
	for (;;) {
		const void *want = front(&d->want, d->i_want);
		const void *have = front(&d->have, d->i_have);
		int order;

		if (!want && !have)
			return false;
		order = !want ? 1 : !have ? -1 : d->cmp(want, have);
		d->i_want += order <= 0;
		d->i_have += order >= 0;
		if (order < 0)
			*ret = (struct diff_step){.op = DIFF_ADD, .want = want};
		else if (order > 0)
			*ret = (struct diff_step){.op = DIFF_DELETE, .have = have};
		else if (!d->same(want, have))
			*ret = (struct diff_step){.op = DIFF_CHANGE, .want = want, .have = have};
		else
			continue;
		return true;
	}
}

void *sorted_find(const void *key, const void *items, size_t n, size_t size,
		  int (*cmp)(const void *key, const void *item))
{
	return n ? bsearch(key, items, n, size, cmp) : NULL;
}

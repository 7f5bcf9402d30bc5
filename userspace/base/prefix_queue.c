// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* An array whose beginning is given up once half of it has been taken. */
#include "base/prefix_queue.h"

void prefix_queue_done(struct prefix_queue *q)
{
	free(q->items);
	*q = (struct prefix_queue){0};
}

void prefix_queue_push(struct prefix_queue *q, const struct ip_prefix *prefix)
{
	size_t end = q->first + q->n;

	if (end == q->cap && q->first > q->n) {
		memmove(q->items, q->items + q->first, q->n * sizeof(*q->items));
		end = q->n;
		q->first = 0;
	}
	*(struct ip_prefix *)xpush(&q->items, &end, &q->cap, sizeof(*q->items)) = *prefix;
	q->n++;
}

bool prefix_queue_pop(struct prefix_queue *q, struct ip_prefix *ret)
{
	if (q->n == 0)
		return false;
	*ret = q->items[q->first++];
	if (--q->n == 0)
		prefix_queue_done(q); /* it is rarely full for long */
	return true;
}

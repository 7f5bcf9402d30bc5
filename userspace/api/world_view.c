// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Bisection, insertion and removal in an array of pointers.
 */
#include "api/world_view.h"

#include "base/mem.h"

#include <assert.h>

int api_world_identity_cmp(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;
	const struct api_meta *m = &(*x)->meta, *o = &(*y)->meta;
	int order;

	if (m->kind != o->kind)
		return m->kind < o->kind ? -1 : 1;
	order = strcmp(m->ns, o->ns);
	return order ? order : strcmp(m->name, o->name);
}

int api_world_object_cmp(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;
	const struct api_meta *m = &(*x)->meta, *o = &(*y)->meta;
	int order = api_world_identity_cmp(a, b);

	if (!order)
		order = strcmp(m->file, o->file);
	return order ? order : (m->line > o->line) - (m->line < o->line);
}

int world_view_cmp(const struct api_object *a, const struct api_object *b,
		   int (*cmp)(const void *a, const void *b))
{
	return cmp(&a, &b);
}

size_t world_view_place(const struct world_view *v, const struct api_object *o,
			int (*cmp)(const void *a, const void *b))
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (world_view_cmp(v->items[mid], o, cmp) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool world_view_is_at(const struct world_view *v, size_t i, const struct api_object *o)
{
	return i < v->n && world_view_cmp(v->items[i], o, api_world_identity_cmp) == 0;
}

void world_view_push(struct world_view *v, const struct api_object *o)
{
	const struct api_object **last = xpush(&v->items, &v->n, &v->cap, sizeof(*v->items));

	*last = o;
}

void world_view_insert(struct world_view *v, size_t i, const struct api_object *o)
{
	assert(i <= v->n);
	world_view_push(v, o);
	memmove(&v->items[i + 1], &v->items[i], (v->n - 1 - i) * sizeof(*v->items));
	v->items[i] = o;
}

void world_view_remove(struct world_view *v, size_t i)
{
	assert(i < v->n);
	v->n--;
	memmove(&v->items[i], &v->items[i + 1], (v->n - i) * sizeof(*v->items));
}

/* Sources often come in the order of their objects; then there is nothing to sort. */
void world_view_sort(struct world_view *v, int (*cmp)(const void *a, const void *b))
{
	size_t i = 1;

	while (i < v->n && cmp(&v->items[i - 1], &v->items[i]) <= 0)
		i++;
	if (i < v->n)
		qsort(v->items, v->n, sizeof(*v->items), cmp);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A view of the world: an array of pointers to objects, sorted, so that one of them is found by
 * bisection. A change moves what is behind it by one place, which is cheap even where there are
 * 50,000; nothing is compared but on the way to that place. Only api/world_index.c and
 * api/world_source.c use this.
 */
#pragma once

#include "api/objects.h"

#include <stdbool.h>
#include <stddef.h>

/* Orders for qsort over arrays of pointers: kind, namespace, name; and then file, line. */
int api_world_identity_cmp(const void *a, const void *b);
int api_world_object_cmp(const void *a, const void *b);

/* Borrowed objects, sorted. */
struct world_view {
	const struct api_object **items; /* owned */
	size_t n, cap;
};

int world_view_cmp(const struct api_object *a, const struct api_object *b,
		   int (*cmp)(const void *a, const void *b));
/* The first place of a view whose object is not before `o`. */
size_t world_view_place(const struct world_view *v, const struct api_object *o,
			int (*cmp)(const void *a, const void *b));
/* An object of the same identity is at that place. */
bool world_view_is_at(const struct world_view *v, size_t i, const struct api_object *o);

void world_view_push(struct world_view *v, const struct api_object *o);
void world_view_insert(struct world_view *v, size_t i, const struct api_object *o);
void world_view_remove(struct world_view *v, size_t i);
void world_view_sort(struct world_view *v, int (*cmp)(const void *a, const void *b));

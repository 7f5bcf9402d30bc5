// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The one merge-diff of the agent. Desired and actual state are sorted arrays of plain structs; one
 * pass over both says what to add, change and delete. Every sink is driven by it, so a reload, a
 * restart and a lost message are the same code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum diff_op { DIFF_ADD, DIFF_CHANGE, DIFF_DELETE };

/* How to read the arrays: element sizes may differ as long as cmp knows both. */
struct diff_side {
	const void *items;
	size_t n, size;
};

/* A walk over two sides; starts zeroed but for the first four fields. */
struct diff {
	struct diff_side want, have;
	int (*cmp)(const void *want, const void *have);   /* by key */
	bool (*same)(const void *want, const void *have); /* keys equal: is the rest, too? */
	size_t i_want, i_have;
};

struct diff_step {
	enum diff_op op;
	const void *want; /* NULL with DIFF_DELETE */
	const void *have; /* NULL with DIFF_ADD */
};

/* Next difference in key order; false at the end. Both sides must be sorted and free of doubles. */
bool diff_next(struct diff *d, struct diff_step *ret);

/* As bsearch, but with typed order (key first) and returning NULL or the element. */
void *sorted_find(const void *key, const void *items, size_t n, size_t size,
		  int (*cmp)(const void *key, const void *item));

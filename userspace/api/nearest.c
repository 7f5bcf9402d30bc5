// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Levenshtein's distance with one row of the matrix on the stack. The names come from outside, so
 * their length is bounded here; the known ones are short anyway.
 */
#include "api/nearest.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>

#define MAX_NAME  63
#define MAX_EDITS 2

static int min_of(int a, int b)
{
	return a < b ? a : b;
}

int api_name_distance(const char *a, const char *b)
{
	size_t len_a = strnlen(a, MAX_NAME + 1), len_b = strnlen(b, MAX_NAME + 1);
	int row[MAX_NAME + 1];

	if (len_a > MAX_NAME || len_b > MAX_NAME)
		return INT_MAX;
	for (size_t j = 0; j <= len_b; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= len_a; i++) {
		int diagonal = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= len_b; j++) {
			bool differ = tolower((unsigned char)a[i - 1]) !=
				      tolower((unsigned char)b[j - 1]);
			int replaced = diagonal + differ;

			diagonal = row[j];
			row[j] = min_of(replaced, 1 + min_of(row[j], row[j - 1]));
		}
	}
	assert(row[len_b] >= abs((int)len_a - (int)len_b));
	assert((size_t)row[len_b] <= (len_a > len_b ? len_a : len_b));
	return row[len_b];
}

bool api_name_is_near(const char *a, const char *b)
{
	int distance = api_name_distance(a, b);
	size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return distance == 0 || (distance <= MAX_EDITS && (size_t)distance * 2 < shorter);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Aligned columns. A table is filled cell by cell and printed once all widths are known. Text from
 * outside is made harmless here: a control character in an object's message must not reach the
 * operator's terminal.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "cli/tone.h"

#include <stdint.h>

struct table {
	struct arena *arena; /* owns the cells */
	size_t n_columns;
	const char **cells; /* row by row */
	size_t n, cap;
	bool has_colour;
	uint8_t *tones; /* of the cells; only if there is colour */
	size_t n_tones, cap_tones;
};

/* Adds the next cell, left to right; the text is copied. NULL or "" is printed as "-". */
void table_add(struct table *t, const char *text);
/* The same in colour, if the table has any. */
void table_add_toned(struct table *t, const char *text, enum tone tone);
/* Adds a label and what stands beside it, a row of two columns; the line is done with. */
void table_add_line(struct table *t, const char *label, struct strbuf *line);

/* The same, the line in colour. */
void table_add_line_toned(struct table *t, const char *label, struct strbuf *line, enum tone tone);

/* Adds all rows to *out. The last column is not padded. Every row must be complete. */
void table_print(const struct table *t, struct strbuf *out);

/* Makes control characters visible, and harmless; those of C1, too. */
void table_mask_controls(char *text);
/* Places that UTF-8 takes. */
size_t table_width(const char *text);

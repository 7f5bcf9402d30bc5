// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Widths count characters, not bytes: names and messages may be UTF-8, and a continuation byte
 * (10xxxxxx) takes no room. Characters that are wider than one place are not known here.
 */
#include "cli/table.h"

#include <assert.h>

#define GAP 3 /* spaces between columns */

/* C0 controls and DEL, and C1 controls, which are two bytes in UTF-8 (c2 80 to c2 9f). */
void table_mask_controls(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
	}
}

void table_add_toned(struct table *t, const char *text, enum tone tone)
{
	const char **cell = arena_push(t->arena, &t->cells, &t->n, &t->cap, sizeof(*t->cells));
	char *copy = arena_strdup(t->arena, text && text[0] ? text : "-");

	table_mask_controls(copy);
	*cell = copy;
	if (t->has_colour)
		*(uint8_t *)arena_push(t->arena, &t->tones, &t->n_tones, &t->cap_tones,
				       sizeof(*t->tones)) = (uint8_t)tone;
}

void table_add(struct table *t, const char *text)
{
	table_add_toned(t, text, TONE_NONE);
}

void table_add_line_toned(struct table *t, const char *label, struct strbuf *line, enum tone tone)
{
	table_add(t, label);
	table_add_toned(t, line->data, tone);
	strbuf_done(line);
}

void table_add_line(struct table *t, const char *label, struct strbuf *line)
{
	table_add_line_toned(t, label, line, TONE_NONE);
}

size_t table_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t max = 0;

	for (size_t i = column; i < t->n; i += t->n_columns)
		if (table_width(t->cells[i]) > max)
			max = table_width(t->cells[i]);
	return max;
}

void table_print(const struct table *t, struct strbuf *out)
{
	size_t *widths = arena_array_of(t->arena, t->n_columns, size_t);

	assert(t->n % t->n_columns == 0);
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->n_columns, used = table_width(t->cells[i]);

		tone_add(out, t->has_colour ? (enum tone)t->tones[i] : TONE_NONE, t->cells[i]);
		if (column + 1 < t->n_columns)
			strbuf_printf(out, "%*s", (int)(widths[column] - used + GAP), "");
		else
			strbuf_add(out, "\n");
	}
}

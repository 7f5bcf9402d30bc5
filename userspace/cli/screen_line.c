// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/screen_line.h"

#include "cli/table.h"

#define TEXT_MAX 1024

void screen_add(struct screen_line *l, enum tone tone, const char *fmt, ...)
{
	char text[TEXT_MAX];
	size_t at = 0;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* no terminal is as wide */
	va_end(ap);
	table_mask_controls(text);
	while (text[at] && l->used < l->columns) {
		l->used++;
		do
			at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80);
	}
	text[at] = '\0';
	if (at > 0)
		tone_add(l->out, l->has_colour ? tone : TONE_NONE, text);
}

void screen_to(struct screen_line *l, unsigned column)
{
	while (l->used < column && l->used < l->columns)
		screen_add(l, TONE_NONE, " ");
}

void screen_add_right(struct screen_line *l, unsigned column, enum tone tone, const char *text)
{
	const unsigned len = (unsigned)table_width(text);

	screen_add(l, TONE_NONE, " ");
	screen_to(l, column > len ? column - len : 0);
	screen_add(l, tone, "%s", text);
}

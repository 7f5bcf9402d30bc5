// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Lines of a screen of a fixed width, written from left to right: what does not fit is cut, what is
 * coloured takes no more room, and nothing from outside speaks to the terminal.
 */
#pragma once

#include "base/strbuf.h"
#include "cli/tone.h"

struct screen_line {
	struct strbuf *out;
	unsigned used, columns; /* places, not bytes */
	bool has_colour;
};

/* Adds formatted text, as much of it as there is room for. */
void screen_add(struct screen_line *l, enum tone tone, const char *fmt, ...) printf_like(3, 4);
/* Goes to a column, if it is not behind it. */
void screen_to(struct screen_line *l, unsigned column);
/* Adds text that ends before a column: right-aligned, after at least one blank. */
void screen_add_right(struct screen_line *l, unsigned column, enum tone tone, const char *text);

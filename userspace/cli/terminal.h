// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What standard output is: a terminal, and of what size and abilities; and the pager in front of
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* It is one, and takes sequences: TERM is neither empty nor "dumb". */
bool terminal_is_able(void);
/* ... and colour is wanted: NO_COLOR is empty or not set. */
bool terminal_has_colour(void);

struct terminal_size {
	unsigned columns, rows;
};
/* Of standard output; 80 by 24 where it does not say. */
struct terminal_size terminal_size(void);

/*
 * Writes all of it to standard output; what is longer than a terminal by way of the pager, as git
 * does: $PAGER, or less, which gets LESS=FRX unless LESS is set. An empty PAGER or "cat": none. A
 * pager that cannot be run is done without. False: it could not be written, errno says why.
 */
bool terminal_write(const char *text, size_t len, bool may_page);

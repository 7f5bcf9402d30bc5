// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A string under construction with a maximum. Past the maximum it stops growing and says so
 * (`truncated`), so a reply or a file cannot grow without bound.
 */
#pragma once

#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>

struct strbuf {
	char *data; /* owned, NUL-terminated once something was added */
	size_t len, cap, max;
	bool truncated;
};

void strbuf_init(struct strbuf *s, size_t max);
void strbuf_done(struct strbuf *s);
void strbuf_add(struct strbuf *s, const char *text);
void strbuf_add_len(struct strbuf *s, const char *data, size_t len);
void strbuf_printf(struct strbuf *s, const char *fmt, ...) printf_like(2, 3);

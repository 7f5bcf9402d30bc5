// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A string that grows up to a maximum. What does not fit is cut at the maximum and remembered in
 * `truncated`; from then on the length stays where it is, so the text is always a prefix of what
 * was meant. `max` counts bytes without the NUL.
 */
#include "base/strbuf.h"

#include <assert.h>

#define FIRST_CAP 256

void strbuf_init(struct strbuf *s, size_t max)
{
	*s = (struct strbuf){.max = max};
}

void strbuf_done(struct strbuf *s)
{
	free(s->data);
	*s = (struct strbuf){.max = s->max};
}

/* Room for len more bytes and the NUL. */
static void reserve(struct strbuf *s, size_t len)
{
	size_t need = s->len + len + 1;

	if (need <= s->cap)
		return;
	s->cap = s->cap * 2 > FIRST_CAP ? s->cap * 2 : FIRST_CAP;
	if (s->cap < need)
		s->cap = need;
	s->data = xrealloc(s->data, s->cap, 1);
}

void strbuf_add_len(struct strbuf *s, const char *data, size_t len)
{
	assert(s->len <= s->max);
	if (s->truncated)
		return;
	if (len > s->max - s->len) {
		len = s->max - s->len;
		s->truncated = true;
	}
	reserve(s, len);
	if (len)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	assert(s->len <= s->max && s->len < s->cap);
	s->data[s->len] = 0;
}

void strbuf_add(struct strbuf *s, const char *text)
{
	strbuf_add_len(s, text, strlen(text));
}

void strbuf_printf(struct strbuf *s, const char *fmt, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort(); /* out of memory, as everywhere */
	strbuf_add_len(s, text, (size_t)len);
}

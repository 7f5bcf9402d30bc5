// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The cut of api/split.h: one pass, line by line, no copy. A line ends with LF, CR LF or CR.
 */
#include "api/split.h"

#include "api/text.h"

#include <assert.h>

struct line {
	const char *start, *end; /* end: after the line's end */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

static bool is_bom(const char *at, const char *end)
{
	return end - at >= 3 && memcmp(at, API_TEXT_BOM, 3) == 0;
}

static bool is_marker(const struct line *l, const char *marker)
{
	size_t len = (size_t)(l->end - l->start);

	return len >= 3 && memcmp(l->start, marker, 3) == 0 &&
	       (len == 3 || is_blank(l->start[3]) || is_bom(l->start + 3, l->end));
}

/* The line at `at`, or, if it is a marker with a byte order mark behind, what stands before that.
 */
static struct line line_at(const struct api_split *s)
{
	const char *at = s->at, *end = s->end;
	const char *lf = s->has_cr ? NULL : memchr(at, '\n', (size_t)(end - at));
	struct line l = {.start = at, .end = lf ? lf + 1 : api_text_line_end(at, end)};

	if (!is_marker(&l, "---") && !is_marker(&l, "..."))
		return l;
	for (at += 3; at < l.end && is_blank(*at);)
		at++;
	if (is_bom(at, l.end))
		l.end = at;
	return l;
}

/* Anything but blanks, a comment, a directive or a bare marker. */
static bool has_content(const struct line *l)
{
	const char *at = l->start;

	if (at < l->end && *at == '%')
		return false;
	if (is_marker(l, "---") || is_marker(l, "..."))
		at += 3;
	while (at < l->end && is_blank(*at))
		at++;
	return at < l->end && *at != '#';
}

struct api_split api_split_init(const char *text, size_t len)
{
	return (struct api_split){
		.at = text, .end = text + len, .line = 1, .has_cr = memchr(text, '\r', len)};
}

/* One piece, from s->at to where the next begins; true if it holds anything. */
static bool take_piece(struct api_split *s, struct api_yaml_text *ret)
{
	bool content = false;
	struct line l;

	while (is_bom(s->at, s->end))
		s->at += 3;
	l = line_at(s);
	/* Directives belong to the marker after them; the parser shall not see them alone. */
	*ret = (struct api_yaml_text){.text = s->at, .first_line = s->line};
	do {
		content |= has_content(&l);
		s->at = l.end;
		if (is_bom(s->at, s->end)) {
			s->line += l.end > l.start && is_line_end(l.end[-1]);
			break;
		}
		s->line++;
		if (is_marker(&l, "..."))
			break;
		l = line_at(s);
	} while (s->at < s->end && !is_marker(&l, "---"));
	assert(s->at > ret->text || s->at == s->end); /* or the walk would never end */
	assert(s->at <= s->end);
	ret->len = (size_t)(s->at - ret->text);
	return content;
}

bool api_split_next(struct api_split *s, struct api_yaml_text *ret)
{
	struct api_yaml_text piece;

	while (s->at < s->end)
		if (take_piece(s, &piece)) {
			*ret = piece;
			return true;
		}
	return false;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The cut of api/split.h: one pass, line by line, no copy. Lines end at LF; a CR before it is part
 * of the blank after a marker. A byte order mark is skipped once, at the start of the text.
 */
#include "api/split.h"

struct line {
	const char *start, *end; /* end: after the LF */
};

static struct line line_at(const char *at, const char *end)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));

	return (struct line){.start = at, .end = lf ? lf + 1 : end};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_marker(const struct line *l, const char *marker)
{
	size_t len = (size_t)(l->end - l->start);

	return len >= 3 && memcmp(l->start, marker, 3) == 0 && (len == 3 || is_blank(l->start[3]));
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
	static const char bom[] = "\xef\xbb\xbf";

	if (len >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		len -= 3;
	}
	return (struct api_split){.at = text, .end = text + len, .line = 1};
}

/* One piece, from s->at to the next marker; true if it holds anything. */
static bool take_piece(struct api_split *s, struct api_yaml_text *ret)
{
	bool content = false;
	struct line l = line_at(s->at, s->end);

	/* Directives belong to the marker after them; the parser shall not see them alone. */
	*ret = (struct api_yaml_text){.text = s->at, .first_line = s->line};
	do {
		content |= has_content(&l);
		s->line++;
		s->at = l.end;
		if (is_marker(&l, "..."))
			break;
		l = line_at(s->at, s->end);
	} while (s->at < s->end && !is_marker(&l, "---"));
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

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One walk over the bytes, which knows strings and depth. A piece begins with an object at the
 * depth at which pieces stand: 0 for events; in a list 2 for items and 1 for the metadata, which
 * the list's own keys tell apart. What lies between is skipped. Bytes of a piece are copied by
 * stretches, not one by one.
 */
#include "kube/kube_split.h"

#include <assert.h>

#define LIST_DEPTH 1

void kube_split_init(struct kube_split *s, enum kube_split_form form)
{
	*s = (struct kube_split){.form = form};
	strbuf_init(&s->piece, KUBE_PIECE_BYTES);
}

void kube_split_done(struct kube_split *s)
{
	strbuf_done(&s->piece);
}

static bool is_key(const struct kube_split *s, const char *key)
{
	return s->key_len == strlen(key) && memcmp(s->key, key, s->key_len) == 0;
}

/* What a value that begins here is a piece of. */
static enum kube_piece piece_at(const struct kube_split *s, char c)
{
	if (c != '{')
		return KUBE_PIECE_NONE;
	if (s->form == KUBE_SPLIT_EVENTS)
		return s->depth == 0 ? KUBE_PIECE_ITEM : KUBE_PIECE_NONE;
	if (s->depth == LIST_DEPTH + 1 && s->is_items)
		return KUBE_PIECE_ITEM;
	return s->depth == LIST_DEPTH && is_key(s, "metadata") ? KUBE_PIECE_META : KUBE_PIECE_NONE;
}

static void open_value(struct kube_split *s, char c)
{
	assert(s->depth <= KUBE_PIECE_DEPTH); /* or the walk had ended */
	if (s->keep_depth == 0) {
		s->kept = piece_at(s, c);
		if (s->kept != KUBE_PIECE_NONE)
			s->keep_depth = s->depth + 1;
	}
	if (s->form == KUBE_SPLIT_LIST && s->depth == LIST_DEPTH && c == '[')
		s->is_items = is_key(s, "items");
	if (++s->depth > KUBE_PIECE_DEPTH)
		s->is_bad = true;
	assert(s->keep_depth <= s->depth);
}

/* True: that was the end of a piece. */
static bool close_value(struct kube_split *s)
{
	if (s->depth == 0) {
		s->is_bad = true;
		return false;
	}
	s->depth--;
	if (s->depth == LIST_DEPTH)
		s->is_items = false;
	if (s->depth == 0 && s->form == KUBE_SPLIT_LIST)
		s->is_over = true;
	if (s->keep_depth == 0 || s->depth >= s->keep_depth)
		return false;
	assert(s->kept != KUBE_PIECE_NONE);
	s->keep_depth = 0;
	return true;
}

/* The keys of the list itself are strings of its depth; values there are, too, and do no harm. */
static void begin_string(struct kube_split *s)
{
	assert(!s->is_escaped);
	s->is_in_string = true;
	s->is_key = s->form == KUBE_SPLIT_LIST && s->depth == LIST_DEPTH;
	if (s->is_key)
		s->key_len = 0;
}

static void walk_string(struct kube_split *s, char c)
{
	if (s->is_escaped)
		s->is_escaped = false;
	else if (c == '\\')
		s->is_escaped = true;
	else if (c == '"')
		s->is_in_string = false;
	if (s->is_in_string && s->is_key && s->key_len < sizeof(s->key))
		s->key[s->key_len++] = c;
	else if (s->is_in_string && s->is_key)
		s->key_len = sizeof(s->key) + 1; /* longer than any that is looked for */
}

/* Between objects there is white space and nothing else. */
static bool may_stand_outside(const struct kube_split *s, char c)
{
	return strchr(" \t\r\n", c) || (c == '{' && !s->is_over);
}

/* True: a piece ends with this byte. */
static bool walk(struct kube_split *s, char c)
{
	if (s->is_in_string) {
		walk_string(s, c);
		return false;
	}
	if (s->depth == 0 && (c == '\0' || !may_stand_outside(s, c))) {
		s->is_bad = true;
		return false;
	}
	switch (c) {
	case '"':
		begin_string(s);
		return false;
	case '{':
	case '[':
		open_value(s, c);
		return false;
	case '}':
	case ']':
		return close_value(s);
	case '\0':
		s->is_bad = true;
		return false;
	default:
		return false;
	}
}

/* Bytes that a string goes on with and that say nothing. */
static size_t plain_in_string(const struct kube_split *s, const char *data, size_t len)
{
	size_t n = 0;

	if (!s->is_in_string || s->is_escaped || s->is_key)
		return 0;
	while (n < len && data[n] != '"' && data[n] != '\\')
		n++;
	return n;
}

static void keep(struct kube_split *s, const char *data, size_t len)
{
	strbuf_add_len(&s->piece, data, len);
	s->is_bad |= s->piece.truncated;
}

enum kube_piece kube_split_next(struct kube_split *s, const char **data, size_t *len)
{
	const char *at = *data, *end = at + *len, *from = at;
	bool is_end = false;

	if (s->keep_depth == 0) /* the piece before was looked at */
		s->piece.len = 0;
	while (at < end && !is_end && !s->is_bad) {
		const bool was_kept = s->keep_depth > 0;

		at += plain_in_string(s, at, (size_t)(end - at));
		if (at == end)
			break;
		is_end = walk(s, *at);
		if (!was_kept && s->keep_depth > 0)
			from = at;
		at++;
	}
	if (is_end || s->keep_depth > 0)
		keep(s, from, (size_t)(at - from));
	*len = (size_t)(end - at);
	*data = at;
	if (s->is_bad)
		return KUBE_PIECE_BAD;
	return is_end ? s->kept : KUBE_PIECE_NONE;
}

bool kube_split_is_whole(const struct kube_split *s)
{
	if (s->is_bad || s->depth > 0 || s->is_in_string)
		return false;
	return s->form == KUBE_SPLIT_EVENTS || s->is_over;
}

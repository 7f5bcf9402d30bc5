// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One walk over the text with a stack of its own. What JSON and YAML could read differently, or
 * what a message of libyaml's would be about, ends the walk: then libyaml reads it all. So this
 * knows no errors, and accepts less than JSON: printable ASCII, blanks and line feeds between
 * values, keys that YAML takes without a question mark, numbers by their characters.
 */
#include "api/yaml_json.h"

#include "api/yaml_merge.h"
#include "api/yaml_tree.h"
#include "base/limits.h"

#include <assert.h>

#define KEY_MAX 512 /* YAML 1.2, 7.4.2: less than 1024, with its escapes */

/* A map or sequence that has not ended. */
struct level {
	struct api_value *value;
	struct api_value *last; /* its newest child */
};

struct walk {
	const char *at, *end;
	unsigned line;
	struct arena *arena;
	struct level stack[LIMIT_YAML_DEPTH];
	size_t depth;
	const char *key; /* read, its value not yet */
	unsigned key_line;
};

struct text {
	const char *text;
	size_t len;
};

static bool is_at(const struct walk *w, char c)
{
	return w->at < w->end && *w->at == c;
}

static bool take(struct walk *w, char c)
{
	const bool ret = is_at(w, c);

	w->at += ret;
	return ret;
}

static void skip_space(struct walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\n'))
		w->line += *w->at++ == '\n';
}

/* --- scalars ---------------------------------------------------------------------------------- */

static char unescape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

/* The length of a string up to its end, with escapes as one character; false: none that we take. */
static bool measure(const char *at, const char *end, size_t *ret_len, bool *ret_escaped)
{
	size_t len = 0;

	*ret_escaped = false;
	for (; at < end && *at != '"'; at++, len++) {
		if (*at < ' ' || *at > '~')
			return false;
		if (*at != '\\')
			continue;
		*ret_escaped = true;
		if (++at == end || !unescape(*at))
			return false;
	}
	*ret_len = len;
	return at < end;
}

static bool take_string(struct walk *w, struct text *ret)
{
	bool is_escaped;
	char *text;

	if (!take(w, '"') || !measure(w->at, w->end, &ret->len, &is_escaped))
		return false;
	text = is_escaped ? arena_alloc(w->arena, ret->len + 1, 1)
			  : arena_strndup(w->arena, w->at, ret->len);
	for (size_t i = 0; is_escaped && i < ret->len; i++, w->at++)
		text[i] = *w->at == '\\' ? unescape(*++w->at) : *w->at;
	w->at += is_escaped ? 0 : ret->len;
	ret->text = text;
	return take(w, '"');
}

static bool is_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* A number or a word; what such a text is the decoder asks for its field. */
static bool take_plain(struct walk *w, struct text *ret)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *from = w->at;
	const size_t left = (size_t)(w->end - from);

	for (size_t i = 0; i < ARRAY_SIZE(words) && w->at == from; i++)
		if (left > strlen(words[i]) && memcmp(from, words[i], strlen(words[i])) == 0)
			w->at += strlen(words[i]);
	if (w->at == from) {
		w->at += *w->at == '-';
		if (w->at == w->end || *w->at < '0' || *w->at > '9')
			return false;
		while (w->at < w->end && is_number(*w->at))
			w->at++;
	}
	ret->len = (size_t)(w->at - from);
	ret->text = arena_strndup(w->arena, from, ret->len);
	return true;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool take_key(struct walk *w)
{
	struct text key;

	w->key_line = w->line;
	if (!take_string(w, &key) || key.len > KEY_MAX || !take(w, ':'))
		return false;
	w->key = key.text;
	skip_space(w);
	return true;
}

static struct api_value *add(struct walk *w, const struct api_value *like)
{
	struct api_value *v = arena_memdup(w->arena, like, sizeof(*like));
	struct level *top = w->depth > 0 ? &w->stack[w->depth - 1] : NULL;

	if (top && top->value->type == API_VALUE_MAP) {
		v->key = TAKE_PTR(w->key);
		v->line = w->key_line;
	}
	if (top)
		api_tree_append(top->value, &top->last, v);
	return v;
}

static bool open_level(struct walk *w, enum api_value_type type)
{
	const struct api_value like = {.type = type, .line = w->line, .text = ""};

	if (w->depth == LIMIT_YAML_DEPTH)
		return false;
	w->at++;
	w->stack[w->depth] = (struct level){.value = add(w, &like)};
	w->depth++;
	skip_space(w);
	return true;
}

static bool take_value(struct walk *w, bool *ret_opened)
{
	const bool is_map = is_at(w, '{'), is_plain = !is_at(w, '"');
	struct api_value like;
	struct text text;

	*ret_opened = is_map || is_at(w, '[');
	if (*ret_opened)
		return open_level(w, is_map ? API_VALUE_MAP : API_VALUE_SEQUENCE);
	if (w->at == w->end || !(is_plain ? take_plain(w, &text) : take_string(w, &text)))
		return false;
	like = api_tree_scalar(text.text, text.len, is_plain, w->line);
	like.text = text.text;
	(void)add(w, &like);
	skip_space(w);
	return true;
}

static bool is_at_close(const struct walk *w)
{
	return is_at(w, w->stack[w->depth - 1].value->type == API_VALUE_MAP ? '}' : ']');
}

static void close_level(struct walk *w)
{
	struct api_value *v = w->stack[--w->depth].value;

	assert(!w->key);
	w->at++;
	if (v->type == API_VALUE_MAP)
		api_yaml_finish_map(w->arena, v);
	api_tree_sum_up(v);
	skip_space(w);
}

/* All that is open, to the end of the text. */
static bool take_rest(struct walk *w)
{
	bool is_first = true; /* of its level: no comma stands before it */

	while (w->depth > 0) {
		if (is_at_close(w)) {
			close_level(w);
			is_first = false;
			continue;
		}
		if (!is_first && !take(w, ','))
			return false;
		if (!is_first)
			skip_space(w);
		if (w->stack[w->depth - 1].value->type == API_VALUE_MAP && !take_key(w))
			return false;
		if (!take_value(w, &is_first))
			return false;
	}
	return w->at == w->end;
}

bool api_yaml_json(struct arena *arena, const struct api_yaml_text *in, struct api_value **ret_root)
{
	struct walk w = {
		.at = in->text, .end = in->text + in->len, .line = in->first_line, .arena = arena};

	struct api_value *root;

	skip_space(&w);
	if (!is_at(&w, '{') || !open_level(&w, API_VALUE_MAP))
		return false;
	root = w.stack[0].value;
	if (!take_rest(&w))
		return false;
	*ret_root = root;
	return true;
}

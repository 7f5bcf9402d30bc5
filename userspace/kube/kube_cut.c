// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A walk that knows JSON's grammar, and on top of it one that knows paths: a member is kept, left
 * out, or entered, where something below it is kept.
 */
#include "kube/kube_cut.h"

#include <assert.h>
#include <string.h>

#define PATH_BYTES 64

struct walk {
	const char *at, *end;
	struct strbuf *out;
	struct kube_cut *ret;
};

/* --- the grammar ------------------------------------------------------------------------------ */

static void skip_space(struct walk *w)
{
	while (w->at < w->end &&
	       (*w->at == ' ' || *w->at == '\n' || *w->at == '\t' || *w->at == '\r'))
		w->at++;
}

static bool take(struct walk *w, char c)
{
	skip_space(w);
	if (w->at == w->end || *w->at != c)
		return false;
	w->at++;
	return true;
}

static bool skip_escape(struct walk *w)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	if (w->end - w->at < 2 || !w->at[1] || !strchr("\"\\/bfnrtu", w->at[1]))
		return false;
	if (w->at[1] == 'u') {
		if (w->end - w->at < 6)
			return false;
		for (int i = 2; i < 6; i++)
			if (!w->at[i] || !strchr(hex, w->at[i]))
				return false;
		w->at += 4;
	}
	w->at += 2;
	return true;
}

/* False: it is none. What is between the quotes is returned if it has no escapes. */
static bool take_string(struct walk *w, struct kube_part *ret)
{
	const char *from;
	bool is_plain = true;

	*ret = (struct kube_part){0};
	if (!take(w, '"'))
		return false;
	from = w->at;
	while (w->at < w->end && *w->at != '"') {
		if (*w->at == '\\') {
			is_plain = false;
			if (!skip_escape(w))
				return false;
		} else if ((unsigned char)*w->at < ' ') {
			return false;
		} else {
			w->at++;
		}
	}
	if (w->at == w->end)
		return false;
	if (is_plain)
		*ret = (struct kube_part){.text = from, .len = (size_t)(w->at - from)};
	w->at++;
	return true;
}

static size_t skip_digits(struct walk *w)
{
	const char *from = w->at;

	while (w->at < w->end && *w->at >= '0' && *w->at <= '9')
		w->at++;
	return (size_t)(w->at - from);
}

static bool is_next(const struct walk *w, const char *any_of)
{
	return w->at < w->end && *w->at && strchr(any_of, *w->at);
}

static bool skip_number(struct walk *w)
{
	w->at += is_next(w, "-");
	if (is_next(w, "0"))
		w->at++;
	else if (skip_digits(w) == 0)
		return false;
	if (is_next(w, ".")) {
		w->at++;
		if (skip_digits(w) == 0)
			return false;
	}
	if (!is_next(w, "eE"))
		return true;
	w->at++;
	w->at += is_next(w, "+-");
	return skip_digits(w) > 0;
}

static bool skip_word(struct walk *w, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(w->end - w->at) < len || memcmp(w->at, word, len) != 0)
		return false;
	w->at += len;
	return true;
}

static bool skip_value(struct walk *w);

/* Up to the member's value. False: there is none; *ret_is_bad says whether there should be. */
static bool next_member(struct walk *w, bool is_first, struct kube_part *ret_key, bool *ret_is_bad)
{
	*ret_is_bad = false;
	if (take(w, '}'))
		return false;
	*ret_is_bad = !(is_first || take(w, ',')) || !take_string(w, ret_key) || !take(w, ':');
	skip_space(w);
	return !*ret_is_bad;
}

static bool skip_object(struct walk *w)
{
	struct kube_part key;
	bool is_bad = !take(w, '{');

	for (bool is_first = true; !is_bad && next_member(w, is_first, &key, &is_bad);
	     is_first = false)
		is_bad = !skip_value(w);
	return !is_bad;
}

static bool skip_list(struct walk *w)
{
	if (!take(w, '['))
		return false;
	if (take(w, ']'))
		return true;
	do
		if (!skip_value(w))
			return false;
	while (take(w, ','));
	return take(w, ']');
}

static bool skip_value(struct walk *w)
{
	struct kube_part text;

	skip_space(w);
	if (w->at == w->end)
		return false;
	switch (*w->at) {
	case '{':
		return skip_object(w);
	case '[':
		return skip_list(w);
	case '"':
		return take_string(w, &text);
	case 't':
		return skip_word(w, "true");
	case 'f':
		return skip_word(w, "false");
	case 'n':
		return skip_word(w, "null");
	default:
		return skip_number(w);
	}
}

static bool is_over(struct walk *w)
{
	skip_space(w);
	return w->at == w->end;
}

/* --- what is kept ----------------------------------------------------------------------------- */

/* One object: the path to it, and what is kept below it. */
struct below {
	const struct kube_resource *resource;
	const char *const *keep;     /* paths */
	const char *const *prefixes; /* of the names of its members, instead; NULL: paths decide */
	size_t len;
	char path[PATH_BYTES];
};

enum fate { DROPPED, ENTERED, KEPT };

static bool is_text(const char *text, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(text, other, len) == 0;
}

static enum fate fate_by_prefix(const struct kube_part *key, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (key->len >= strlen(*prefixes) &&
		    memcmp(key->text, *prefixes, strlen(*prefixes)) == 0)
			return KEPT;
	return DROPPED;
}

static enum fate fate_by_path(const struct below *at)
{
	for (const char *const *keep = at->keep; *keep; keep++) {
		if (strncmp(*keep, at->path, at->len) != 0)
			continue;
		if ((*keep)[at->len] == '\0')
			return KEPT;
		if ((*keep)[at->len] == '.')
			return ENTERED;
	}
	return DROPPED;
}

/* The member's own path. */
static void step_down(const struct below *b, const struct kube_part *key, struct below *ret)
{
	*ret = (struct below){.resource = b->resource, .keep = b->keep};
	memcpy(ret->path, b->path, b->len);
	ret->len = b->len;
	if (ret->len > 0)
		ret->path[ret->len++] = '.';
	memcpy(ret->path + ret->len, key->text, key->len);
	ret->len += key->len;
	assert(ret->len < PATH_BYTES); /* so it ends with a NUL */
}

/* Sets what is below the member, should it be entered. */
static enum fate fate_of(const struct below *b, const struct kube_part *key, struct below *ret)
{
	const struct kube_resource *r = b->resource;
	enum fate fate;

	if (!key->text)
		return DROPPED;
	if (b->prefixes) /* names of any length */
		return fate_by_prefix(key, b->prefixes);
	if (b->len + 1 + key->len >= PATH_BYTES)
		return DROPPED; /* longer than any that is kept */
	step_down(b, key, ret);
	if (is_text(ret->path, ret->len, "metadata")) {
		ret->keep = r->is_own ? kube_keep_own_metadata : kube_keep_metadata;
		return ENTERED;
	}
	fate = fate_by_path(ret);
	if (is_text(ret->path, ret->len, "metadata.annotations"))
		ret->prefixes = kube_keep_annotations;
	else if (is_text(ret->path, ret->len, "metadata.labels"))
		ret->prefixes = r->label_prefixes;
	return fate == KEPT && ret->prefixes ? ENTERED : fate;
}

/* What is wanted beside the text, kept in it or not. The first of two equal keys counts. */
static void note(const struct walk *w, const struct below *b, const struct kube_part *key,
		 const char *value)
{
	static const struct {
		const char *path, *key;
		size_t part;
	} wanted[] = {
		{"metadata", "namespace", offsetof(struct kube_cut, ns)},
		{"metadata", "name", offsetof(struct kube_cut, name)},
		{"metadata", "resourceVersion", offsetof(struct kube_cut, version)},
		{"", "status", offsetof(struct kube_cut, status)},
	};
	struct walk from = {.at = value, .end = w->at};

	if (!key->text)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct kube_part *part =
			(struct kube_part *)(void *)((char *)w->ret + wanted[i].part);

		if (part->text || !is_text(b->path, b->len, wanted[i].path) ||
		    !is_text(key->text, key->len, wanted[i].key))
			continue;
		if (part != &w->ret->status)
			(void)take_string(&from, part); /* what is none stays unsaid */
		else
			*part = (struct kube_part){.text = value, .len = (size_t)(w->at - value)};
	}
}

static bool cut_value(struct walk *w, const struct below *b);

static bool copy_value(struct walk *w)
{
	const char *from;

	skip_space(w);
	from = w->at;
	if (!skip_value(w))
		return false;
	strbuf_add_len(w->out, from, (size_t)(w->at - from));
	return true;
}

static void add_key(struct walk *w, const struct kube_part *key, bool is_first)
{
	strbuf_add(w->out, is_first ? "\"" : ",\"");
	strbuf_add_len(w->out, key->text, key->len);
	strbuf_add(w->out, "\":");
}

/* Behind what is in it already; the brace that opens it is the caller's. */
static bool cut_members(struct walk *w, const struct below *b, bool is_empty)
{
	struct kube_part key;
	bool is_bad = !take(w, '{');

	for (bool is_first = true; !is_bad && next_member(w, is_first, &key, &is_bad);
	     is_first = false) {
		const char *value = w->at;
		struct below at;
		const enum fate fate = fate_of(b, &key, &at);

		if (fate != DROPPED) {
			add_key(w, &key, is_empty);
			is_empty = false;
		}
		is_bad = !(fate == DROPPED ? skip_value(w)
			   : fate == KEPT  ? copy_value(w)
					   : cut_value(w, &at));
		if (!is_bad)
			note(w, b, &key, value);
	}
	strbuf_add_len(w->out, "}", 1);
	return !is_bad;
}

static bool cut_object(struct walk *w, const struct below *b)
{
	strbuf_add_len(w->out, "{", 1);
	return cut_members(w, b, true);
}

/* Of a list the elements stand at its own path; what is no object has no members to drop. */
static bool cut_list(struct walk *w, const struct below *b)
{
	bool is_first = true;

	if (!take(w, '['))
		return false;
	strbuf_add_len(w->out, "[", 1);
	while (is_first ? !take(w, ']') : take(w, ',')) {
		if (!is_first)
			strbuf_add_len(w->out, ",", 1);
		skip_space(w);
		if (!(is_next(w, "{") ? cut_object(w, b) : copy_value(w)))
			return false;
		is_first = false;
	}
	strbuf_add_len(w->out, "]", 1);
	return is_first || take(w, ']');
}

static bool cut_value(struct walk *w, const struct below *b)
{
	skip_space(w);
	if (is_next(w, "{"))
		return cut_object(w, b);
	return is_next(w, "[") ? cut_list(w, b) : copy_value(w);
}

/* --- pieces ----------------------------------------------------------------------------------- */

bool kube_cut_event(const char *text, size_t len, struct kube_part *ret_type,
		    struct kube_part *ret_object)
{
	struct walk w = {.at = text, .end = text + len};
	struct kube_part key;
	bool is_bad = !take(&w, '{');

	*ret_type = *ret_object = (struct kube_part){0};
	for (bool is_first = true; !is_bad && next_member(&w, is_first, &key, &is_bad);
	     is_first = false) {
		const char *value = w.at;

		if (!key.text || !is_text(key.text, key.len, "type")) {
			is_bad = !skip_value(&w);
			if (!is_bad && key.text && is_text(key.text, key.len, "object"))
				*ret_object = (struct kube_part){.text = value,
								 .len = (size_t)(w.at - value)};
		} else {
			is_bad = !is_next(&w, "\"") || !take_string(&w, ret_type);
		}
	}
	assert(is_bad || w.at > text);
	return !is_bad && is_over(&w);
}

bool kube_cut_object(const char *text, size_t len, const struct kube_resource *r,
		     struct strbuf *out, struct kube_cut *ret)
{
	struct walk w = {.at = text, .end = text + len, .out = out, .ret = ret};
	const struct below whole = {.resource = r, .keep = r->keep};

	assert(r && r->keep && out->len == 0);
	*ret = (struct kube_cut){0};
	strbuf_add(out, "{\"apiVersion\":\"");
	strbuf_add(out, r->group_version);
	strbuf_add(out, "\",\"kind\":\"");
	strbuf_add(out, r->kind);
	strbuf_add(out, "\"");
	return cut_members(&w, &whole, false) && is_over(&w);
}

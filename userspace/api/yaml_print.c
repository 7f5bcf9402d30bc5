// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The printer of api/yaml_print.h: a walk with a stack of its own, as the builder of the tree has
 * one. Characters that YAML would fold, refuse or take for a line end (YAML 1.2, 5.1 and 5.4) are
 * written as \u and four digits, which JSON knows, too.
 */
#include "api/yaml_print.h"

#include "base/limits.h"

#include <assert.h>
#include <stdint.h>

/* YAML 1.2, 7.4.2: a key without "?" has at most 1024 characters; a byte may become six. */
#define IMPLICIT_KEY_MAX 160

struct printer {
	struct strbuf *out;
	const struct api_value *stack[LIMIT_YAML_DEPTH]; /* the open maps and sequences */
	size_t depth;
	bool is_object;
	bool wants_comma; /* before the next item */
};

/* --- scalars ---------------------------------------------------------------------------------- */

/* The code point at the start of well-formed UTF-8, and its length. */
static uint32_t code_point(const unsigned char *at, size_t len, size_t *ret_len)
{
	size_t n = *at < 0xc0 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? *at : *at & (0x7fu >> n);

	if (n > len)
		n = 1;
	for (size_t i = 1; i < n; i++)
		code = code << 6 | (at[i] & 0x3f);
	assert(n >= 1 && n <= len);
	*ret_len = n;
	return code;
}

static bool needs_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* Most texts are of these characters alone, which are added at once. */
static size_t ordinary(const unsigned char *at, size_t len)
{
	size_t n = 0;

	while (n < len && at[n] >= ' ' && at[n] < 0x7f && at[n] != '"' && at[n] != '\\')
		n++;
	return n;
}

void api_yaml_quote(struct strbuf *out, const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t n;

	strbuf_add_len(out, "\"", 1);
	for (; len > 0; at += n, len -= n) {
		uint32_t code;

		n = ordinary(at, len);
		if (n > 0) {
			strbuf_add_len(out, (const char *)at, n);
			continue;
		}
		code = code_point(at, len, &n);
		if (needs_escape(code))
			strbuf_printf(out, "\\u%04x", code);
		else if (code == '"' || code == '\\')
			strbuf_printf(out, "\\%c", (int)code);
		else
			strbuf_add_len(out, (const char *)at, n);
	}
	strbuf_add_len(out, "\"", 1);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * A plain scalar that is anything but text for some reader of YAML, 1.1 or 1.2, is "~" or made of
 * these characters alone, at least one of them a letter or digit; and then it can be written plain.
 */
static bool stays_plain(const struct api_value *v)
{
	bool has_alnum = false;

	if (!v->is_plain || v->len == 0 || v->text[0] == ':' || v->text[v->len - 1] == ':')
		return false;
	for (size_t i = 0; i < v->len; i++) {
		if (!is_alnum(v->text[i]) && (!v->text[i] || !strchr("+-._:~", v->text[i])))
			return false;
		has_alnum |= is_alnum(v->text[i]);
	}
	return has_alnum || strcmp(v->text, "~") == 0;
}

static void print_scalar(struct printer *p, const struct api_value *v)
{
	if (stays_plain(v)) {
		strbuf_add_len(p->out, v->text, v->len);
		return;
	}
	if (v->is_plain && v->len == 0)
		strbuf_add(p->out, "!!null "); /* nothing at all could not stand in a list */
	api_yaml_quote(p->out, v->text, v->len);
}

/* --- collections ------------------------------------------------------------------------------ */

static void print_key(struct printer *p, const char *key)
{
	size_t len = strlen(key);
	bool is_long = len > IMPLICIT_KEY_MAX;

	if (is_long)
		strbuf_add(p->out, "? ");
	api_yaml_quote(p->out, key, len);
	strbuf_add(p->out, is_long ? " : " : ": ");
}

static bool is_key(const struct api_value *v, const char *key)
{
	return v->key && strcmp(v->key, key) == 0;
}

/* What an object's text leaves out; v is about to be printed in the innermost open map. */
static bool is_left_out(const struct printer *p, const struct api_value *v)
{
	if (!p->is_object || p->depth == 0)
		return false;
	if (p->depth == 1)
		return is_key(v, "apiVersion") || is_key(v, "kind");
	if (!is_key(p->stack[1], "metadata"))
		return false;
	if (p->depth == 2)
		return is_key(v, "managedFields");
	return p->depth == 3 && is_key(p->stack[2], "annotations") &&
	       is_key(v, "kubectl.kubernetes.io/last-applied-configuration");
}

/* Prints what stands before the children; the value itself if it is a scalar. */
static void begin(struct printer *p, const struct api_value *v)
{
	if (p->wants_comma)
		strbuf_add(p->out, ", ");
	assert(p->depth == 0 || p->stack[p->depth - 1]->type != API_VALUE_SCALAR);
	if (p->depth > 0 && p->stack[p->depth - 1]->type == API_VALUE_MAP)
		print_key(p, v->key);
	if (v->type == API_VALUE_SCALAR)
		print_scalar(p, v);
	else
		strbuf_add(p->out, v->type == API_VALUE_MAP ? "{" : "[");
	p->wants_comma = v->type == API_VALUE_SCALAR;
}

static void end(struct printer *p)
{
	const struct api_value *v = p->stack[--p->depth];

	strbuf_add(p->out, v->type == API_VALUE_MAP ? "}" : "]");
	p->wants_comma = true;
}

/* The children of the open values, from `at` on, and the ends of all that are open. */
static bool print_rest(struct printer *p, const struct api_value *at)
{
	while (p->depth > 0) {
		const struct api_value *v = at;

		if (!v) {
			at = p->stack[p->depth - 1]->next;
			end(p);
			continue;
		}
		at = v->next;
		if (is_left_out(p, v))
			continue;
		begin(p, v);
		if (v->type == API_VALUE_SCALAR)
			continue;
		if (p->depth == LIMIT_YAML_DEPTH)
			return false;
		p->stack[p->depth++] = v;
		at = v->first;
	}
	return !p->out->truncated;
}

bool api_yaml_print(struct strbuf *out, const struct api_value *root)
{
	struct printer p = {.out = out};

	begin(&p, root);
	if (root->type != API_VALUE_SCALAR)
		p.stack[p.depth++] = root;
	return print_rest(&p, root->first);
}

bool api_yaml_print_object(struct strbuf *out, const struct api_value *root,
			   const char *api_version, const char *kind)
{
	struct printer p = {.out = out, .is_object = true, .wants_comma = true};

	assert(root->type == API_VALUE_MAP);
	strbuf_add(out, "{\"apiVersion\": ");
	api_yaml_quote(out, api_version, strlen(api_version));
	strbuf_add(out, ", \"kind\": ");
	api_yaml_quote(out, kind, strlen(kind));
	p.stack[p.depth++] = root;
	return print_rest(&p, root->first);
}

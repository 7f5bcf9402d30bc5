// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The functions of api/text.h. UTF-16 and UTF-32 are read unit by unit through one function that
 * knows width and byte order; the result is never longer than three times the units.
 */
#include "api/text.h"

#include <assert.h>
#include <stdint.h>

/* --- encoding --- */

struct encoding {
	size_t width; /* bytes of a unit */
	bool is_big;
};

/* YAML 1.2, 5.2: -1 is any byte but zero. The longer marks come first. */
static bool detect(const char *text, size_t len, struct encoding *ret)
{
	static const struct {
		int bytes[4];
		size_t n;
		struct encoding encoding;
	} table[] = {
		{{0, 0, 0xfe, 0xff}, 4, {4, true}},  {{0, 0, 0, -1}, 4, {4, true}},
		{{0xff, 0xfe, 0, 0}, 4, {4, false}}, {{-1, 0, 0, 0}, 4, {4, false}},
		{{0xfe, 0xff}, 2, {2, true}},        {{0, -1}, 2, {2, true}},
		{{0xff, 0xfe}, 2, {2, false}},       {{-1, 0}, 2, {2, false}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t k = 0;

		while (k < table[i].n && k < len &&
		       (table[i].bytes[k] < 0 ? text[k] != 0
					      : (uint8_t)text[k] == table[i].bytes[k]))
			k++;
		if (k == table[i].n) {
			*ret = table[i].encoding;
			return true;
		}
	}
	return false;
}

static uint32_t unit_at(const char *at, const struct encoding *e)
{
	uint32_t unit = 0;

	assert(e->width == 2 || e->width == sizeof(unit));
	for (size_t i = 0; i < e->width; i++)
		unit |= (uint32_t)(uint8_t)at[i] << 8 * (e->is_big ? e->width - 1 - i : i);
	return unit;
}

/* Codes of surrogates, and above Unicode, are written alike: as bytes that no parser takes. */
static char *put_utf8(char *out, uint32_t code)
{
	if (code > 0x10ffff) {
		*out++ = (char)0xff;
	} else if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

static bool is_surrogate(uint32_t unit, uint32_t first)
{
	return unit >= first && unit < first + 0x400;
}

struct api_text api_text_utf8(struct arena *arena, const char *text, size_t len)
{
	struct encoding e;
	char *out, *start;
	size_t i = 0, room;

	if (!detect(text, len, &e))
		return (struct api_text){.text = text, .len = len};
	room = len / e.width * (e.width == 2 ? 3 : 4) + 1;
	out = start = arena_alloc(arena, room, 1);
	for (; i + e.width <= len; i += e.width) {
		uint32_t code = unit_at(text + i, &e);
		uint32_t low = i + 2 * e.width <= len ? unit_at(text + i + e.width, &e) : 0;

		if (e.width == 2 && is_surrogate(code, 0xd800) && is_surrogate(low, 0xdc00)) {
			code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
			i += e.width;
		}
		out = put_utf8(out, code);
	}
	if (i < len)
		*out++ = (char)0xff;
	assert((size_t)(out - start) <= room);
	return (struct api_text){.text = start, .len = (size_t)(out - start)};
}

/* --- lines --- */

const char *api_text_line_end(const char *at, const char *end)
{
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	if (at < end && *at == '\r' && at + 1 < end && at[1] == '\n')
		at++;
	return at < end ? at + 1 : end;
}

/* --- names --- */

/* The word in "key: word" at the start of a line, quoted or not; NULL: another line. */
static const char *value_of(struct arena *arena, const char *at, const char *end, const char *key)
{
	static const char word[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-";
	size_t len = strlen(key);
	char *value;

	if ((size_t)(end - at) <= len || memcmp(at, key, len) != 0 || at[len] != ':')
		return NULL;
	at += len + 1;
	value = arena_strndup(arena, at, (size_t)(end - at));
	value += strspn(value, " \t\"'");
	len = strspn(value, word);
	if (value[len] && !strchr(" \t\r\n\"'", value[len]))
		len = 0;
	value[len] = '\0';
	return value;
}

/* Remembers a value in *ret; false if there is one already. */
static bool note(const char *value, const char **ret)
{
	if (!value)
		return true;
	if (*ret)
		return false;
	*ret = value;
	return true;
}

bool api_text_names(struct arena *arena, const struct api_text *in, const char **ret_version,
		    const char **ret_kind)
{
	const char *version = NULL, *kind = NULL, *end = in->text + in->len, *next;

	for (const char *at = in->text; at < end; at = next) {
		next = api_text_line_end(at, end);
		if (!note(value_of(arena, at, next, "apiVersion"), &version) ||
		    !note(value_of(arena, at, next, "kind"), &kind))
			return false;
	}
	if (!version || !kind || !*version || !*kind)
		return false;
	*ret_version = version;
	*ret_kind = kind;
	return true;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cJSON takes any bytes in strings, so that they are UTF-8 is checked before; and its recursion is
 * bounded by the splitter, which bounds the depth of a piece (kube/kube_split.h).
 */
#include "kube/kube_json.h"

#include "base/mem.h"
#include "kube/kube_split.h"

#include <stdint.h>

/* How many bytes of well-formed UTF-8 (RFC 3629) the character has; 0: it is none. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* of the leading byte, and of the second */
		unsigned char len;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (*at < forms[i].first || *at > forms[i].last)
			continue;
		if (left < forms[i].len)
			return 0;
		if (forms[i].len > 1 && (at[1] < forms[i].low || at[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* Eight characters of ASCII, and no NUL: nearly all text is. */
static bool is_ascii(const unsigned char *at, const unsigned char *end)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t word;

	if (end - at < (ptrdiff_t)sizeof(word))
		return false;
	memcpy(&word, at, sizeof(word));
	return ((word | (word - ones)) & tops) == 0;
}

bool kube_json_is_text(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + len;

	while (at < end) {
		size_t n = is_ascii(at, end) ? sizeof(uint64_t) : utf8_len(at, (size_t)(end - at));

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

cJSON *kube_json_piece(const char *text, size_t len)
{
	cJSON *json = kube_json_is_text(text, len) ? cJSON_ParseWithLength(text, len) : NULL;

	if (json && cJSON_IsObject(json))
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* What is no object (a proxy's page) is not parsed twice for its depth: it is not parsed at all. */
cJSON *kube_json_body(const char *text, size_t len)
{
	struct kube_split split;
	cJSON *json = NULL;

	kube_split_init(&split, KUBE_SPLIT_EVENTS);
	if (kube_split_next(&split, &text, &len) == KUBE_PIECE_ITEM)
		json = kube_json_piece(split.piece.data, split.piece.len);
	kube_split_done(&split);
	return json;
}

cJSON *kube_json_get(const cJSON *object, const char *key)
{
	return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *kube_json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(kube_json_get(object, key));
}

void kube_json_freep(cJSON **json)
{
	cJSON_Delete(*json);
}

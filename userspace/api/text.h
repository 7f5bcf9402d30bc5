// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A text before it is YAML: its encoding, its lines, and the object that it says it is even where
 * it cannot be parsed.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

#define API_TEXT_BOM "\xef\xbb\xbf"

struct api_text {
	const char *text;
	size_t len;
};

/*
 * The text in UTF-8. UTF-16 and UTF-32 are told by their byte order mark or, without one, by the
 * zeros beside the first character (YAML 1.2, 5.2) and recoded into the arena; anything else comes
 * back as it is. Byte order marks stay, as UTF-8's. What is no character becomes bytes that are no
 * UTF-8, so that it costs the document in which it stands.
 */
struct api_text api_text_utf8(struct arena *arena, const char *text, size_t len);

/* Behind the line's end: LF, CR LF or CR; `end` if it has none. */
const char *api_text_line_end(const char *at, const char *end);

/*
 * The apiVersion and kind of a document in block style: the lines in the first column that begin
 * with these keys. False unless each is there exactly once. The strings are from the arena; outputs
 * are untouched on failure.
 */
bool api_text_names(struct arena *arena, const struct api_text *in, const char **ret_version,
		    const char **ret_kind) must_check;

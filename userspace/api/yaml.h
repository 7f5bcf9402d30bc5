// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A YAML document as a tree. One text, already cut out of its file (api/split.h), becomes maps,
 * sequences and scalars with the line each stands in, so that every problem found later can name
 * its line. Nothing is typed here: a scalar keeps its text and whether it was written plain, and
 * the decoder asks for the type its field wants (YAML 1.2 core schema, api/scalar.h).
 *
 * Refused, because no manifest needs them and each has been used to hurt a parser: anchors and
 * aliases, tags of applications, keys that are not scalars, NUL characters, nesting deeper than
 * LIMIT_YAML_DEPTH. A key that stands twice in one map is kept and marked; the decoder refuses it.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum api_value_type { API_VALUE_MAP, API_VALUE_SEQUENCE, API_VALUE_SCALAR };

struct api_value {
	enum api_value_type type;
	bool is_plain;                  /* a scalar without quotes: its text decides its type */
	bool is_duplicate;              /* the map holds the same key already, further up */
	unsigned line;                  /* in the file, 1-based; of the key for a map's member */
	const char *key;                /* member of a map: its key, else NULL */
	const char *text;               /* scalar, never NULL */
	size_t len;                     /* of text */
	struct api_value *first, *next; /* children of a map or sequence, in order */
	size_t n;                       /* children */
	uint64_t hash; /* of the content; independent of lines and of the order of keys */
};

/* Why a document cannot be read; all strings static or from the arena. */
struct api_yaml_error {
	unsigned line;
	const char *reason, *message, *remedy; /* as in struct problem */
};

enum api_yaml { API_YAML_OK, API_YAML_EMPTY, API_YAML_BAD };

/*
 * Parses one document whose first line is `first_line` of its file. API_YAML_OK: *ret_root, from
 * the arena. API_YAML_EMPTY: nothing but comments. API_YAML_BAD: *ret_error. Other outputs
 * untouched.
 */
struct api_yaml_text {
	const char *text;
	size_t len;
	unsigned first_line;
};
enum api_yaml api_yaml_parse(struct arena *arena, const struct api_yaml_text *in,
			     struct api_value **ret_root,
			     struct api_yaml_error *ret_error) must_check;

/* The member of a map with that key (the first, if doubled), or NULL. */
const struct api_value *api_value_get(const struct api_value *map, const char *key);

/*
 * The line of "spec.addresses[1]" or "metadata.labels[a.b/c]" below root. Where the tree ends
 * earlier, the line of the last step that is there.
 */
unsigned api_value_line(const struct api_value *root, const char *path);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A YAML document as a tree. One text, already cut out of its file (api/split.h), becomes maps,
 * sequences and scalars with the line each stands in, so that every problem found later can name
 * its line. Nothing is typed here: a scalar keeps its text and whether it was written plain, and
 * the decoder asks for the type its field wants (YAML 1.2 core schema, api/scalar.h).
 *
 * Aliases and merge keys (`<<: *name`, YAML 1.1's merge type: own keys win, then earlier maps) are
 * resolved: the tree looks as if the values were written out. An alias shares the children of its
 * anchor, so that memory is never more than the text accounts for; what a reader of the tree would
 * walk through is bounded by LIMIT_ALIAS_FACTOR and LIMIT_YAML_DEPTH.
 *
 * What the syntax allows and no object needs costs the value in which it stands, which then carries
 * a fault: tags of applications, keys that are not scalars, NUL characters, nesting deeper than
 * LIMIT_YAML_DEPTH, aliases that lead nowhere or into themselves or exceed a limit. The decoder
 * complains where it meets one, and never meets those of objects or fields that it skips. A key
 * that stands twice in one map is kept and marked; the decoder refuses it.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum api_value_type { API_VALUE_MAP, API_VALUE_SEQUENCE, API_VALUE_SCALAR };

/* Why a value could not be taken as it is written; strings static. */
struct api_fault {
	unsigned line;
	const char *message, *remedy;
};

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
	uint64_t hash;   /* of the content; independent of lines and of the order of keys */
	unsigned height; /* levels below it; 0 for a scalar */
	size_t weight;   /* about as many characters as it has with aliases written out */
	const struct api_fault *fault; /* NULL: none; else the rest is what could be made of it */
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

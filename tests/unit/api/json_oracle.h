// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What api/yaml_json.c takes must be the tree that libyaml makes of the same text. A comment before
 * it is what only libyaml reads.
 */
#pragma once

#include "api/yaml_json.h"
#include "base/strbuf.h"

#include <string.h>

static inline bool json_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool json_same_tree(const struct api_value *a, const struct api_value *b)
{
	if (a->type != b->type || a->is_plain != b->is_plain ||
	    a->is_duplicate != b->is_duplicate || a->line != b->line || a->len != b->len ||
	    a->n != b->n || a->hash != b->hash || a->height != b->height || a->weight != b->weight)
		return false;
	if (a->fault || b->fault || !json_same_text(a->key, b->key) ||
	    !json_same_text(a->text, b->text))
		return false;
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
		if (!json_same_tree(a, b))
			return false;
	return !a && !b;
}

/* The tree of libyaml, or NULL. */
static inline struct api_value *json_by_libyaml(struct arena *arena, const char *text, size_t len)
{
	struct strbuf commented;
	struct api_yaml_error error;
	struct api_value *root = NULL;

	strbuf_init(&commented, len + 8);
	strbuf_add(&commented, "#\n");
	strbuf_add_len(&commented, text, len);
	if (api_yaml_parse(arena,
			   &(struct api_yaml_text){.text = commented.data, .len = commented.len},
			   &root, &error) != API_YAML_OK)
		root = NULL;
	strbuf_done(&commented);
	return root;
}

/* True also where it is not taken. */
static inline bool json_is_as_libyaml(struct arena *arena, const char *text, size_t len)
{
	const struct api_yaml_text in = {.text = text, .len = len, .first_line = 1};
	const struct api_value *other;
	struct api_value *root;

	if (!api_yaml_json(arena, &in, &root))
		return true;
	other = json_by_libyaml(arena, text, len);
	return other && json_same_tree(root, other);
}

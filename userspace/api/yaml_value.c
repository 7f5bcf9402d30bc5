// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Finding a value in the tree of api/yaml.h, by key and by path.
 */
#include "api/yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The member whose key is the first len bytes of name. */
static const struct api_value *member(const struct api_value *map, const char *name, size_t len)
{
	if (map->type != API_VALUE_MAP)
		return NULL;
	assert(!map->first || map->first->key);
	for (const struct api_value *v = map->first; v; v = v->next)
		if (strncmp(v->key, name, len) == 0 && v->key[len] == '\0')
			return v;
	return NULL;
}

const struct api_value *api_value_get(const struct api_value *map, const char *key)
{
	return member(map, key, strlen(key));
}

static const struct api_value *item(const struct api_value *list, size_t index)
{
	const struct api_value *v = list->type == API_VALUE_SEQUENCE ? list->first : NULL;

	for (; v && index > 0; index--)
		v = v->next;
	return v;
}

unsigned api_value_line(const struct api_value *root, const char *path)
{
	const struct api_value *v = root;

	for (const char *at = path; at && *at;) {
		const struct api_value *child;

		if (*at == '[') {
			size_t len = strcspn(++at, "]");

			child = v->type == API_VALUE_MAP ? member(v, at, len)
							 : item(v, strtoul(at, NULL, 10));
			at += len + (at[len] == ']');
		} else {
			size_t len = strcspn(at, ".[");

			child = member(v, at, len);
			at += len;
		}
		if (!child)
			return v->line;
		v = child;
		at += *at == '.';
	}
	return v->line;
}

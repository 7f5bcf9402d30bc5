// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A tree of api/yaml.h as one line of YAML: flow style, quoted as JSON is, so that a line is a
 * document and nothing in it can become a second one. Reading the line gives a tree with the same
 * hash, whose scalars have the same types: what was plain and could be more than text (a number, a
 * word for true, a time) stays plain, everything else is in double quotes.
 */
#pragma once

#include "api/yaml.h"
#include "base/strbuf.h"

/* Appends the tree. False: nested deeper than LIMIT_YAML_DEPTH, or more than the buffer takes. */
bool api_yaml_print(struct strbuf *out, const struct api_value *root) must_check;

/*
 * The same for an object, a map, which is given its apiVersion and kind (an item of a list may have
 * neither), without what only kubectl and the API server read: metadata.managedFields and the
 * annotation with the configuration that was applied last.
 */
bool api_yaml_print_object(struct strbuf *out, const struct api_value *root,
			   const char *api_version, const char *kind) must_check;

/* Appends a text in double quotes. */
void api_yaml_quote(struct strbuf *out, const char *text, size_t len);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What both readers of a document, api/yaml.c and api/yaml_json.c, build a tree of api/yaml.h from.
 * Only these use it.
 */
#pragma once

#include "api/yaml.h"

#define API_TREE_WEIGHT 4 /* of a value without text: punctuation and indentation */

/* A scalar of these bytes, among which may be a NUL; its text is for the caller to set. */
struct api_value api_tree_scalar(const char *bytes, size_t len, bool is_plain, unsigned line);

/* Puts v behind *last, the newest child of the map or sequence `parent`, or NULL. */
void api_tree_append(struct api_value *parent, struct api_value **last, struct api_value *v);

/* A map or sequence has all its children, each of which was summed up: what it is as a whole. */
void api_tree_sum_up(struct api_value *v);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The end of a map in the making of a tree: keys that stand twice, and merge keys. Only api/yaml.c
 * uses this.
 */
#pragma once

#include "api/yaml.h"

/* The key of a member that is a merge key: told by this address, not by its text. */
extern const char api_yaml_merge_key[];

/*
 * Marks the members whose key the map holds further up, and replaces each merge key by the members
 * of the map, or of the list of maps, that is its value. What they name must have ended.
 */
void api_yaml_finish_map(struct arena *arena, struct api_value *map);

/* Gives the value a fault unless it has one; the strings are static. */
void api_yaml_fault(struct arena *arena, struct api_value *v, unsigned line, const char *message,
		    const char *remedy);

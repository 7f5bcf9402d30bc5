// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sources of the world that have something to tell: problems of their documents, objects of an
 * earlier run, objects that were left out or may be hidden. A folder that is away makes thousands
 * of them stale: some are named, the others counted. Only api/world_index.c uses this.
 */
#pragma once

#include "api/world_source.h"

struct world_telling {
	struct api_source **items; /* owned, of borrowed ones; in no order */
	size_t n, cap;
};

/* To be called after every put of a source. True: it told something before, or does now. */
bool world_telling_note(struct world_telling *t, struct api_source *s);
/* It is about to be freed. True: it told something. */
bool world_telling_forget(struct world_telling *t, struct api_source *s);
/* Adds the problems of all of them, in an order that depends on their names alone. */
void world_telling_problems(struct world_telling *t, struct problems *problems);

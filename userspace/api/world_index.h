// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sorted views of the world, made from its sources when somebody asks and then kept up with
 * each that changes. Only api/world.c uses this. Of objects with one identity the first in source
 * order, then line order, is in the views; the others become problems here, because only here are
 * all sources seen together.
 */
#pragma once

#include "api/world.h"
#include "api/world_source.h"

struct api_world_index;

struct api_world_index *api_world_index_new(void);
struct api_world_index *api_world_index_free(struct api_world_index *x);

/* An index is made empty; it is emptied when making it anew is the lesser work. */
bool api_world_index_is_full(const struct api_world_index *x);
void api_world_index_fill(struct api_world_index *x, const struct api_sources *sources);
void api_world_index_drop(struct api_world_index *x);

/*
 * A source changes (s->change): what is gone leaves while all lines are still the old ones, what is
 * new enters when they are the new ones. Nothing while the index is empty.
 */
void api_world_index_leave(struct api_world_index *x, const struct api_source *s);
void api_world_index_enter(struct api_world_index *x, const struct api_source *s);
/*
 * To be told after every put of a source, also of an empty index: what it has to tell, and whether
 * that may be another thing than before.
 */
void api_world_index_note(struct api_world_index *x, struct api_source *s, bool changed);
/* A source is about to be freed. */
void api_world_index_forget(struct api_world_index *x, struct api_source *s);

/* The sources with problems, stale, hidden or left out objects, also of an empty index. */
struct api_sources api_world_index_telling(const struct api_world_index *x);

/* As the functions of api/world.h; the index must be full. */
struct world_list api_world_index_list(const struct api_world_index *x, enum api_kind kind);
const struct api_object *api_world_index_find(const struct api_world_index *x, enum api_kind kind,
					      const char *ns, const char *name);
struct world_list api_world_index_slices(const struct api_world_index *x, const char *ns,
					 const char *service);
uint64_t api_world_index_generation(const struct api_world_index *x, enum api_kind kind);
const uint64_t *api_world_index_services(const struct api_world_index *x);
const struct problems *api_world_index_problems(struct api_world_index *x);

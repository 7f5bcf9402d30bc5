// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The observed objects, indexed, with the last good version of each (DESIGN 1). A source, such as
 * one file, is replaced as a whole: world_put_source() parses its text and keeps what is right. An
 * object whose new version is wrong keeps its last good version in force and adds a problem; a
 * document that does not parse keeps the objects of that source that no other document of it names
 * any more.
 *
 * Pure: text comes in, nothing is read from anywhere.
 */
#pragma once

#include "api/objects.h"

#include <stdbool.h>
#include <stdint.h>

struct world;

struct world *world_new(void);
struct world *world_free(struct world *w);

/*
 * Replaces what a source holds. `source` is the name problems show (a path); sources are ordered by
 * it when two of them hold the same kind, namespace and name: the first stays, the other is a
 * problem. Text that is not YAML, unknown fields, wrong values: problems of that source, see
 * world_problems.
 */
void world_put_source(struct world *w, const char *source, const char *text, size_t len);

/* The source is gone, and its objects with it. Unknown sources are ignored. */
void world_drop_source(struct world *w, const char *source);

/*
 * A problem that the caller found with a source as a whole (unreadable, too large, too many files).
 * Kept until the source is put or dropped.
 */
void world_source_problem(struct world *w, const char *source, const char *reason,
			  const char *message, const char *remedy);

/* Sorted by namespace, then name. Valid until the world next changes. */
struct world_list {
	const struct api_object *const *items;
	size_t n;
};
struct world_list world_list(const struct world *w, enum api_kind kind);
const struct api_object *world_find(const struct world *w, enum api_kind kind, const char *ns,
				    const char *name);
/* The EndpointSlices of one Service, sorted by name. */
struct world_list world_slices(const struct world *w, const char *ns, const char *service);

/* Problems of decoding and of doubles; valid until the world next changes. Sorted. */
const struct problems *world_problems(const struct world *w);

/* Objects of kinds that are not ours: counted, not problems (DESIGN 10). */
size_t world_foreign(const struct world *w);

/*
 * True if an object of that kind may be missing here although it was never deleted: a source cannot
 * be read, one of its documents could have been anything, or an object of the kind was refused.
 */
bool world_may_hide(const struct world *w, enum api_kind kind);

/* Grows with every change of content; equal generations mean nothing changed. */
uint64_t world_generation(const struct world *w);

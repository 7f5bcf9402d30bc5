// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The observed objects, indexed, with the last good version of each (DESIGN 1). A source, such as
 * one file, is replaced as a whole: world_put_source() parses its text and keeps what is right. An
 * object whose new version is wrong keeps its last good version in force and adds a problem; a
 * document that does not parse keeps the objects of that source that no other document of it names
 * any more.
 *
 * The objects of an earlier run can be put in as last good versions of sources that nobody has seen
 * yet (world_restore), and what is to be saved for the next run can be read back
 * (world_shard_next).
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
 * At most so many objects are held (LIMIT_OBJECTS unless said). When that many are there, what a
 * source has new is left out, in the order of kinds and names, with a problem of the source
 * (TooManyObjects), and what it had goes on; what is left out comes when the source is put again.
 */
void world_limit_objects(struct world *w, size_t max);
/* Something was left out and would find room now: put the sources again. */
bool world_has_room_again(const struct world *w);

/*
 * Replaces what a source holds. `source` is the name problems show (a path); sources are ordered by
 * it when two of them hold the same kind, namespace and name: the first stays, the other is a
 * problem. Text that is not YAML, unknown fields, wrong values: problems of that source, see
 * world_problems.
 */
void world_put_source(struct world *w, const char *source, const char *text, size_t len);

/*
 * The same in steps, for a text that takes longer than one turn may: world_read begins, borrowing
 * the text; world_read_on goes on by about so many bytes and returns true once it is through; then
 * world_put replaces the source and takes the reading. Until then the world is as it was. One
 * reading a source at a time, and the source is not to be put or dropped meanwhile.
 */
struct world_reading;
struct world_reading *world_read(struct world *w, const char *source, const char *text,
				 size_t len) must_check;
bool world_read_on(struct world_reading *r, size_t bytes) must_check;
void world_put(struct world *w, struct world_reading *r);
/* Gives up a reading. world_reading_free(NULL) does nothing and returns NULL. */
struct world_reading *world_reading_free(struct world_reading *r);

/*
 * Adds the object of one document that an earlier run saved (world_shard_next) to a source that was
 * not put yet. It is in force at once, as a last good version (is_stale), until the source is put
 * or dropped, and longer where the text that is put does not say what became of it. False: the
 * document is no object, or not right any more; nothing is added. Problems of decoding are not
 * kept.
 */
struct world_document {
	const char *text;
	size_t len;
	unsigned line; /* in the source, 1-based */
};
bool world_restore(struct world *w, const char *source,
		   const struct world_document *document) must_check;

/*
 * The same in two steps, of which the first needs no world and may be taken elsewhere: NULL where
 * world_restore says false; else the caller owns it, until world_saved_put() takes it.
 */
struct api_object *world_saved_read(const struct world_document *document) must_check;
void world_saved_put(struct world *w, const char *source, struct api_object *saved);

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

/*
 * What a result made from objects of the world is still good for: equal generations mean the same
 * objects, at the same addresses. One for each kind, and, side by side with the list of Services,
 * one for each Service with its EndpointSlices and Endpoints. The array is valid as the list is.
 * Objects of equal generation of a kind stand in the same lines, too; for those of a Service that
 * is said apart, for all of them together, so that a line more in a file of many costs only what
 * names lines.
 */
uint64_t world_kind_generation(const struct world *w, enum api_kind kind);
const uint64_t *world_service_generations(const struct world *w);
uint64_t world_lines_generation(const struct world *w); /* never 0 */

/* Problems of decoding and of doubles; valid until the world next changes. Sorted. */
const struct problems *world_problems(const struct world *w);

/* Objects of kinds that are not ours: counted, not problems (DESIGN 10). */
size_t world_foreign(const struct world *w);

/*
 * True if an object of that kind may be missing here although it was never deleted: a source cannot
 * be read, one of its documents could have been anything, or an object of the kind was refused.
 */
bool world_may_hide(const struct world *w, enum api_kind kind);

/* How much in force is of an earlier run; each such source is a warning, too (StaleSource). */
struct world_stale {
	size_t objects, sources;
};
struct world_stale world_stale(const struct world *w);

/* --- saving ----------------------------------------------------------------------------------- */

/* Sources are spread over so many shards, so that a change of one source changes one of them. */
#define WORLD_SHARDS 256

/* The shard of a source. */
unsigned world_shard_of(const char *source);

/* Of what is to be saved: changes with it, 0 if it is nothing. */
uint64_t world_shard_hash(const struct world *w, unsigned shard);

/* A place in a shard, {0} at the start; it stays right as long as the shard's hash is the same. */
struct world_place {
	size_t source, object;
};

/*
 * The next object of a shard, by source, then kind and name; NULL at the end. What is to be saved
 * are its text, its source (meta.file) and line.
 */
const struct api_object *world_shard_next(const struct world *w, unsigned shard,
					  struct world_place *at);

/* Grows with every change of content; equal generations mean nothing changed. */
uint64_t world_generation(const struct world *w);

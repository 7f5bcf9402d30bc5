// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One source of the world: a text's objects and problems, and the rule by which an earlier version
 * stays in force (api/world.h). Only the files of the world (api/world*.c) use this.
 */
#pragma once

#include "api/objects.h"
#include "api/reading.h"

#include <stdbool.h>
#include <stdint.h>

struct api_change;

struct api_source {
	uint64_t name_hash;
	struct api_documents documents; /* of the text as put */
	struct problems *problems;   /* owned, in its own arena; of decoding, sorted; NULL: none */
	struct problems *caller;     /* the same of the source as a whole */
	struct api_object **objects; /* owned; sorted by identity, then line; a single one's is: */
	struct api_object *single;
	struct api_change *change; /* owned; between api_source_weigh and api_source_bury */
	uint64_t saved;            /* hash of what is saved of it */
	/* There are as many sources as files, so that these are no wider than they need be. */
	uint32_t n;
	uint32_t foreign;
	uint32_t n_stale;    /* of the objects: those of an earlier run */
	uint32_t n_left_out; /* objects for which there was no room */
	uint32_t hidden;     /* bit k: some document may have named an object of kind k unseen */
	uint32_t
		telling; /* place, from 1, among the index's sources that tell something; 0: none */
	bool has_text;
	char name[];
};

/* Some of them, in no particular order. */
struct api_sources {
	struct api_source *const *items;
	size_t n;
};

/* What a put does to the objects. */
struct api_change {
	struct api_object **gone; /* owned, until they are buried */
	size_t n_gone;
	struct api_object **come; /* those that are new; sorted */
	size_t n_come;
	bool has_moved;            /* some that stay stand in other lines */
	struct api_place *places;  /* of the old objects */
	struct problems *problems; /* as the source's */
};

struct api_source *api_source_new(const char *name, uint64_t name_hash);
struct api_source *api_source_free(struct api_source *s);

/*
 * A text was read (and is through): decides which objects stay, go and come, at most `room` in all:
 * those that were there before go first. True if anything changes: objects, their lines, problems.
 * Then s->change says what, and s->objects are still the old ones, so that others can take leave of
 * those that are gone; then api_source_commit makes it so, and api_source_bury frees them. In
 * either case the reading's objects are taken, and it is to be done with.
 */
bool api_source_weigh(struct api_source *s, struct api_reading *r, size_t room);
void api_source_commit(struct api_source *s);
void api_source_bury(struct api_source *s);

/* The one object of a document that an earlier run saved; NULL if that is not what it is. */
struct api_object *api_saved_object(const struct api_yaml_text *document);
/* Adds it to a source that was not read yet, and takes it. */
void api_source_restore(struct api_source *s, struct api_object *saved);

/* Adds a problem of the source as a whole; false if it was said already. */
bool api_source_complain(struct api_source *s, const struct problem_text *text,
			 const char *message);
/* What was said of the source as a whole no longer holds; true if there was anything. */
bool api_source_forgive(struct api_source *s);

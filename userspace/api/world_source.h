// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One source of the world: a text's objects and problems, and the rule by which an earlier version
 * stays in force (api/world.h). Only api/world.c and api/world_index.c use this.
 */
#pragma once

#include "api/objects.h"
#include "api/yaml.h"

#include <stdbool.h>
#include <stdint.h>

struct api_source {
	char *name;
	uint64_t name_hash;
	bool has_text;
	uint64_t text_hash; /* of the text as put, so that an equal one costs nothing */
	size_t text_len;
	struct arena *arena;         /* of problems */
	struct problems problems;    /* of decoding, sorted */
	struct problems caller;      /* of the source as a whole, in an arena of their own */
	struct api_object **objects; /* owned; sorted by identity, then line */
	size_t n, cap;
	size_t foreign;
	size_t n_stale;    /* of the objects: those of an earlier run */
	size_t n_left_out; /* objects for which there was no room */
	uint32_t hidden;   /* bit k: some document may have named an object of kind k unseen */
	uint64_t saved;    /* hash of what is saved of it */
	struct api_object **gone; /* owned: those the last put replaced, until they are buried */
	size_t n_gone;
	size_t telling; /* place, from 1, among the index's sources that tell something; 0: none */
};

struct api_source *api_source_new(const char *name, uint64_t name_hash);
struct api_source *api_source_free(struct api_source *s);

/*
 * Replaces the objects by those of the text, at most `room` of them: those that were there before
 * go first. True if anything changed: objects, their lines, problems; the objects that went
 * are then s->gone, so that others can take leave of them.
 */
bool api_source_put(struct api_source *s, const char *text, size_t len, size_t room);

/* Frees what the last put replaced; to be called before the next one. */
void api_source_bury(struct api_source *s);

/* Adds the one object of a document that an earlier run saved; false if that is not what it is. */
bool api_source_restore(struct api_source *s, const struct api_yaml_text *document);

/* Adds a problem of the source as a whole; false if it was said already. */
bool api_source_complain(struct api_source *s, const struct problem_text *text,
			 const char *message);
/* What was said of the source as a whole no longer holds; true if there was anything. */
bool api_source_forgive(struct api_source *s);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A text on its way into a source of the world: cut into documents, which are decoded one by one,
 * as far as a turn goes, outside of the world. A document that the text before had in the same
 * order and in the same words is not decoded again: its objects stay as they are. Only
 * api/world.c and api/world_source.c use this.
 */
#pragma once

#include "api/document.h"
#include "api/split.h"

/* One document of a text, and what came of it beside objects. */
struct api_document {
	uint64_t hash;         /* of its bytes; 0: it is to be decoded whatever was before */
	unsigned len;          /* in bytes; LIMIT_FILE_BYTES fits */
	unsigned line;         /* its first, 1-based */
	unsigned foreign;      /* objects of other kinds in it */
	struct problems *told; /* owned, itself in its arena; NULL: none */
};
struct api_documents {
	struct api_document *items; /* owned */
	size_t n, cap;
};
void api_documents_done(struct api_documents *d);

#define API_DECODED SIZE_MAX

struct api_reading {
	const char *file;                /* as objects and problems carry it; borrowed */
	const struct api_documents *old; /* of the text before; borrowed */
	size_t next_old;                 /* those before it are past */
	struct arena *arena;             /* owned; of the recoded text and of names */
	struct api_split split;
	bool is_through;
	struct api_documents documents;
	size_t *old_of; /* owned; by document: which of the old ones it is, or API_DECODED */
	size_t n_old_of, cap_old_of;
	struct api_object **objects; /* owned; of the documents that were decoded */
	size_t n, cap;
	struct api_identity *refused; /* named, but wrong */
	size_t n_refused, cap_refused;
	bool is_lost; /* some document could have been any object */
};

/* Both texts, the old one's documents and the file's name must outlive the reading. */
void api_reading_init(struct api_reading *r, const char *file, const struct api_documents *old,
		      const char *text, size_t len);
/* Goes on by about so many bytes of text that is to be decoded; true once it is through. */
bool api_reading_go_on(struct api_reading *r, size_t bytes);
void api_reading_done(struct api_reading *r);

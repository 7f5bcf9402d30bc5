// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A YAML document to objects: parse (yaml), identify, decode. The result says
 * not only which objects are right, but also which were named and are wrong, and whether a document
 * could not be identified at all, since that decides which earlier versions stay in force
 * (api/world.h).
 *
 * A List (v1) or a typed list such as ServiceList is taken apart; what its items do not say of
 * themselves (apiVersion, kind) the typed list says for them. Kinds that are not ours are counted
 * and, but for a few that somebody would wait for (api/other.h), nothing else.
 */
#pragma once

#include "api/objects.h"
#include "api/yaml.h"

struct api_identity {
	enum api_kind kind;
	const char *ns, *name;
};

struct api_batch {
	struct arena *into;          /* where objects are made; NULL: each in an arena of its own */
	struct arena *arena;         /* owned; of all that is not in an object's own arena */
	struct arena *scratch;       /* owned; where an object is made to see how large it is */
	struct problems problems;    /* unsorted */
	struct api_object **objects; /* owned, in the order of the text */
	size_t n, cap;
	struct api_identity *refused; /* named, but wrong */
	size_t n_refused, cap_refused;
	bool is_lost;   /* some document could have been any object */
	size_t foreign; /* objects of other kinds */
};

/* An empty batch; the caller owns what comes into it (api_batch_done). */
void api_batch_init(struct api_batch *b);
/*
 * Decodes a document, one piece of a text that was cut (api/split.h), and adds what comes of it;
 * `file` is the name that objects and problems carry: objects borrow it, so it must outlive them.
 * Never fails: what is wrong is in b->problems.
 */
void api_decode_document(struct api_batch *b, const char *file, const struct api_yaml_text *text);
void api_batch_done(struct api_batch *b);

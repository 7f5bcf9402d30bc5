// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The text of one shard of the saved world: documents that --config reads, two lines each, between
 * a line that names the format and one that proves the text whole:
 *
 *   # lodestone-world: 1
 *   # source: "/etc/lodestone/pool.yaml", line 3
 *   --- {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", ...}
 *   # end: 1 objects, checksum 0123456789abcdef
 *
 * The checksum finds a file that was torn by a power cut, not one that was forged. Pure.
 */
#pragma once

#include "api/world.h"
#include "base/strbuf.h"

struct api_object;

/* Being written: starts with world_text_begin. */
struct world_text {
	size_t n;
	uint64_t checksum;
};

void world_text_begin(struct strbuf *out, struct world_text *t);
/* Appends an object that has a text and a file. */
void world_text_add(struct strbuf *out, struct world_text *t, const struct api_object *o);
void world_text_end(struct strbuf *out, const struct world_text *t);

/* Being read: the text must outlive it. */
struct world_text_walk {
	const char *at, *end;
};
struct world_text_item {
	const char *source;
	struct world_document document; /* borrowed from the text */
};

/* False: not of this format, or not whole. */
bool world_text_open(const char *text, size_t len, struct world_text_walk *ret) must_check;
/* The next object, its strings from the arena; false at the end. */
bool world_text_next(struct world_text_walk *walk, struct arena *arena,
		     struct world_text_item *ret) must_check;

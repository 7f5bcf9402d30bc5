// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Cuts the body of an answer into pieces that are parsed one by one, while it arrives in whatever
 * chunks: the events of a watch, which are JSON objects one behind the other, or the items of a
 * list together with its metadata. Nothing is understood here but where strings, objects and lists
 * begin and end, and both the length and the nesting of a piece are bounded, so that whoever parses
 * it needs no bounds of his own.
 */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>

#define KUBE_PIECE_BYTES (8u << 20) /* the API server stores no object of more than 1.5 MiB */
#define KUBE_PIECE_DEPTH 100        /* its own bound is higher, and no object of ours is so deep */

enum kube_split_form {
	KUBE_SPLIT_EVENTS,
	KUBE_SPLIT_LIST, /* pieces are the elements of its "items", and its "metadata" */
};

enum kube_piece {
	KUBE_PIECE_NONE, /* all bytes were taken; more are needed */
	KUBE_PIECE_ITEM, /* an event, or an item of the list */
	KUBE_PIECE_META, /* of the list */
	KUBE_PIECE_BAD,  /* no such text, or a bound was exceeded; the rest is of no use */
};

struct kube_split {
	enum kube_split_form form;
	struct strbuf piece; /* so far; complete until the next call if that said so */
	unsigned depth;      /* of open objects and lists */
	unsigned keep_depth; /* of the piece's beginning; 0: none is open */
	enum kube_piece kept;
	bool is_in_string, is_escaped, is_bad, is_over;
	bool is_key;   /* a string that ends now is a key of the list itself */
	bool is_items; /* the open list is that of the items */
	char key[16];  /* the list's last key, as far as it fits */
	unsigned key_len;
};

void kube_split_init(struct kube_split *s, enum kube_split_form form);
void kube_split_done(struct kube_split *s);

/*
 * Takes bytes from *data (and moves it and *len) up to the end of the next piece, which is then
 * s->piece, NUL-terminated.
 */
enum kube_piece kube_split_next(struct kube_split *s, const char **data, size_t *len);

/* Nothing is begun: a body that ends here is whole. */
bool kube_split_is_whole(const struct kube_split *s);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One piece of an answer (kube/kube_split.h), understood: an event of a watch, an item of a list,
 * the list's metadata, or a Status, which is how the API server says no. Of an object what nobody
 * reads is dropped here (kube/kube_kinds.h), so that two versions that differ in nothing else have
 * the same text.
 */
#pragma once

#include "base/arena.h"
#include "kube/kube_kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kube_said {
	KUBE_SAID_NOTHING, /* not understood: the text is no such thing */
	KUBE_SAID_OBJECT,  /* there is an object, or another version of it */
	KUBE_SAID_GONE,    /* it was deleted */
	KUBE_SAID_MARK,    /* a bookmark, or a list's metadata */
	KUBE_SAID_NO,      /* a Status */
};

/* Strings are the arena's, or NULL where they are not said; "" for a namespace that is not. */
struct kube_message {
	enum kube_said said;
	const char *ns, *name; /* of an object */
	const char *version;   /* resourceVersion, as opaque as it is */
	char *text; /* of an object: one line of JSON, owned by whoever asked; else NULL */
	size_t text_len;
	char *status;        /* ... and its status, if the kind keeps it and it has one; likewise */
	bool is_initial_end; /* a bookmark: what was there at first has been told */
	const char *go_on;   /* a list's: the token for its next page; NULL: that was the last */
	int code;            /* of a Status, as of HTTP */
	bool is_from_future; /* ... of a version that this server has not seen yet */
	unsigned retry_s;    /* ... and when to ask again; 0: not said */
	const char *message; /* ... in its words, never NULL */
};

/* All take a piece as it was split, which is NUL-terminated. */
void kube_read_event(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		     struct kube_message *ret);
void kube_read_item(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		    struct kube_message *ret);
void kube_read_list_meta(struct arena *arena, const char *piece, size_t len,
			 struct kube_message *ret);
/* The body of an answer that is none; any text will do, and what it does not say stays 0. */
void kube_read_status(struct arena *arena, const char *body, size_t len, struct kube_message *ret);

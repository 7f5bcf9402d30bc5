// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is known of the cluster: the text of every object, and what of it the agent has not been
 * told yet. Watches put objects in, the feed takes them out (kube/kube_feed.h). An object that
 * changes often while the agent does not read costs nothing but its last version; one whose text
 * is the same is no change.
 *
 * A watch that begins anew tells a picture: between kube_store_begin() and kube_store_end() all
 * that is there is put, and what was not put is gone at the end. A picture that is given up, for
 * the connection broke, takes nothing away.
 */
#pragma once

#include "kube/kube_kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kube_store;

struct kube_store *kube_store_new(void);
struct kube_store *kube_store_free(struct kube_store *s);

/* A new picture of the kind begins; one that had begun is given up. */
void kube_store_begin(struct kube_store *s, enum kube_kind kind);
/* It is complete. */
void kube_store_end(struct kube_store *s, enum kube_kind kind);
/*
 * Takes the text, which is of the heap. The version is kept of Services alone, which are written
 * to. True: it is another text than before.
 */
struct kube_put {
	const char *ns, *name, *version; /* version: NULL: not said */
	char *text;
	size_t len;
	char *status; /* taken, too; kept apart from the text; NULL: none */
};
bool kube_store_put(struct kube_store *s, enum kube_kind kind, const struct kube_put *put);
void kube_store_remove(struct kube_store *s, enum kube_kind kind, const char *ns, const char *name);

/* A first picture was complete once. */
bool kube_store_is_complete(const struct kube_store *s, enum kube_kind kind);
/* Objects of the kind that are there. */
size_t kube_store_count(const struct kube_store *s, enum kube_kind kind);

/* --- what the agent has not been told --------------------------------------------------------- */

/* It knows nothing, or may have forgotten: it is told of all that is there. */
void kube_store_rewind(struct kube_store *s);
/* So many changes of the kind it has not been told of. */
size_t kube_store_untold(const struct kube_store *s, enum kube_kind kind);

struct kube_change {
	enum kube_kind kind;
	const char *ns, *name; /* the store's, as is the text, until it is called next */
	const char *text;      /* NULL: it is gone */
	size_t len;
};
/* The oldest of these, which counts as told from now on; false: there is none. */
bool kube_store_tell(struct kube_store *s, struct kube_change *ret);

/* What is known of an object that is there, for whoever wants to change it; valid as a change is.
 */
struct kube_present {
	const char *version; /* the last one heard of; NULL: none is kept */
	const char *text;
	size_t len;
	const char *status; /* NULL: none is kept */
	uint64_t changed; /* text or status, by kube_store_news() then; 0 where that does not count
			   */
	/* The agent was told of this text by that many's change since the rewind; 0: not yet. */
	uint64_t told;
};
bool kube_store_find(const struct kube_store *s, enum kube_kind kind, const char *ns,
		     const char *name, struct kube_present *ret);

/* So many times something of those kinds changed whose status is kept. */
uint64_t kube_store_news(const struct kube_store *s);
/*
 * The object of a kind behind the one that *cursor names, from NULL on; false: there is none.
 * Nothing may be put or removed meanwhile.
 */
bool kube_store_next(const struct kube_store *s, enum kube_kind kind, const void **cursor,
		     const char **ret_ns, const char **ret_name);

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A hash table of names. */
#include "agent/feed_names.h"

#include "base/hash.h"
#include "base/mem.h"
#include "kube/kube_frame.h"

#define uthash_malloc(size)          xmalloc(size)
#define uthash_fatal(message)        abort()
#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

struct entry {
	struct feed_name name; /* first */
	UT_hash_handle hh;
	char text[];
};

struct feed_names {
	struct entry *entries;
};

struct feed_names *feed_names_new(void)
{
	return xcalloc(1, sizeof(struct feed_names));
}

struct feed_names *feed_names_free(struct feed_names *n)
{
	struct entry *e, *next;

	if (!n)
		return NULL;
	HASH_ITER (hh, n->entries, e, next) {
		HASH_DEL(n->entries, e);
		free(e);
	}
	free(n);
	return NULL;
}

char *feed_name_make(const char *kind, const struct kube_text *ns, const struct kube_text *name)
{
	const size_t size = strlen(FEED_PREFIX) + strlen(kind) + ns->len + name->len + 3;
	char *text = xmalloc(size);

	(void)snprintf(text, size, FEED_PREFIX "%s/%.*s%s%.*s", kind, (int)ns->len, ns->text,
		       ns->len ? "/" : "", (int)name->len, name->text);
	return text;
}

struct feed_name *feed_names_get(struct feed_names *n, const char *text)
{
	const size_t size = strlen(text) + 1;
	struct entry *e;

	HASH_FIND_STR(n->entries, text, e);
	if (e)
		return &e->name;
	e = xcalloc(1, sizeof(*e) + size);
	memcpy(e->text, text, size);
	e->name.text = e->text;
	HASH_ADD_STR(n->entries, text, e);
	return &e->name;
}

void feed_names_drop(struct feed_names *n, const char *text)
{
	struct entry *e;

	HASH_FIND_STR(n->entries, text, e);
	if (!e)
		return;
	HASH_DEL(n->entries, e);
	free(e);
}

size_t feed_names_count(const struct feed_names *n)
{
	return HASH_COUNT(n->entries);
}

void feed_names_unsee(struct feed_names *n)
{
	for (struct entry *e = n->entries; e; e = e->hh.next)
		e->name.is_seen = false;
}

static struct feed_name *name_of(struct entry *e)
{
	return e ? &e->name : NULL;
}

struct feed_name *feed_names_first(const struct feed_names *n)
{
	return name_of(n->entries);
}

struct feed_name *feed_names_next(const struct feed_name *name)
{
	return name_of(((const struct entry *)name)->hh.next);
}

bool feed_name_is_of(const struct feed_name *name, const char *kind)
{
	const char *at = name->text + strlen(FEED_PREFIX);
	const size_t len = strlen(kind);

	return strncmp(at, kind, len) == 0 && at[len] == '/';
}

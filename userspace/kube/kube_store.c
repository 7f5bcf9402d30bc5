// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One hash table of entries by kind, namespace and name, and a queue of those that are to be told.
 * An entry that is queued keeps its place when it changes again. One that is gone stays until that
 * was told, unless the agent never heard of it.
 */
#include "kube/kube_store.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>

#define uthash_malloc(size)           xmalloc(size)
#define uthash_fatal(message)         abort()
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)hash_bytes(HASH_INIT, key, len))
#include <uthash.h>
#include <utlist.h>

struct entry {
	UT_hash_handle hh;
	struct entry *prev, *next; /* in the queue */
	char *text;                /* owned; NULL: it is gone */
	char *version;             /* owned; NULL: not kept */
	char *status;              /* owned; NULL: not kept */
	size_t len;
	uint64_t changed; /* by the store's news; 0: these do not count it */
	uint64_t told;    /* the last time, by that many's change; 0: not yet */
	uint32_t picture; /* it was put in */
	uint8_t kind;
	bool is_queued;
	bool is_known; /* to the agent, in some version */
	uint16_t ns_len;
	char key[]; /* the kind's byte, namespace, NUL, name, NUL */
};

struct kube_store {
	struct entry *entries, *queue;
	struct entry *told; /* owned: gone, and kept for the caller of kube_store_tell() */
	uint32_t picture[KUBE_N_KINDS];
	bool is_complete[KUBE_N_KINDS];
	size_t n[KUBE_N_KINDS], n_untold[KUBE_N_KINDS];
	uint64_t n_told; /* since the rewind */
	uint64_t news;
};

struct kube_store *kube_store_new(void)
{
	return xcalloc(1, sizeof(struct kube_store));
}

static void free_entry(struct entry *e)
{
	if (!e)
		return;
	free(e->text);
	free(e->version);
	free(e->status);
	free(e);
}

struct kube_store *kube_store_free(struct kube_store *s)
{
	struct entry *e, *next;

	if (!s)
		return NULL;
	HASH_ITER (hh, s->entries, e, next) {
		HASH_DEL(s->entries, e);
		free_entry(e);
	}
	free_entry(s->told);
	free(s);
	return NULL;
}

static void queue(struct kube_store *s, struct entry *e)
{
	if (e->is_queued || e->kind >= KUBE_N_TOLD)
		return;
	e->is_queued = true;
	DL_APPEND(s->queue, e);
	s->n_untold[e->kind]++;
	assert(s->n_untold[e->kind] <= HASH_COUNT(s->entries));
}

static void unqueue(struct kube_store *s, struct entry *e)
{
	if (!e->is_queued)
		return;
	assert(s->n_untold[e->kind] > 0);
	e->is_queued = false;
	DL_DELETE(s->queue, e);
	s->n_untold[e->kind]--;
}

static size_t key_of(char *key, enum kube_kind kind, const char *ns, const char *name)
{
	const size_t ns_size = strlen(ns) + 1, name_size = strlen(name) + 1;

	if (key) {
		key[0] = (char)kind;
		memcpy(key + 1, ns, ns_size);
		memcpy(key + 1 + ns_size, name, name_size);
	}
	return 1 + ns_size + name_size;
}

static struct entry *find(const struct kube_store *s, enum kube_kind kind, const char *ns,
			  const char *name)
{
	const size_t size = key_of(NULL, kind, ns, name);
	_cleanup_(freep) char *key = xmalloc(size);
	struct entry *e;

	(void)key_of(key, kind, ns, name);
	HASH_FIND(hh, s->entries, key, size, e);
	return e;
}

static struct entry *add(struct kube_store *s, enum kube_kind kind, const char *ns,
			 const char *name)
{
	const size_t size = key_of(NULL, kind, ns, name);
	struct entry *e = xcalloc(1, sizeof(*e) + size);

	assert(strlen(ns) <= UINT16_MAX);
	e->kind = (uint8_t)kind;
	e->ns_len = (uint16_t)strlen(ns);
	(void)key_of(e->key, kind, ns, name);
	HASH_ADD(hh, s->entries, key, size, e);
	return e;
}

static void forget(struct kube_store *s, struct entry *e)
{
	assert(!e->text);
	unqueue(s, e);
	HASH_DEL(s->entries, e);
}

/* The object is gone; whether anybody has to be told depends on who knows it. */
static void take_away(struct kube_store *s, struct entry *e)
{
	if (!e->text)
		return;
	assert(s->n[e->kind] > 0);
	free(TAKE_PTR(e->text));
	s->n[e->kind]--;
	s->news += kube_resource(e->kind)->keeps_status;
	if (e->is_known) {
		queue(s, e);
		return;
	}
	forget(s, e);
	free_entry(e);
}

void kube_store_begin(struct kube_store *s, enum kube_kind kind)
{
	assert((unsigned)kind < KUBE_N_KINDS);
	s->picture[kind]++;
}

void kube_store_end(struct kube_store *s, enum kube_kind kind)
{
	struct entry *e, *next;

	assert(s->picture[kind] > 0); /* it began */
	HASH_ITER (hh, s->entries, e, next)
		if (e->kind == kind && e->picture != s->picture[kind])
			take_away(s, e);
	s->is_complete[kind] = true;
}

static void set_version(struct entry *e, const char *version)
{
	if (e->kind != KUBE_SERVICE || !version)
		return;
	free(e->version);
	e->version = xstrdup(version);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void note_news(struct kube_store *s, struct entry *e)
{
	if (kube_resource(e->kind)->keeps_status)
		e->changed = ++s->news;
}

static void set_status(struct kube_store *s, struct entry *e, char *status)
{
	if (!is_same_text(e->status, status))
		note_news(s, e);
	free(e->status);
	e->status = status;
}

bool kube_store_put(struct kube_store *s, enum kube_kind kind, const struct kube_put *put)
{
	struct entry *e = find(s, kind, put->ns, put->name);

	assert(*put->name && put->len > 0);
	if (!e)
		e = add(s, kind, put->ns, put->name);
	e->picture = s->picture[kind];
	set_version(e, put->version);
	set_status(s, e, put->status);
	if (e->text && e->len == put->len && memcmp(e->text, put->text, put->len) == 0) {
		free(put->text);
		return false;
	}
	s->n[kind] += !e->text;
	note_news(s, e);
	free(e->text);
	e->text = put->text;
	e->len = put->len;
	queue(s, e);
	return true;
}

void kube_store_remove(struct kube_store *s, enum kube_kind kind, const char *ns, const char *name)
{
	struct entry *e = find(s, kind, ns, name);

	if (e)
		take_away(s, e);
}

bool kube_store_is_complete(const struct kube_store *s, enum kube_kind kind)
{
	return s->is_complete[kind];
}

size_t kube_store_count(const struct kube_store *s, enum kube_kind kind)
{
	return s->n[kind];
}

/* --- telling ---------------------------------------------------------------------------------- */

/* Kind by kind, so that a kind is complete as early as can be. */
void kube_store_rewind(struct kube_store *s)
{
	struct entry *e, *next;

	s->n_told = 0;
	HASH_ITER (hh, s->entries, e, next) {
		unqueue(s, e);
		e->is_known = false;
		e->told = 0;
		if (e->text)
			continue;
		forget(s, e);
		free_entry(e);
	}
	assert(!s->queue);
	for (enum kube_kind kind = 0; kind < KUBE_N_KINDS; kind++)
		HASH_ITER (hh, s->entries, e, next)
			if (e->kind == kind)
				queue(s, e);
}

size_t kube_store_untold(const struct kube_store *s, enum kube_kind kind)
{
	return s->n_untold[kind];
}

bool kube_store_tell(struct kube_store *s, struct kube_change *ret)
{
	struct entry *e = s->queue;

	free_entry(TAKE_PTR(s->told));
	if (!e)
		return false;
	assert(e->is_queued && (e->text || e->is_known)); /* nobody is told of what he never knew */
	unqueue(s, e);
	e->is_known = e->text;
	e->told = ++s->n_told;
	*ret = (struct kube_change){
		.kind = e->kind,
		.ns = e->key + 1,
		.name = e->key + 1 + e->ns_len + 1,
		.text = e->text,
		.len = e->text ? e->len : 0,
	};
	if (!e->text) {
		forget(s, e);
		s->told = e;
	}
	return true;
}

bool kube_store_find(const struct kube_store *s, enum kube_kind kind, const char *ns,
		     const char *name, struct kube_present *ret)
{
	const struct entry *e = find(s, kind, ns, name);

	if (!e || !e->text)
		return false;
	*ret = (struct kube_present){.version = e->version,
				     .text = e->text,
				     .len = e->len,
				     .status = e->status,
				     .changed = e->changed,
				     .told = e->is_queued ? 0 : e->told};
	return true;
}

uint64_t kube_store_news(const struct kube_store *s)
{
	return s->news;
}

bool kube_store_next(const struct kube_store *s, enum kube_kind kind, const void **cursor,
		     const char **ret_ns, const char **ret_name)
{
	const struct entry *e = *cursor ? ((const struct entry *)*cursor)->hh.next : s->entries;

	while (e && (e->kind != kind || !e->text))
		e = e->hh.next;
	*cursor = e;
	if (!e)
		return false;
	*ret_ns = e->key + 1;
	*ret_name = e->key + 1 + e->ns_len + 1;
	return true;
}

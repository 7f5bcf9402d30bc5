// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Documents are told apart by a hash of their bytes. Those that are taken over keep the order of
 * the old text, so of two objects with one name the first stays the first. A document that names
 * an object wrongly, or that could be any object, is decoded again each time: such are few, and
 * what they say may hang on the line they stand in.
 */
#include "api/reading.h"

#include "api/text.h"
#include "base/hash.h"

#include <assert.h>

#define AHEAD       1024 /* old documents that may have gone at once without more being decoded */
#define COST_OF_OLD 16   /* so many bytes that are the same cost as much as one that is decoded */

void api_documents_done(struct api_documents *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].told)
			arena_free(d->items[i].told->arena);
	free(d->items);
	*d = (struct api_documents){0};
}

void api_reading_init(struct api_reading *r, const char *file, const struct api_documents *old,
		      const char *text, size_t len)
{
	struct arena *arena = arena_new();
	const struct api_text utf8 = api_text_utf8(arena, text, len);

	*r = (struct api_reading){.file = file,
				  .old = old,
				  .arena = arena,
				  .split = api_split_init(utf8.text, utf8.len)};
}

void api_reading_done(struct api_reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		api_object_free(r->objects[i]);
	api_documents_done(&r->documents);
	arena_free(r->arena);
	free(r->objects);
	free(r->old_of);
	*r = (struct api_reading){0};
}

/* Which of the old documents it is, looking ahead of those that were met already. */
static size_t find_old(const struct api_reading *r, const struct api_document *d)
{
	const struct api_documents *old = r->old;

	assert(r->next_old <= old->n);
	for (size_t i = r->next_old; i < old->n && i < r->next_old + AHEAD; i++)
		if (old->items[i].hash == d->hash && old->items[i].len == d->len)
			return i;
	return API_DECODED;
}

static void take_objects(struct api_reading *r, struct api_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct api_object **last = xpush(&r->objects, &r->n, &r->cap, sizeof(*last));

		*last = b->objects[i];
		(*last)->document = (unsigned)r->documents.n - 1;
	}
	b->n = 0;
}

static void take_refused(struct api_reading *r, const struct api_batch *b)
{
	for (size_t i = 0; i < b->n_refused; i++) {
		struct api_identity *last = arena_push(r->arena, &r->refused, &r->n_refused,
						       &r->cap_refused, sizeof(*last));

		*last = (struct api_identity){.kind = b->refused[i].kind,
					      .ns = arena_strdup(r->arena, b->refused[i].ns),
					      .name = arena_strdup(r->arena, b->refused[i].name)};
	}
}

static struct problems *take_problems(struct api_batch *b)
{
	struct problems *told;

	assert(b->arena);
	if (b->problems.n == 0)
		return NULL;
	told = arena_new_of(b->arena, struct problems);
	*told = b->problems;
	b->arena = NULL;
	return told;
}

static void decode(struct api_reading *r, struct api_document *d, const struct api_yaml_text *text)
{
	struct api_batch b;

	api_batch_init(&b);
	api_decode_document(&b, r->file, text);
	if (b.is_lost || b.n_refused > 0)
		d->hash = 0;
	r->is_lost |= b.is_lost;
	d->foreign = (unsigned)b.foreign;
	take_objects(r, &b);
	take_refused(r, &b);
	d->told = take_problems(&b);
	api_batch_done(&b);
}

/* Returns what it cost, in bytes that are decoded. */
static size_t read_document(struct api_reading *r, const struct api_yaml_text *text)
{
	const uint64_t hash = hash_bytes(HASH_INIT, text->text, text->len);
	struct api_document *d =
		xpush(&r->documents.items, &r->documents.n, &r->documents.cap, sizeof(*d));
	size_t *old = xpush(&r->old_of, &r->n_old_of, &r->cap_old_of, sizeof(*old));

	assert(r->n_old_of == r->documents.n);
	*d = (struct api_document){
		.hash = hash ? hash : 1, .len = (unsigned)text->len, .line = text->first_line};
	*old = find_old(r, d);
	if (*old != API_DECODED) {
		r->next_old = *old + 1;
		d->foreign = r->old->items[*old].foreign;
		return text->len / COST_OF_OLD;
	}
	decode(r, d, text);
	return text->len;
}

bool api_reading_go_on(struct api_reading *r, size_t bytes)
{
	struct api_yaml_text text;
	size_t cost = 0;

	while (!r->is_through && cost < bytes)
		if (api_split_next(&r->split, &text))
			cost += read_document(r, &text);
		else
			r->is_through = true;
	return r->is_through;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sources, each with its objects and problems (api/world_source.h), in shards by the hash of
 * their names. Reading is left to api/world_index.c, which is made when somebody asks and told of
 * each change from then on: loading ten thousand files sorts once, and one that changes later moves
 * what it holds and nothing else.
 */
#include "api/world.h"

#include "api/world_index.h"
#include "api/world_source.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>

/* Sources whose names have one hash modulo WORLD_SHARDS. */
struct shard {
	struct api_source **items; /* owned; by name */
	size_t n, cap;
};

struct world {
	struct shard shards[WORLD_SHARDS];
	size_t n_sources, n_objects, max_objects;
	uint64_t generation, lines_generation;
	struct api_world_index *index; /* owned; a cache, so it changes behind a const world */
};

struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->max_objects = LIMIT_OBJECTS;
	w->lines_generation = 1;
	w->index = api_world_index_new();
	return w;
}

struct world *world_free(struct world *w)
{
	if (!w)
		return NULL;
	for (unsigned i = 0; i < WORLD_SHARDS; i++) {
		for (size_t j = 0; j < w->shards[i].n; j++)
			api_source_free(w->shards[i].items[j]);
		free(w->shards[i].items);
	}
	api_world_index_free(w->index);
	free(w);
	return NULL;
}

/* What the source holds or says is another thing now. */
static void touch(struct world *w, struct api_source *s)
{
	w->generation++;
	api_world_index_note(w->index, s, true);
}

/* The next source after *at, which starts zeroed; NULL at the end. */
struct walk {
	unsigned shard;
	size_t i;
};
static struct api_source *walk_next(const struct world *w, struct walk *at)
{
	while (at->shard < WORLD_SHARDS && at->i == w->shards[at->shard].n)
		*at = (struct walk){.shard = at->shard + 1};
	return at->shard < WORLD_SHARDS ? w->shards[at->shard].items[at->i++] : NULL;
}

/* --- sources ---------------------------------------------------------------------------------- */

/* Where a source of that name is in its shard, or belongs. */
static size_t source_place(const struct shard *s, const char *name)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->items[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

unsigned world_shard_of(const char *source)
{
	return hash_str(HASH_INIT, source) % WORLD_SHARDS;
}

static struct shard *shard_of(struct world *w, const char *name)
{
	return &w->shards[world_shard_of(name)];
}

static struct api_source *source_get(struct world *w, const char *name)
{
	struct shard *s = shard_of(w, name);
	size_t i = source_place(s, name);

	if (i < s->n && strcmp(s->items[i]->name, name) == 0)
		return s->items[i];
	xpush(&s->items, &s->n, &s->cap, sizeof(struct api_source *));
	memmove(&s->items[i + 1], &s->items[i], (s->n - 1 - i) * sizeof(struct api_source *));
	assert(i < s->n);
	s->items[i] = api_source_new(name, hash_str(HASH_INIT, name));
	w->n_sources++;
	return s->items[i];
}

struct world_reading {
	struct api_source *source; /* borrowed from the world */
	struct api_reading reading;
};

struct world_reading *world_read(struct world *w, const char *source, const char *text, size_t len)
{
	struct world_reading *r = xcalloc(1, sizeof(*r));

	r->source = source_get(w, source);
	api_reading_init(&r->reading, r->source->name, &r->source->documents, text, len);
	return r;
}

bool world_read_on(struct world_reading *r, size_t bytes)
{
	return api_reading_go_on(&r->reading, bytes);
}

struct world_reading *world_reading_free(struct world_reading *r)
{
	if (r)
		api_reading_done(&r->reading);
	free(r);
	return NULL;
}

void world_put(struct world *w, struct world_reading *r)
{
	struct api_source *s = r->source;
	size_t others = w->n_objects - s->n;
	size_t room = w->max_objects > others ? w->max_objects - others : 0;

	assert(s->n <= w->n_objects);
	if (api_source_weigh(s, &r->reading, room)) {
		w->lines_generation += s->change->has_moved;
		api_world_index_leave(w->index, s);
		api_source_commit(s);
		api_world_index_enter(w->index, s);
		touch(w, s);
	} else {
		api_source_commit(s);
		api_world_index_note(w->index, s, false); /* what it may hide */
	}
	api_source_bury(s);
	w->n_objects = others + s->n;
	world_reading_free(r);
}

void world_put_source(struct world *w, const char *source, const char *text, size_t len)
{
	struct world_reading *r = world_read(w, source, text, len);

	(void)!world_read_on(r, SIZE_MAX); /* all of it, so it is through */
	world_put(w, r);
}

struct api_object *world_saved_read(const struct world_document *document)
{
	const struct api_yaml_text text = {
		.text = document->text, .len = document->len, .first_line = document->line};

	return api_saved_object(&text);
}

void world_saved_put(struct world *w, const char *source, struct api_object *saved)
{
	struct api_source *s = source_get(w, source);

	api_source_restore(s, saved);
	w->n_objects++;
	w->generation++;
	api_world_index_drop(w->index); /* nobody looks while many are restored */
	api_world_index_note(w->index, s, true);
}

bool world_restore(struct world *w, const char *source, const struct world_document *document)
{
	struct api_object *saved = world_saved_read(document);

	if (!saved)
		return false;
	world_saved_put(w, source, saved);
	return true;
}

void world_drop_source(struct world *w, const char *source)
{
	struct shard *s = shard_of(w, source);
	size_t i = source_place(s, source);

	if (i == s->n || strcmp(s->items[i]->name, source) != 0)
		return;
	assert(s->items[i]->n <= w->n_objects && w->n_sources > 0);
	w->n_objects -= s->items[i]->n;
	w->n_sources--;
	w->generation++;
	api_world_index_forget(w->index, s->items[i]);
	api_source_free(s->items[i]);
	s->n--;
	memmove(&s->items[i], &s->items[i + 1], (s->n - i) * sizeof(struct api_source *));
}

void world_source_problem(struct world *w, const char *source, const char *reason,
			  const char *message, const char *remedy)
{
	struct problem_text text = {.reason = reason, .remedy = remedy};

	struct api_source *s = source_get(w, source);

	/* A caller may say it at every attempt. */
	if (api_source_complain(s, &text, message))
		touch(w, s);
}

void world_limit_objects(struct world *w, size_t max)
{
	w->max_objects = max;
}

bool world_has_room_again(const struct world *w)
{
	const struct api_sources telling = api_world_index_telling(w->index);

	for (size_t i = 0; w->n_objects < w->max_objects && i < telling.n; i++)
		if (telling.items[i]->n_left_out > 0)
			return true;
	return false;
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct api_world_index *index_of(const struct world *w)
{
	struct api_source **items;
	struct walk at = {0};
	size_t n = 0;

	if (api_world_index_is_full(w->index))
		return w->index;
	items = xcalloc(w->n_sources, sizeof(struct api_source *));
	while (n < w->n_sources)
		items[n++] = walk_next(w, &at);
	assert(!walk_next(w, &at)); /* the count is that of all shards */
	api_world_index_fill(w->index, &(struct api_sources){.items = items, .n = n});
	free(items);
	return w->index;
}

struct world_list world_list(const struct world *w, enum api_kind kind)
{
	assert((size_t)kind < API_N_KINDS);
	return api_world_index_list(index_of(w), kind);
}

const struct api_object *world_find(const struct world *w, enum api_kind kind, const char *ns,
				    const char *name)
{
	return api_world_index_find(index_of(w), kind, ns, name);
}

struct world_list world_slices(const struct world *w, const char *ns, const char *service)
{
	return api_world_index_slices(index_of(w), ns, service);
}

uint64_t world_kind_generation(const struct world *w, enum api_kind kind)
{
	assert((size_t)kind < API_N_KINDS);
	return api_world_index_generation(index_of(w), kind);
}

const uint64_t *world_service_generations(const struct world *w)
{
	return api_world_index_services(index_of(w));
}

uint64_t world_lines_generation(const struct world *w)
{
	return w->lines_generation;
}

const struct problems *world_problems(const struct world *w)
{
	return api_world_index_problems(index_of(w));
}

size_t world_foreign(const struct world *w)
{
	const struct api_source *s;
	struct walk at = {0};
	size_t n = 0;

	while ((s = walk_next(w, &at)))
		n += s->foreign;
	return n;
}

bool world_may_hide(const struct world *w, enum api_kind kind)
{
	const struct api_sources telling = api_world_index_telling(w->index);

	for (size_t i = 0; i < telling.n; i++)
		if (telling.items[i]->caller || (telling.items[i]->hidden >> kind & 1))
			return true;
	return false;
}

struct world_stale world_stale(const struct world *w)
{
	const struct api_sources telling = api_world_index_telling(w->index);
	struct world_stale ret = {0};

	for (size_t i = 0; i < telling.n; i++) {
		ret.objects += telling.items[i]->n_stale;
		ret.sources += telling.items[i]->n_stale > 0;
	}
	return ret;
}

uint64_t world_generation(const struct world *w)
{
	return w->generation;
}

/* --- saving ----------------------------------------------------------------------------------- */

uint64_t world_shard_hash(const struct world *w, unsigned shard)
{
	const struct shard *s = &w->shards[shard];
	uint64_t h = 0;

	assert(shard < WORLD_SHARDS);
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i]->saved)
			h += hash_u64(s->items[i]->name_hash, s->items[i]->saved);
	return h;
}

const struct api_object *world_shard_next(const struct world *w, unsigned shard,
					  struct world_place *at)
{
	const struct shard *s = &w->shards[shard];

	assert(shard < WORLD_SHARDS);
	while (at->source < s->n) {
		const struct api_source *source = s->items[at->source];

		while (at->object < source->n) {
			const struct api_object *o = source->objects[at->object++];

			if (o->text)
				return o;
		}
		*at = (struct world_place){.source = at->source + 1};
	}
	return NULL;
}

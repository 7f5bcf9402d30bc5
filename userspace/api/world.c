// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sources, each with its objects and problems, and the rule by which an earlier version stays
 * in force (api/world.h). Reading is left to api/world_index.c, which is made anew when somebody
 * asks after a change: loading ten thousand files sorts once, not ten thousand times.
 *
 * A source owns its objects. When a new text leads to the same objects (content and lines) and the
 * same problems, the old ones stay, with their addresses, and the generation does not move.
 */
#include "api/world.h"

#include "api/document.h"
#include "api/world_index.h"
#include "base/hash.h"

#include <assert.h>

#define LAST_GOOD "LastGoodInForce"

struct world {
	struct api_source **sources; /* owned; by name */
	size_t n_sources, cap_sources;
	uint64_t generation;
	struct api_world_index *index; /* owned; a cache, so it changes behind a const world */
};

struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->index = api_world_index_new();
	return w;
}

static void source_free(struct api_source *s)
{
	for (size_t i = 0; i < s->n; i++)
		api_object_free(s->objects[i]);
	arena_free(s->arena);
	arena_free(s->caller.arena);
	free(s->objects);
	free(s->name);
	free(s);
}

struct world *world_free(struct world *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n_sources; i++)
		source_free(w->sources[i]);
	free(w->sources);
	api_world_index_free(w->index);
	free(w);
	return NULL;
}

static void touch(struct world *w)
{
	w->generation++;
	api_world_index_drop(w->index);
}

/* --- sources --- */

/* Where a source of that name is, or belongs. */
static size_t source_place(const struct world *w, const char *name)
{
	size_t low = 0, high = w->n_sources;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(w->sources[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct api_source *source_find(const struct world *w, const char *name)
{
	size_t i = source_place(w, name);

	return i < w->n_sources && strcmp(w->sources[i]->name, name) == 0 ? w->sources[i] : NULL;
}

static struct api_source *source_get(struct world *w, const char *name)
{
	struct api_source *s = source_find(w, name);
	size_t i;

	if (s)
		return s;
	i = source_place(w, name);
	s = xcalloc(1, sizeof(*s));
	s->name = xstrdup(name);
	s->arena = arena_new();
	s->problems.arena = s->arena;
	s->caller.arena = arena_new();
	xpush(&w->sources, &w->n_sources, &w->cap_sources, sizeof(struct api_source *));
	memmove(&w->sources[i + 1], &w->sources[i],
		(w->n_sources - 1 - i) * sizeof(struct api_source *));
	w->sources[i] = s;
	return s;
}

/* What the caller said of the source no longer holds; true if there was anything. */
static bool forget_caller(struct api_source *s)
{
	bool had = s->caller.n > 0;

	s->caller.arena = arena_free(s->caller.arena);
	s->caller = (struct problems){.arena = arena_new()};
	return had;
}

/* --- last good versions --- */

/* The new picture of a source while it is compared with the old one. */
struct picture {
	struct api_batch batch;
	struct api_object **objects; /* new ones and kept ones, sorted; borrowed */
	size_t n;
	bool *is_kept; /* by place in the old source */
};

static bool is_named(const struct api_batch *b, const struct api_object *o)
{
	return b->n > 0 &&
	       bsearch(&o, b->objects, b->n, sizeof(struct api_object *), api_world_identity_cmp);
}

static int refused_cmp(const void *a, const void *b)
{
	const struct api_identity *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->ns, y->ns);
	return order ? order : strcmp(x->name, y->name);
}

static bool is_refused(const struct api_batch *b, const struct api_meta *m)
{
	const struct api_identity key = {m->kind, m->ns, m->name};

	return b->n_refused > 0 &&
	       bsearch(&key, b->refused, b->n_refused, sizeof(key), refused_cmp);
}

static void note_kept(struct api_batch *b, const struct api_object *o, bool refused)
{
	struct object_ref ref = api_object_ref(o);
	struct problem_text text = {.reason = LAST_GOOD,
				    .remedy =
					    refused ? "correct the object"
						    : "correct the documents that are unreadable"};

	problem_add(&b->problems, SEVERITY_INFO, &ref, &text,
		    refused ? "the last version that was right stays in force"
			    : "not found in a file that is partly unreadable; stays in force");
}

/* An old object stays if the new text names it wrongly, or may have named it where it is
 * unreadable. */
static void keep_last_good(struct picture *p, const struct api_source *old)
{
	for (size_t i = 0; i < old->n; i++) {
		struct api_object *o = old->objects[i];
		bool refused = is_refused(&p->batch, &o->meta);

		if (is_named(&p->batch, o) || (!refused && !p->batch.is_lost))
			continue;
		p->is_kept[i] = true;
		p->objects[p->n++] = o;
		note_kept(&p->batch, o, refused);
	}
}

static void sort_objects(struct api_object **objects, size_t n)
{
	if (n > 0)
		qsort(objects, n, sizeof(*objects), api_world_object_cmp);
}

static struct picture picture_new(const struct api_source *old, const char *text, size_t len)
{
	struct picture p = {0};

	api_decode_text(old->name, text, len, &p.batch);
	sort_objects(p.batch.objects, p.batch.n);
	if (p.batch.n_refused > 0)
		qsort(p.batch.refused, p.batch.n_refused, sizeof(*p.batch.refused), refused_cmp);
	p.objects = xcalloc(p.batch.n + old->n + 1, sizeof(*p.objects));
	p.is_kept = xcalloc(old->n + 1, sizeof(*p.is_kept));
	for (; p.n < p.batch.n; p.n++)
		p.objects[p.n] = p.batch.objects[p.n];
	keep_last_good(&p, old);
	sort_objects(p.objects, p.n);
	problems_sort(&p.batch.problems);
	return p;
}

/* --- has anything changed? --- */

static bool same_lines(const struct api_object *a, const struct api_object *b)
{
	if (a->meta.line != b->meta.line)
		return false;
	if (a->meta.kind != API_COMMUNITY)
		return true;
	/* Equal hashes, so as many aliases. */
	for (size_t i = 0; i < a->community.n; i++)
		if (a->community.items[i].line != b->community.items[i].line)
			return false;
	return true;
}

static bool same_objects(const struct picture *p, const struct api_source *old)
{
	if (p->n != old->n)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		const struct api_object *a = p->objects[i], *b = old->objects[i];

		if (a != b && (api_world_identity_cmp(&a, &b) != 0 || a->hash != b->hash ||
			       !same_lines(a, b)))
			return false;
	}
	return true;
}

static bool same_problems(const struct problems *a, const struct problems *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (problem_cmp(&a->items[i], &b->items[i]) != 0 ||
		    a->items[i].line != b->items[i].line ||
		    a->items[i].object.line != b->items[i].object.line)
			return false;
	return true;
}

/* Kinds of which the text may hold an object that is not among the batch's. */
static uint32_t hidden_kinds(const struct api_batch *b)
{
	uint32_t kinds = b->is_lost ? UINT32_MAX : 0;

	static_assert(API_N_KINDS <= 32, "a bit for each kind");
	for (size_t i = 0; i < b->n_refused; i++)
		kinds |= UINT32_C(1) << b->refused[i].kind;
	return kinds;
}

/* Moves the picture into the source. */
static void adopt(struct api_source *s, struct picture *p)
{
	for (size_t i = 0; i < s->n; i++)
		if (!p->is_kept[i])
			api_object_free(s->objects[i]);
	free(s->objects);
	arena_free(s->arena);
	s->objects = TAKE_PTR(p->objects);
	s->n = p->n;
	s->arena = TAKE_PTR(p->batch.arena);
	s->problems = p->batch.problems;
	s->foreign = p->batch.foreign;
}

void world_put_source(struct world *w, const char *source, const char *text, size_t len)
{
	struct api_source *s = source_get(w, source);
	uint64_t hash = hash_bytes(HASH_INIT, text, len);
	bool had_problem = forget_caller(s);
	struct picture p;

	if (had_problem)
		touch(w);
	if (s->has_text && s->text_hash == hash && s->text_len == len)
		return;
	s->has_text = true;
	s->text_hash = hash;
	s->text_len = len;
	p = picture_new(s, text, len);
	s->hidden = hidden_kinds(&p.batch);
	if (same_objects(&p, s) && same_problems(&p.batch.problems, &s->problems) &&
	    p.batch.foreign == s->foreign) {
		api_batch_done(&p.batch);
	} else {
		adopt(s, &p);
		touch(w);
	}
	free(p.objects);
	free(p.is_kept);
}

void world_drop_source(struct world *w, const char *source)
{
	struct api_source *s = source_find(w, source);
	size_t i;

	if (!s)
		return;
	i = source_place(w, source);
	source_free(s);
	w->n_sources--;
	memmove(&w->sources[i], &w->sources[i + 1],
		(w->n_sources - i) * sizeof(struct api_source *));
	touch(w);
}

void world_source_problem(struct world *w, const char *source, const char *reason,
			  const char *message, const char *remedy)
{
	struct api_source *s = source_get(w, source);
	struct object_ref ref = {.kind = "File", .name = source, .file = source};
	struct problem_text text = {.reason = reason, .remedy = remedy};

	for (size_t i = 0; i < s->caller.n; i++)
		if (strcmp(s->caller.items[i].reason, reason) == 0 &&
		    strcmp(s->caller.items[i].message, message) == 0)
			return; /* said already; a caller may say it at every attempt */
	problem_add(&s->caller, SEVERITY_ERROR, &ref, &text, "%s", message);
	touch(w);
}

/* --- reading --- */

static const struct api_world_index *index_of(const struct world *w)
{
	const struct api_sources sources = {.items = w->sources, .n = w->n_sources};

	api_world_index_fill(w->index, &sources);
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

const struct problems *world_problems(const struct world *w)
{
	return api_world_index_problems(index_of(w));
}

size_t world_foreign(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_sources; i++)
		n += w->sources[i]->foreign;
	return n;
}

bool world_may_hide(const struct world *w, enum api_kind kind)
{
	for (size_t i = 0; i < w->n_sources; i++)
		if (w->sources[i]->caller.n > 0 || (w->sources[i]->hidden >> kind & 1))
			return true;
	return false;
}

uint64_t world_generation(const struct world *w)
{
	return w->generation;
}

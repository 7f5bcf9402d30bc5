// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The views of api/world_index.h: one array of pointers to all objects, sorted by kind, namespace
 * and name, so that a kind is a slice of it and an object is found by bisection; and one of the
 * EndpointSlices, sorted by the Service they belong to.
 */
#include "api/world_index.h"

#include <assert.h>

#define STALE_NAMED 32 /* sources with a problem of their own */

struct api_world_index {
	bool is_full;
	struct arena *arena;
	const struct api_object **all;
	size_t n;
	size_t start[API_N_KINDS + 1];
	const struct api_object **slices;
	size_t n_slices;
	struct problems problems;
};

int api_world_identity_cmp(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;
	const struct api_meta *m = &(*x)->meta, *o = &(*y)->meta;
	int order;

	if (m->kind != o->kind)
		return m->kind < o->kind ? -1 : 1;
	order = strcmp(m->ns, o->ns);
	return order ? order : strcmp(m->name, o->name);
}

int api_world_object_cmp(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;
	const struct api_meta *m = &(*x)->meta, *o = &(*y)->meta;
	int order = api_world_identity_cmp(a, b);

	if (!order)
		order = strcmp(m->file, o->file);
	return order ? order : (m->line > o->line) - (m->line < o->line);
}

struct service_key {
	const char *ns, *service;
};

static int slice_key_cmp(const struct service_key *key, const struct api_object *o)
{
	int order = strcmp(key->ns, o->meta.ns);

	return order ? order : strcmp(key->service, o->slice.service);
}

static int slice_cmp(const void *a, const void *b)
{
	const struct api_object *const *x = a, *const *y = b;
	const struct service_key key = {(*x)->meta.ns, (*x)->slice.service};
	int order = slice_key_cmp(&key, *y);

	return order ? order : strcmp((*x)->meta.name, (*y)->meta.name);
}

/* --- filling --- */

/* Sources often come in the order of their objects; then there is nothing to sort. */
static void sort_objects(const struct api_object **items, size_t n,
			 int (*cmp)(const void *a, const void *b))
{
	size_t i = 1;

	while (i < n && cmp(&items[i - 1], &items[i]) <= 0)
		i++;
	if (i < n)
		qsort(items, n, sizeof(*items), cmp);
}

static void gather(struct api_world_index *x, const struct api_sources *sources)
{
	size_t n = 0;

	for (size_t i = 0; i < sources->n; i++)
		n += sources->items[i]->n;
	x->all = arena_array_of(x->arena, n, const struct api_object *);
	x->n = 0;
	for (size_t i = 0; i < sources->n; i++)
		for (size_t j = 0; j < sources->items[i]->n; j++)
			x->all[x->n++] = sources->items[i]->objects[j];
	assert(x->n == n);
	sort_objects(x->all, n, api_world_object_cmp);
}

static void add_double(struct api_world_index *x, const struct api_object *used,
		       const struct api_object *other)
{
	struct object_ref ref = api_object_ref(other);
	struct problem_text text = {.reason = "DefinedTwice", .remedy = "remove one of them"};

	problem_add(&x->problems, SEVERITY_ERROR, &ref, &text,
		    "defined more than once: %s:%u is used, %s:%u is not", used->meta.file,
		    used->meta.line, other->meta.file, other->meta.line);
}

static void drop_doubles(struct api_world_index *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		if (n > 0 && api_world_identity_cmp(&x->all[n - 1], &x->all[i]) == 0)
			add_double(x, x->all[n - 1], x->all[i]);
		else
			x->all[n++] = x->all[i];
	x->n = n;
}

static void find_starts(struct api_world_index *x)
{
	size_t i = 0;

	for (int kind = 0; kind < API_N_KINDS; kind++) {
		x->start[kind] = i;
		while (i < x->n && (int)x->all[i]->meta.kind == kind)
			i++;
	}
	assert(i == x->n);
	x->start[API_N_KINDS] = i;
}

static void gather_slices(struct api_world_index *x)
{
	struct world_list list = api_world_index_list(x, API_ENDPOINT_SLICE);

	x->slices = arena_array_of(x->arena, list.n, const struct api_object *);
	x->n_slices = 0;
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i]->slice.service)
			x->slices[x->n_slices++] = list.items[i];
	sort_objects(x->slices, x->n_slices, slice_cmp);
}

bool api_world_index_is_full(const struct api_world_index *x)
{
	return x->is_full;
}

/* --- sources with objects of an earlier run --- */

static void add_stale(struct api_world_index *x, const struct api_source *s, size_t n_objects,
		      size_t n_more)
{
	struct object_ref ref = {.kind = "File", .name = s->name, .file = s->name};
	struct problem_text text = {.reason = "StaleSource",
				    .remedy = s->has_text ? "correct what the other problems of "
							    "the file name"
							  : "make the file readable for the agent"};
	const char *why = s->has_text ? "the file does not say what has become of them"
				      : "it was not read since the agent started";

	if (n_more > 0)
		problem_add(&x->problems, SEVERITY_WARNING, &ref, &text,
			    "here and in %zu more files %zu objects are those of an earlier run",
			    n_more, n_objects);
	else
		problem_add(&x->problems, SEVERITY_WARNING, &ref, &text,
			    "%zu of its objects are those of an earlier run: %s", n_objects, why);
}

/* A folder that is away makes all of its files stale: some are named, the others counted. */
static void add_all_stale(struct api_world_index *x, const struct api_sources *sources)
{
	const struct api_source *last = NULL;
	size_t n = 0, n_objects = 0;

	for (size_t i = 0; i < sources->n; i++) {
		const struct api_source *s = sources->items[i];

		if (s->n_stale == 0)
			continue;
		if (++n < STALE_NAMED) {
			add_stale(x, s, s->n_stale, 0);
			continue;
		}
		last = s;
		n_objects += s->n_stale;
	}
	if (last)
		add_stale(x, last, n_objects, n - STALE_NAMED);
}

void api_world_index_fill(struct api_world_index *x, const struct api_sources *sources)
{
	assert(!x->is_full);
	x->arena = arena_new();
	x->problems = (struct problems){.arena = x->arena};
	x->is_full = true;
	gather(x, sources);
	drop_doubles(x);
	find_starts(x);
	gather_slices(x);
	for (size_t i = 0; i < sources->n; i++) {
		problems_append(&x->problems, &sources->items[i]->problems);
		problems_append(&x->problems, &sources->items[i]->caller);
	}
	add_all_stale(x, sources);
	problems_sort(&x->problems);
}

void api_world_index_drop(struct api_world_index *x)
{
	x->arena = arena_free(x->arena);
	x->is_full = false;
}

struct api_world_index *api_world_index_new(void)
{
	return xcalloc(1, sizeof(struct api_world_index));
}

struct api_world_index *api_world_index_free(struct api_world_index *x)
{
	if (x)
		arena_free(x->arena);
	free(x);
	return NULL;
}

/* --- reading --- */

struct world_list api_world_index_list(const struct api_world_index *x, enum api_kind kind)
{
	assert(x->is_full);
	return (struct world_list){.items = x->all + x->start[kind],
				   .n = x->start[kind + 1] - x->start[kind]};
}

const struct api_object *api_world_index_find(const struct api_world_index *x, enum api_kind kind,
					      const char *ns, const char *name)
{
	const struct api_object key = {.meta = {.kind = kind, .ns = ns, .name = name}};
	const struct api_object *wanted = &key;
	const struct api_object *const *found;

	assert(x->is_full);
	found = bsearch(&wanted, x->all, x->n, sizeof(*x->all), api_world_identity_cmp);
	return found ? *found : NULL;
}

/* The first slice at or (past: after) those of a Service. */
static size_t slice_bound(const struct api_world_index *x, const struct service_key *key, bool past)
{
	size_t low = 0, high = x->n_slices;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = slice_key_cmp(key, x->slices[mid]);

		if (order > 0 || (past && order == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct world_list api_world_index_slices(const struct api_world_index *x, const char *ns,
					 const char *service)
{
	const struct service_key key = {ns, service};
	size_t first = slice_bound(x, &key, false);

	assert(x->is_full);
	return (struct world_list){.items = x->slices + first,
				   .n = slice_bound(x, &key, true) - first};
}

const struct problems *api_world_index_problems(const struct api_world_index *x)
{
	assert(x->is_full);
	return &x->problems;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The views of api/world_index.h: for each kind one array of pointers to its objects, sorted by
 * namespace and name, so that a kind is one of them and an object is found by bisection; one of the
 * EndpointSlices, sorted by the Service they belong to; and one of the doubles, which stand in for
 * the object in view when that goes.
 */
#include "api/world_index.h"

#include "api/world_telling.h"
#include "api/world_view.h"

#include <assert.h>

#define MANY 64 /* objects of one source: beside few others it is quicker to sort anew */

struct api_world_index {
	bool is_full;
	struct world_view kinds[API_N_KINDS]; /* by identity, each once */
	struct world_view doubles;            /* the others, by api_world_object_cmp */
	struct world_view slices;             /* of kinds[API_ENDPOINT_SLICE], by slice_cmp */
	uint64_t generation;                  /* the last that was given; never given twice */
	uint64_t of_kind[API_N_KINDS];
	uint64_t *of_service; /* owned; of kinds[API_SERVICE].items[i] */
	size_t n_services, cap_services;
	struct world_telling telling;
	bool has_problems; /* they are as they would be made now */
	struct problems problems;
};

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

/* --- generations --- */

/* A Service came to that place. */
static void add_generation(struct api_world_index *x, size_t i)
{
	(void)xpush(&x->of_service, &x->n_services, &x->cap_services, sizeof(*x->of_service));
	memmove(&x->of_service[i + 1], &x->of_service[i],
		(x->n_services - 1 - i) * sizeof(*x->of_service));
	x->of_service[i] = ++x->generation;
}

static void remove_generation(struct api_world_index *x, size_t i)
{
	x->n_services--;
	memmove(&x->of_service[i], &x->of_service[i + 1],
		(x->n_services - i) * sizeof(*x->of_service));
}

/* Something of a Service changed; there need not be such a Service. */
static void renew_service(struct api_world_index *x, const char *ns, const char *name)
{
	const struct api_object key = {.meta = {.kind = API_SERVICE, .ns = ns, .name = name}};
	const struct world_view *v = &x->kinds[API_SERVICE];
	size_t i = world_view_place(v, &key, api_world_identity_cmp);

	if (world_view_is_at(v, i, &key))
		x->of_service[i] = ++x->generation;
}

/* What is in view of an identity is another object now, or none, or the first. */
static void renew(struct api_world_index *x, const struct api_object *o)
{
	x->of_kind[o->meta.kind] = ++x->generation;
	if (o->meta.kind == API_SERVICE || o->meta.kind == API_ENDPOINTS)
		renew_service(x, o->meta.ns, o->meta.name);
	if (o->meta.kind == API_ENDPOINT_SLICE && o->slice.service)
		renew_service(x, o->meta.ns, o->slice.service);
}

/* --- filling --- */

static void move_doubles(struct api_world_index *x, struct world_view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (n > 0 && api_world_identity_cmp(&v->items[n - 1], &v->items[i]) == 0)
			world_view_push(&x->doubles, v->items[i]);
		else
			v->items[n++] = v->items[i];
	v->n = n;
}

static void gather_slices(struct api_world_index *x)
{
	const struct world_view *v = &x->kinds[API_ENDPOINT_SLICE];

	for (size_t i = 0; i < v->n; i++)
		if (v->items[i]->slice.service)
			world_view_push(&x->slices, v->items[i]);
	world_view_sort(&x->slices, slice_cmp);
}

bool api_world_index_is_full(const struct api_world_index *x)
{
	return x->is_full;
}

void api_world_index_fill(struct api_world_index *x, const struct api_sources *sources)
{
	assert(!x->is_full);
	for (size_t i = 0; i < sources->n; i++)
		for (size_t j = 0; j < sources->items[i]->n; j++) {
			const struct api_object *o = sources->items[i]->objects[j];

			world_view_push(&x->kinds[o->meta.kind], o);
		}
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		x->of_kind[kind] = ++x->generation;
		world_view_sort(&x->kinds[kind], api_world_object_cmp);
		move_doubles(x, &x->kinds[kind]);
	}
	gather_slices(x);
	for (size_t i = 0; i < x->kinds[API_SERVICE].n; i++)
		add_generation(x, i);
	x->is_full = true;
}

void api_world_index_drop(struct api_world_index *x)
{
	for (int kind = 0; kind < API_N_KINDS; kind++)
		x->kinds[kind].n = 0;
	x->doubles.n = x->slices.n = x->n_services = 0;
	x->is_full = x->has_problems = false;
}

struct api_world_index *api_world_index_new(void)
{
	return xcalloc(1, sizeof(struct api_world_index));
}

struct api_world_index *api_world_index_free(struct api_world_index *x)
{
	if (!x)
		return NULL;
	for (int kind = 0; kind < API_N_KINDS; kind++)
		free(x->kinds[kind].items);
	free(x->doubles.items);
	free(x->slices.items);
	free(x->of_service);
	free(x->telling.items);
	arena_free(x->problems.arena);
	free(x);
	return NULL;
}

/* --- one source changed --- */

static void slice_in(struct api_world_index *x, const struct api_object *o)
{
	if (o->meta.kind == API_ENDPOINT_SLICE && o->slice.service)
		world_view_insert(&x->slices, world_view_place(&x->slices, o, slice_cmp), o);
}

static void slice_out(struct api_world_index *x, const struct api_object *o)
{
	size_t i;

	if (o->meta.kind != API_ENDPOINT_SLICE || !o->slice.service)
		return;
	i = world_view_place(&x->slices, o, slice_cmp);
	assert(i < x->slices.n && x->slices.items[i] == o);
	world_view_remove(&x->slices, i);
}

/*
 * The place of a double, or where it belongs: behind those that were read before it from the same
 * line.
 */
static size_t double_place(const struct api_world_index *x, const struct api_object *o)
{
	const struct world_view *v = &x->doubles;
	size_t i = world_view_place(v, o, api_world_object_cmp);

	while (i < v->n && v->items[i] != o &&
	       world_view_cmp(v->items[i], o, api_world_object_cmp) == 0)
		i++;
	return i;
}

static void add_double(struct api_world_index *x, const struct api_object *o)
{
	size_t i = double_place(x, o);

	if (i < x->doubles.n && x->doubles.items[i] == o)
		return;
	world_view_insert(&x->doubles, i, o);
}

static void remove_double(struct api_world_index *x, const struct api_object *o)
{
	size_t i = double_place(x, o);

	assert(i < x->doubles.n && x->doubles.items[i] == o);
	world_view_remove(&x->doubles, i);
	x->has_problems = false;
}

/* What is there already stays. */
static void add_object(struct api_world_index *x, const struct api_object *o)
{
	struct world_view *v = &x->kinds[o->meta.kind];
	size_t i = world_view_place(v, o, api_world_identity_cmp);
	const struct api_object *in_view = world_view_is_at(v, i, o) ? v->items[i] : NULL;

	if (in_view == o)
		return;
	if (!in_view) {
		world_view_insert(v, i, o);
		if (o->meta.kind == API_SERVICE)
			add_generation(x, i);
		slice_in(x, o);
		renew(x, o);
	} else if (world_view_cmp(in_view, o, api_world_object_cmp) <= 0) {
		add_double(x, o);
	} else {
		slice_out(x, in_view);
		renew(x, in_view);
		v->items[i] = o;
		slice_in(x, o);
		renew(x, o);
		/* It was the first of those on its line, too. */
		world_view_insert(&x->doubles,
				  world_view_place(&x->doubles, in_view, api_world_object_cmp),
				  in_view);
	}
}

static void remove_object(struct api_world_index *x, const struct api_object *o)
{
	struct world_view *v = &x->kinds[o->meta.kind];
	size_t i = world_view_place(v, o, api_world_identity_cmp);
	size_t next = world_view_place(&x->doubles, o, api_world_identity_cmp);

	assert(world_view_is_at(v, i, o));
	if (v->items[i] != o) {
		remove_double(x, o);
		return;
	}
	slice_out(x, o);
	renew(x, o);
	if (world_view_is_at(&x->doubles, next, o)) {
		v->items[i] = x->doubles.items[next];
		slice_in(x, v->items[i]);
		renew(x, v->items[i]);
		remove_double(x, v->items[i]);
		return;
	}
	world_view_remove(v, i);
	if (o->meta.kind == API_SERVICE)
		remove_generation(x, i);
}

void api_world_index_note(struct api_world_index *x, struct api_source *s, bool changed)
{
	if (world_telling_note(&x->telling, s) && changed)
		x->has_problems = false;
}

/* So many of one source that all is sooner sorted anew. */
static bool is_many(const struct api_world_index *x, size_t n)
{
	size_t all = x->doubles.n;

	for (int kind = 0; kind < API_N_KINDS; kind++)
		all += x->kinds[kind].n;
	return n > MANY + all / 8;
}

void api_world_index_leave(struct api_world_index *x, const struct api_source *s)
{
	const struct api_change *c = s->change;

	if (is_many(x, c->n_come + c->n_gone))
		api_world_index_drop(x);
	for (size_t i = 0; x->is_full && i < c->n_gone; i++)
		remove_object(x, c->gone[i]);
}

void api_world_index_enter(struct api_world_index *x, const struct api_source *s)
{
	const struct api_change *c = s->change;

	for (size_t i = 0; x->is_full && i < c->n_come; i++)
		add_object(x, c->come[i]);
	for (size_t i = 0; x->is_full && c->has_moved && i < s->n; i++)
		x->of_kind[s->objects[i]->meta.kind] = ++x->generation;
	/* Something may have come that is there already, and problems name lines. */
	x->has_problems &= x->doubles.n == 0;
}

void api_world_index_forget(struct api_world_index *x, struct api_source *s)
{
	if (is_many(x, s->n))
		api_world_index_drop(x);
	for (size_t i = 0; x->is_full && i < s->n; i++)
		remove_object(x, s->objects[i]);
	if (world_telling_forget(&x->telling, s))
		x->has_problems = false;
}

/* --- problems --- */

static void note_double(struct api_world_index *x, const struct api_object *other)
{
	const struct world_view *v = &x->kinds[other->meta.kind];
	const struct api_object *used =
		v->items[world_view_place(v, other, api_world_identity_cmp)];
	struct object_ref ref = api_object_ref(other);
	struct problem_text text = {.reason = "DefinedTwice", .remedy = "remove one of them"};

	problem_add(&x->problems, SEVERITY_ERROR, &ref, &text,
		    "defined more than once: %s:%u is used, %s:%u is not", used->meta.file,
		    used->meta.line, other->meta.file, other->meta.line);
}

const struct problems *api_world_index_problems(struct api_world_index *x)
{
	assert(x->is_full);
	if (x->has_problems)
		return &x->problems;
	arena_free(x->problems.arena);
	x->problems = (struct problems){.arena = arena_new()};
	for (size_t i = 0; i < x->doubles.n; i++)
		note_double(x, x->doubles.items[i]);
	world_telling_problems(&x->telling, &x->problems);
	problems_sort(&x->problems);
	x->has_problems = true;
	return &x->problems;
}

struct api_sources api_world_index_telling(const struct api_world_index *x)
{
	return (struct api_sources){.items = x->telling.items, .n = x->telling.n};
}

/* --- reading --- */

struct world_list api_world_index_list(const struct api_world_index *x, enum api_kind kind)
{
	assert(x->is_full);
	return (struct world_list){.items = x->kinds[kind].items, .n = x->kinds[kind].n};
}

const struct api_object *api_world_index_find(const struct api_world_index *x, enum api_kind kind,
					      const char *ns, const char *name)
{
	const struct api_object key = {.meta = {.kind = kind, .ns = ns, .name = name}};
	const struct world_view *v = &x->kinds[kind];
	size_t i = world_view_place(v, &key, api_world_identity_cmp);

	assert(x->is_full);
	return world_view_is_at(v, i, &key) ? v->items[i] : NULL;
}

uint64_t api_world_index_generation(const struct api_world_index *x, enum api_kind kind)
{
	assert(x->is_full);
	return x->of_kind[kind];
}

const uint64_t *api_world_index_services(const struct api_world_index *x)
{
	assert(x->is_full && x->n_services == x->kinds[API_SERVICE].n);
	return x->of_service;
}

/* The first slice at or (past: after) those of a Service. */
static size_t slice_bound(const struct api_world_index *x, const struct service_key *key, bool past)
{
	size_t low = 0, high = x->slices.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = slice_key_cmp(key, x->slices.items[mid]);

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
	return (struct world_list){.items = x->slices.items ? x->slices.items + first : NULL,
				   .n = slice_bound(x, &key, true) - first};
}

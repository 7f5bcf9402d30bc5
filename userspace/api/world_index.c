// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The views of api/world_index.h: for each kind one array of pointers to its objects, sorted by
 * namespace and name, so that a kind is one of them and an object is found by bisection; one of the
 * EndpointSlices, sorted by the Service they belong to; and one of the doubles, which stand in for
 * the object in view when that goes. A change moves what is behind it by one place, which is cheap
 * even where there are 50,000; nothing is compared but on the way to that place.
 */
#include "api/world_index.h"

#include <assert.h>

#define STALE_NAMED 32 /* sources with a problem of their own */
#define MANY        64 /* objects of one source: beside few others it is quicker to sort anew */

/* Borrowed objects, sorted. */
struct view {
	const struct api_object **items; /* owned */
	size_t n, cap;
};

struct api_world_index {
	bool is_full;
	struct view kinds[API_N_KINDS]; /* by identity, each once */
	struct view doubles;            /* the others, by api_world_object_cmp */
	struct view slices;             /* of kinds[API_ENDPOINT_SLICE], by slice_cmp */
	uint64_t generation;            /* the last that was given; never given twice */
	uint64_t of_kind[API_N_KINDS];
	uint64_t *of_service; /* owned; of kinds[API_SERVICE].items[i] */
	size_t n_services, cap_services;
	struct api_source **telling; /* owned, of borrowed ones; in no order */
	size_t n_telling, cap_telling;
	bool has_problems; /* they are as they would be made now */
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

/* --- views --- */

static int view_cmp(const struct api_object *a, const struct api_object *b,
		    int (*cmp)(const void *a, const void *b))
{
	return cmp(&a, &b);
}

/* The first place of a view whose object is not before `o`. */
static size_t view_place(const struct view *v, const struct api_object *o,
			 int (*cmp)(const void *a, const void *b))
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (view_cmp(v->items[mid], o, cmp) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_at(const struct view *v, size_t i, const struct api_object *o)
{
	return i < v->n && view_cmp(v->items[i], o, api_world_identity_cmp) == 0;
}

static void view_push(struct view *v, const struct api_object *o)
{
	const struct api_object **last = xpush(&v->items, &v->n, &v->cap, sizeof(*v->items));

	*last = o;
}

static void view_insert(struct view *v, size_t i, const struct api_object *o)
{
	view_push(v, o);
	memmove(&v->items[i + 1], &v->items[i], (v->n - 1 - i) * sizeof(*v->items));
	v->items[i] = o;
}

static void view_remove(struct view *v, size_t i)
{
	v->n--;
	memmove(&v->items[i], &v->items[i + 1], (v->n - i) * sizeof(*v->items));
}

/* Sources often come in the order of their objects; then there is nothing to sort. */
static void view_sort(struct view *v, int (*cmp)(const void *a, const void *b))
{
	size_t i = 1;

	while (i < v->n && cmp(&v->items[i - 1], &v->items[i]) <= 0)
		i++;
	if (i < v->n)
		qsort(v->items, v->n, sizeof(*v->items), cmp);
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
	const struct view *v = &x->kinds[API_SERVICE];
	size_t i = view_place(v, &key, api_world_identity_cmp);

	if (is_at(v, i, &key))
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

static void move_doubles(struct api_world_index *x, struct view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (n > 0 && api_world_identity_cmp(&v->items[n - 1], &v->items[i]) == 0)
			view_push(&x->doubles, v->items[i]);
		else
			v->items[n++] = v->items[i];
	v->n = n;
}

static void gather_slices(struct api_world_index *x)
{
	const struct view *v = &x->kinds[API_ENDPOINT_SLICE];

	for (size_t i = 0; i < v->n; i++)
		if (v->items[i]->slice.service)
			view_push(&x->slices, v->items[i]);
	view_sort(&x->slices, slice_cmp);
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

			view_push(&x->kinds[o->meta.kind], o);
		}
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		x->of_kind[kind] = ++x->generation;
		view_sort(&x->kinds[kind], api_world_object_cmp);
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
	free(x->telling);
	arena_free(x->problems.arena);
	free(x);
	return NULL;
}

/* --- one source changed --- */

static void slice_in(struct api_world_index *x, const struct api_object *o)
{
	if (o->meta.kind == API_ENDPOINT_SLICE && o->slice.service)
		view_insert(&x->slices, view_place(&x->slices, o, slice_cmp), o);
}

static void slice_out(struct api_world_index *x, const struct api_object *o)
{
	size_t i;

	if (o->meta.kind != API_ENDPOINT_SLICE || !o->slice.service)
		return;
	i = view_place(&x->slices, o, slice_cmp);
	assert(i < x->slices.n && x->slices.items[i] == o);
	view_remove(&x->slices, i);
}

/*
 * The place of a double, or where it belongs: behind those that were read before it from the same
 * line.
 */
static size_t double_place(const struct api_world_index *x, const struct api_object *o)
{
	const struct view *v = &x->doubles;
	size_t i = view_place(v, o, api_world_object_cmp);

	while (i < v->n && v->items[i] != o && view_cmp(v->items[i], o, api_world_object_cmp) == 0)
		i++;
	return i;
}

static void add_double(struct api_world_index *x, const struct api_object *o)
{
	size_t i = double_place(x, o);

	if (i < x->doubles.n && x->doubles.items[i] == o)
		return;
	view_insert(&x->doubles, i, o);
	x->has_problems = false;
}

static void remove_double(struct api_world_index *x, const struct api_object *o)
{
	size_t i = double_place(x, o);

	assert(i < x->doubles.n && x->doubles.items[i] == o);
	view_remove(&x->doubles, i);
	x->has_problems = false;
}

/* What is there already stays. */
static void add_object(struct api_world_index *x, const struct api_object *o)
{
	struct view *v = &x->kinds[o->meta.kind];
	size_t i = view_place(v, o, api_world_identity_cmp);
	const struct api_object *in_view = is_at(v, i, o) ? v->items[i] : NULL;

	if (in_view == o)
		return;
	if (!in_view) {
		view_insert(v, i, o);
		if (o->meta.kind == API_SERVICE)
			add_generation(x, i);
		slice_in(x, o);
		renew(x, o);
	} else if (view_cmp(in_view, o, api_world_object_cmp) <= 0) {
		add_double(x, o);
	} else {
		slice_out(x, in_view);
		renew(x, in_view);
		v->items[i] = o;
		slice_in(x, o);
		renew(x, o);
		/* It was the first of those on its line, too. */
		view_insert(&x->doubles, view_place(&x->doubles, in_view, api_world_object_cmp),
			    in_view);
		x->has_problems = false;
	}
}

static void remove_object(struct api_world_index *x, const struct api_object *o)
{
	struct view *v = &x->kinds[o->meta.kind];
	size_t i = view_place(v, o, api_world_identity_cmp);
	size_t next = view_place(&x->doubles, o, api_world_identity_cmp);

	assert(is_at(v, i, o));
	if (v->items[i] != o) {
		remove_double(x, o);
		return;
	}
	slice_out(x, o);
	renew(x, o);
	if (is_at(&x->doubles, next, o)) {
		v->items[i] = x->doubles.items[next];
		slice_in(x, v->items[i]);
		renew(x, v->items[i]);
		remove_double(x, v->items[i]);
		return;
	}
	view_remove(v, i);
	if (o->meta.kind == API_SERVICE)
		remove_generation(x, i);
}

static bool tells(const struct api_source *s)
{
	return s->problems || s->caller || s->n_stale > 0 || s->n_left_out > 0 || s->hidden;
}

static void begin_telling(struct api_world_index *x, struct api_source *s)
{
	struct api_source **last =
		xpush(&x->telling, &x->n_telling, &x->cap_telling, sizeof(*x->telling));

	*last = s;
	s->telling = x->n_telling;
}

/* The last one takes its place. */
static void end_telling(struct api_world_index *x, struct api_source *s)
{
	struct api_source *last = x->telling[--x->n_telling];

	x->telling[s->telling - 1] = last;
	last->telling = s->telling;
	s->telling = 0;
}

void api_world_index_note(struct api_world_index *x, struct api_source *s, bool changed)
{
	const bool does = tells(s);

	x->has_problems &= !(changed && (does || s->telling));
	if (does && !s->telling)
		begin_telling(x, s);
	else if (!does && s->telling)
		end_telling(x, s);
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
	x->has_problems &= x->doubles.n == 0; /* they name lines */
}

void api_world_index_forget(struct api_world_index *x, struct api_source *s)
{
	if (is_many(x, s->n))
		api_world_index_drop(x);
	for (size_t i = 0; x->is_full && i < s->n; i++)
		remove_object(x, s->objects[i]);
	if (s->telling) {
		end_telling(x, s);
		x->has_problems = false;
	}
}

/* --- problems --- */

static void note_double(struct api_world_index *x, const struct api_object *other)
{
	const struct view *v = &x->kinds[other->meta.kind];
	const struct api_object *used = v->items[view_place(v, other, api_world_identity_cmp)];
	struct object_ref ref = api_object_ref(other);
	struct problem_text text = {.reason = "DefinedTwice", .remedy = "remove one of them"};

	problem_add(&x->problems, SEVERITY_ERROR, &ref, &text,
		    "defined more than once: %s:%u is used, %s:%u is not", used->meta.file,
		    used->meta.line, other->meta.file, other->meta.line);
}

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
static void add_all_stale(struct api_world_index *x)
{
	const struct api_source *last = NULL;
	size_t n = 0, n_objects = 0;

	for (size_t i = 0; i < x->n_telling; i++) {
		const struct api_source *s = x->telling[i];

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

static int telling_cmp(const void *a, const void *b)
{
	const struct api_source *const *x = a, *const *y = b;
	const unsigned shard = (*x)->name_hash % WORLD_SHARDS;
	const unsigned other = (*y)->name_hash % WORLD_SHARDS;

	return shard != other ? (shard > other) - (shard < other) : strcmp((*x)->name, (*y)->name);
}

/* Which of the stale ones are named depends on nothing but the names. */
static void sort_telling(struct api_world_index *x)
{
	if (x->n_telling)
		qsort(x->telling, x->n_telling, sizeof(*x->telling), telling_cmp);
	for (size_t i = 0; i < x->n_telling; i++)
		x->telling[i]->telling = i + 1;
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
	sort_telling(x);
	for (size_t i = 0; i < x->n_telling; i++) {
		if (x->telling[i]->problems)
			problems_append(&x->problems, x->telling[i]->problems);
		if (x->telling[i]->caller)
			problems_append(&x->problems, x->telling[i]->caller);
	}
	add_all_stale(x);
	problems_sort(&x->problems);
	x->has_problems = true;
	return &x->problems;
}

struct api_sources api_world_index_telling(const struct api_world_index *x)
{
	return (struct api_sources){.items = x->telling, .n = x->n_telling};
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
	const struct view *v = &x->kinds[kind];
	size_t i = view_place(v, &key, api_world_identity_cmp);

	assert(x->is_full);
	return is_at(v, i, &key) ? v->items[i] : NULL;
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

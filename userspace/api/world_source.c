// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A source owns its objects. What a new text says is weighed against them: an object stays, at its
 * address, where its document is the same or was decoded to the same object; one that the text
 * names wrongly, or may name where it is unreadable, is kept, whether this run or an earlier one
 * put it there; the others go. Of two objects with one name in one source nothing is concluded but
 * from equal documents, so their order stays that of the text.
 */
#include "api/world_source.h"

#include "api/world_view.h"
#include "base/hash.h"

#include <assert.h>

#define LAST_GOOD "LastGoodInForce"

/* What becomes of an old object. */
enum fate { GOES, STAYS, KEPT /* although the text does not say it */ };

struct api_place {
	enum fate fate;
	unsigned document, line; /* of one that stays */
};

/* Most sources have none, which costs nothing. */
static struct problems *problems_of(struct problems **list)
{
	struct arena *arena;

	if (*list)
		return *list;
	arena = arena_new();
	*list = arena_new_of(arena, struct problems);
	(*list)->arena = arena;
	return *list;
}

static void drop_problems(struct problems **list)
{
	if (*list)
		arena_free((*list)->arena); /* and the list with it */
	*list = NULL;
}

struct api_source *api_source_new(const char *name, uint64_t name_hash)
{
	size_t size = strlen(name) + 1;
	struct api_source *s = xcalloc(1, offsetof(struct api_source, name) + size);

	memcpy(s->name, name, size);
	s->name_hash = name_hash;
	return s;
}

/* The array, not what it names. */
static void drop_list(struct api_source *s)
{
	if (s->objects != &s->single)
		free(s->objects);
	s->objects = NULL;
}

struct api_source *api_source_free(struct api_source *s)
{
	if (!s)
		return NULL;
	assert(!s->change); /* none is weighed and not yet buried */
	for (size_t i = 0; i < s->n; i++)
		api_object_free(s->objects[i]);
	api_documents_done(&s->documents);
	drop_problems(&s->problems);
	drop_problems(&s->caller);
	drop_list(s);
	free(s);
	return NULL;
}

/* --- problems of the source as a whole -------------------------------------------------------- */

static struct object_ref file_ref(const struct api_source *s)
{
	return (struct object_ref){.kind = "File", .name = s->name, .file = s->name};
}

bool api_source_complain(struct api_source *s, const struct problem_text *text, const char *message)
{
	struct object_ref ref = file_ref(s);

	for (size_t i = 0; s->caller && i < s->caller->n; i++)
		if (strcmp(s->caller->items[i].reason, text->reason) == 0 &&
		    strcmp(s->caller->items[i].message, message) == 0)
			return false;
	problem_add(problems_of(&s->caller), SEVERITY_ERROR, &ref, text, "%s", message);
	return true;
}

bool api_source_forgive(struct api_source *s)
{
	bool had = s->caller;

	drop_problems(&s->caller);
	return had;
}

/* --- what stays ------------------------------------------------------------------------------- */

/* A source, a text that was read, and what is decided so far. */
struct weighing {
	struct api_source *s;
	struct api_reading *r;
	struct api_change *c;
};

static void stay(struct weighing *w, size_t i, unsigned document, unsigned line)
{
	assert(w->c->places[i].fate == GOES && document < w->r->documents.n);
	w->c->places[i] = (struct api_place){STAYS, document, line};
	w->c->has_moved |= line != w->s->objects[i]->meta.line;
}

/* The objects of documents that the new text has, too. */
static void keep_documents(struct weighing *w)
{
	const struct api_documents *old = &w->s->documents, *new = &w->r->documents;
	size_t *new_of = xcalloc(old->n + 1, sizeof(*new_of)); /* from 1; 0: gone */

	for (size_t i = 0; i < new->n; i++)
		if (w->r->old_of[i] != API_DECODED)
			new_of[w->r->old_of[i]] = i + 1;
	for (size_t i = 0; i < w->s->n; i++) {
		const struct api_object *o = w->s->objects[i];
		size_t place = o->document < old->n ? new_of[o->document] : 0;

		if (place > 0)
			stay(w, i, (unsigned)place - 1,
			     o->meta.line - old->items[o->document].line +
				     new->items[place - 1].line);
	}
	free(new_of);
}

static bool is_same_identity(const struct api_object *a, const struct api_object *b)
{
	return api_world_identity_cmp(&a, &b) == 0;
}

/* The only one of that identity in a sorted list; `n` if there is none, or several. */
static size_t find_only(struct api_object *const *objects, size_t n, const struct api_object *o)
{
	struct api_object *const *found =
		n == 0 ? NULL : bsearch(&o, objects, n, sizeof(*objects), api_world_identity_cmp);
	size_t i = found ? (size_t)(found - objects) : n;

	if (found && ((i > 0 && is_same_identity(objects[i - 1], o)) ||
		      (i + 1 < n && is_same_identity(objects[i + 1], o))))
		return n;
	return i;
}

/* An earlier run's objects are replaced by equal ones, too: then they are of this run. */
static bool same_object(const struct api_object *a, const struct api_object *b)
{
	return !a->is_stale && a->hash == b->hash && a->text_len == b->text_len &&
	       a->text_hash == b->text_hash;
}

/* A document was touched, but not this object of it: written anew, or one of a List. */
static void keep_equal(struct weighing *w)
{
	const struct api_reading *r = w->r;
	const struct api_source *s = w->s;
	bool *is_old = xcalloc(r->n + 1, sizeof(*is_old));

	for (size_t i = 0; i < r->n; i++) {
		const struct api_object *o = r->objects[i];
		size_t old = find_only(s->objects, s->n, o);

		is_old[i] = old < s->n && find_only(r->objects, r->n, o) == i &&
			    w->c->places[old].fate == GOES && same_object(s->objects[old], o);
		if (is_old[i])
			stay(w, old, o->document, o->meta.line);
	}
	for (size_t i = 0; i < r->n; i++)
		if (is_old[i])
			api_object_free(r->objects[i]);
		else
			w->c->come[w->c->n_come++] = r->objects[i];
	free(is_old);
}

/* --- last good versions ----------------------------------------------------------------------- */

static int refused_cmp(const void *a, const void *b)
{
	const struct api_identity *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = strcmp(x->ns, y->ns);
	return order ? order : strcmp(x->name, y->name);
}

static bool is_refused(const struct api_reading *r, const struct api_meta *m)
{
	const struct api_identity key = {m->kind, m->ns, m->name};

	return r->n_refused > 0 &&
	       bsearch(&key, r->refused, r->n_refused, sizeof(key), refused_cmp);
}

static bool is_among(struct api_object *const *objects, size_t n, const struct api_object *o)
{
	return n > 0 &&
	       bsearch(&o, objects, n, sizeof(struct api_object *), api_world_identity_cmp);
}

/* The text holds an object of that identity, in place of old object i or beside it. */
static bool is_named(const struct weighing *w, size_t i)
{
	struct api_object *const *old = w->s->objects;
	size_t from = i, to = i + 1;

	while (from > 0 && is_same_identity(old[from - 1], old[i]))
		from--;
	while (to < w->s->n && is_same_identity(old[to], old[i]))
		to++;
	for (; from < to; from++)
		if (w->c->places[from].fate == STAYS)
			return true;
	return is_among(w->c->come, w->c->n_come, old[i]);
}

static void note_kept(struct weighing *w, const struct api_object *o, bool refused)
{
	struct object_ref ref = api_object_ref(o);
	struct problem_text text = {.reason = LAST_GOOD,
				    .remedy =
					    refused ? "correct the object"
						    : "correct the documents that are unreadable"};

	problem_add(problems_of(&w->c->problems), SEVERITY_INFO, &ref, &text,
		    refused ? "the last version that was right stays in force"
			    : "not found in a file that is partly unreadable; stays in force");
}

/* An old object stays if the new text names it wrongly, or may have named it where it is
 * unreadable. */
static void keep_last_good(struct weighing *w)
{
	if (w->r->n_refused > 0)
		qsort(w->r->refused, w->r->n_refused, sizeof(*w->r->refused), refused_cmp);
	else if (!w->r->is_lost)
		return;
	for (size_t i = 0; i < w->s->n; i++) {
		const struct api_object *o = w->s->objects[i];
		bool refused = is_refused(w->r, &o->meta);

		if (w->c->places[i].fate != GOES || !(refused || w->r->is_lost) || is_named(w, i))
			continue;
		w->c->places[i].fate = KEPT;
		note_kept(w, o, refused);
	}
}

/* --- room ------------------------------------------------------------------------------------- */

static void note_left_out(struct weighing *w)
{
	struct object_ref ref = file_ref(w->s);
	struct problem_text text = {
		.reason = "TooManyObjects",
		.remedy = "remove objects that are not needed; these are taken as soon as there is "
			  "room"};

	problem_add(problems_of(&w->c->problems), SEVERITY_ERROR, &ref, &text,
		    "%u of its objects are left out: the agent holds as many as it may",
		    w->s->n_left_out);
}

/* What the source did not hold before comes only as far as there is room. */
static void leave_out(struct weighing *w, size_t room)
{
	struct api_change *c = w->c;
	size_t n_old = 0, n = 0, n_new = 0;

	w->s->n_left_out = 0;
	for (size_t i = 0; i < w->s->n; i++)
		n_old += c->places[i].fate != GOES;
	if (n_old + c->n_come <= room)
		return;
	for (size_t i = 0; i < c->n_come; i++)
		n_old += is_among(w->s->objects, w->s->n, c->come[i]);
	for (size_t i = 0; i < c->n_come; i++) {
		struct api_object *o = c->come[i];
		bool is_new = !is_among(w->s->objects, w->s->n, o);

		if (!is_new || n_old + n_new < room) {
			n_new += is_new;
			c->come[n++] = o;
			continue;
		}
		w->r->documents.items[o->document].hash = 0; /* it is decoded again for it */
		w->s->n_left_out++;
		api_object_free(o);
	}
	assert(n + w->s->n_left_out == c->n_come);
	assert(n_new == 0 || n_old + n_new <= room);
	c->n_come = n;
	if (w->s->n_left_out > 0)
		note_left_out(w);
}

/* --- problems --------------------------------------------------------------------------------- */

/* What was told of a document that stands elsewhere now. */
static void move_problems(struct problems *list, unsigned from, unsigned to)
{
	for (size_t i = 0; from != to && i < list->n; i++) {
		struct problem *p = &list->items[i];

		p->object.line += to - from;
		p->line += p->line > 0 ? to - from : 0;
	}
}

static void gather_problems(struct weighing *w)
{
	struct api_documents *old = &w->s->documents, *new = &w->r->documents;

	for (size_t i = 0; i < new->n; i++) {
		struct api_document *d = &new->items[i];
		size_t from = w->r->old_of[i];

		assert(from == API_DECODED || (from < old->n && !d->told)); /* told by decoding */
		if (from != API_DECODED && old->items[from].told) {
			d->told = TAKE_PTR(old->items[from].told);
			move_problems(d->told, old->items[from].line, d->line);
		}
		if (d->told)
			problems_append(problems_of(&w->c->problems), d->told);
	}
	if (w->c->problems)
		problems_sort(w->c->problems);
}

static bool same_problems(const struct problems *a, const struct problems *b)
{
	if (!a || !b || a->n != b->n)
		return a == b;
	for (size_t i = 0; i < a->n; i++)
		if (problem_cmp(&a->items[i], &b->items[i]) != 0 ||
		    a->items[i].line != b->items[i].line ||
		    a->items[i].object.line != b->items[i].object.line)
			return false;
	return true;
}

static size_t foreign_in(const struct api_documents *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->items[i].foreign;
	return n;
}

/* Kinds of which the text may hold an object that is not among those read. */
static uint32_t hidden_kinds(const struct weighing *w)
{
	uint32_t kinds = w->r->is_lost || w->s->n_left_out > 0 ? UINT32_MAX : 0;

	static_assert(API_N_KINDS <= 32, "a bit for each kind");
	for (size_t i = 0; i < w->r->n_refused; i++)
		kinds |= UINT32_C(1) << w->r->refused[i].kind;
	return kinds;
}

/* --- weighing and committing
 * ----------------------------------------------------------------------
 */

static void lay_out(struct weighing *w)
{
	struct api_change *c = w->c;

	c->gone = xcalloc(w->s->n + 1, sizeof(*c->gone));
	for (size_t i = 0; i < w->s->n; i++)
		if (c->places[i].fate == GOES)
			c->gone[c->n_gone++] = w->s->objects[i];
}

/* Most texts are one document, so what is kept of them is kept short. */
static void take_documents(struct api_documents *to, struct api_documents *from)
{
	api_documents_done(to);
	to->n = to->cap = from->n;
	if (from->n > 0)
		to->items = xrealloc(TAKE_PTR(from->items), from->n, sizeof(*to->items));
	*from = (struct api_documents){0};
}

static bool weigh(struct weighing *w, size_t room)
{
	struct api_reading *r = w->r;
	struct api_source *s = w->s;
	bool changed;

	if (r->n > 0)
		qsort(r->objects, r->n, sizeof(*r->objects), api_world_object_cmp);
	keep_documents(w);
	keep_equal(w);
	keep_last_good(w);
	leave_out(w, room);
	lay_out(w);
	r->n = 0; /* they are the change's */
	gather_problems(w);
	changed = w->c->n_gone > 0 || w->c->n_come > 0 || w->c->has_moved ||
		  !same_problems(w->c->problems, s->problems) ||
		  foreign_in(&r->documents) != s->foreign;
	s->hidden = hidden_kinds(w);
	s->foreign = (uint32_t)foreign_in(&r->documents);
	s->has_text = true;
	take_documents(&s->documents, &r->documents);
	return changed;
}

bool api_source_weigh(struct api_source *s, struct api_reading *r, size_t room)
{
	struct weighing w = {.s = s, .r = r};
	bool forgiven = api_source_forgive(s);

	assert(r->is_through && !s->change);
	s->change = w.c = xcalloc(1, sizeof(*w.c));
	w.c->come = xcalloc(r->n + 1, sizeof(*w.c->come));
	w.c->places = xcalloc(s->n + 1, sizeof(*w.c->places));
	return weigh(&w, room) || forgiven;
}

/* Of one object, as it is saved; sums are independent of the order. */
static uint64_t saved_hash(const struct api_object *o)
{
	return o->text ? hash_u64(o->text_hash, o->meta.line) : 0;
}

static void note_objects(struct api_source *s)
{
	s->n_stale = 0;
	s->saved = 0;
	for (size_t i = 0; i < s->n; i++) {
		s->n_stale += s->objects[i]->is_stale;
		s->saved += saved_hash(s->objects[i]);
	}
}

/* Those that stay, in their new lines, and among them those that come. */
static void merge_objects(struct api_source *s, const struct api_change *c)
{
	size_t n_all = s->n - c->n_gone + c->n_come, n = 0, i = 0, j = 0;
	struct api_object **all = n_all > 1 ? xcalloc(n_all + 1, sizeof(*all)) : &s->single;

	while (i < s->n || j < c->n_come) {
		if (i < s->n && c->places[i].fate == GOES)
			i++;
		else if (j == c->n_come ||
			 (i < s->n && api_world_object_cmp(&s->objects[i], &c->come[j]) <= 0))
			all[n++] = s->objects[i++];
		else
			all[n++] = c->come[j++];
	}
	assert(n == n_all);
	if (all != s->objects)
		drop_list(s);
	s->objects = all;
	s->n = (uint32_t)n;
}

void api_source_commit(struct api_source *s)
{
	struct api_change *c = s->change;

	assert(c && c->n_gone <= s->n);
	for (size_t i = 0; i < s->n; i++) {
		struct api_object *o = s->objects[i];

		if (c->places[i].fate == STAYS) {
			o->meta.line = c->places[i].line;
			o->document = c->places[i].document;
		} else {
			o->document = UINT32_MAX;
		}
	}
	if (c->n_gone > 0 || c->n_come > 0)
		merge_objects(s, c);
	drop_problems(&s->problems);
	s->problems = TAKE_PTR(c->problems);
	note_objects(s);
}

void api_source_bury(struct api_source *s)
{
	struct api_change *c = TAKE_PTR(s->change);

	if (!c)
		return;
	for (size_t i = 0; i < c->n_gone; i++)
		api_object_free(c->gone[i]);
	drop_problems(&c->problems);
	free(c->gone);
	free(c->come);
	free(c->places);
	free(c);
}

/* --- an earlier run's objects ----------------------------------------------------------------- */

/* They were saved in order, so there is rarely anything to move. */
static void insert_object(struct api_source *s, struct api_object *o)
{
	size_t i;

	if (s->n == 0) {
		drop_list(s);
		s->objects = &s->single;
	} else if ((s->n & (s->n - 1)) == 0) { /* as large as the next power of two */
		struct api_object **old = s->n == 1 ? NULL : s->objects;

		s->objects = xrealloc(old, 2 * s->n, sizeof(*s->objects));
		s->objects[0] = s->n == 1 ? s->single : s->objects[0];
	}
	for (i = s->n++; i > 0 && api_world_object_cmp(&s->objects[i - 1], &o) > 0; i--)
		s->objects[i] = s->objects[i - 1];
	s->objects[i] = o;
}

struct api_object *api_saved_object(const struct api_yaml_text *document)
{
	struct api_object *saved = NULL;
	struct api_batch b;

	api_batch_init(&b);
	api_decode_document(&b, "", document);
	if (b.n == 1 && b.n_refused == 0 && !b.is_lost) {
		saved = b.objects[0];
		b.n = 0;
	}
	api_batch_done(&b);
	return saved;
}

void api_source_restore(struct api_source *s, struct api_object *saved)
{
	assert(!s->has_text);
	saved->meta.file = s->name;
	saved->is_stale = true;
	saved->document = UINT32_MAX;
	insert_object(s, saved);
	s->saved += saved_hash(saved);
	s->n_stale++;
	s->hidden = UINT32_MAX;
}

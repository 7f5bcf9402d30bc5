// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A source owns its objects. A new text is decoded into a picture; objects that it names wrongly,
 * or may have named where it is unreadable, are taken over from the old picture, whether this run
 * or an earlier one put them there. When the new picture is the old one (content and lines) and
 * says the same problems, the old objects stay, with their addresses.
 */
#include "api/world_source.h"

#include "api/document.h"
#include "api/world_index.h"
#include "base/hash.h"

#include <assert.h>

#define LAST_GOOD "LastGoodInForce"

struct api_source *api_source_new(const char *name, uint64_t name_hash)
{
	struct api_source *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->name_hash = name_hash;
	s->arena = arena_new();
	s->problems.arena = s->arena;
	s->caller.arena = arena_new();
	return s;
}

struct api_source *api_source_free(struct api_source *s)
{
	if (!s)
		return NULL;
	api_source_bury(s);
	for (size_t i = 0; i < s->n; i++)
		api_object_free(s->objects[i]);
	arena_free(s->arena);
	arena_free(s->caller.arena);
	free(s->objects);
	free(s->name);
	free(s);
	return NULL;
}

/* --- problems of the source as a whole ----------------------------------------------------------
 */

bool api_source_complain(struct api_source *s, const struct problem_text *text, const char *message)
{
	struct object_ref ref = {.kind = "File", .name = s->name, .file = s->name};

	for (size_t i = 0; i < s->caller.n; i++)
		if (strcmp(s->caller.items[i].reason, text->reason) == 0 &&
		    strcmp(s->caller.items[i].message, message) == 0)
			return false;
	problem_add(&s->caller, SEVERITY_ERROR, &ref, text, "%s", message);
	return true;
}

bool api_source_forgive(struct api_source *s)
{
	bool had = s->caller.n > 0;

	s->caller.arena = arena_free(s->caller.arena);
	s->caller = (struct problems){.arena = arena_new()};
	return had;
}

/* --- last good versions -------------------------------------------------------------------------
 */

/* The new picture of a source while it is compared with the old one. */
struct picture {
	struct api_batch batch;
	struct api_object **objects; /* new ones and kept ones, sorted; borrowed */
	size_t n;
	bool *is_kept; /* by place in the old source */
	size_t n_left_out;
};

static bool is_named(struct api_object *const *objects, size_t n, const struct api_object *o)
{
	return n > 0 &&
	       bsearch(&o, objects, n, sizeof(struct api_object *), api_world_identity_cmp);
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

		if (is_named(p->batch.objects, p->batch.n, o) || (!refused && !p->batch.is_lost))
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

static void note_left_out(struct picture *p, const struct api_source *s)
{
	struct object_ref ref = {.kind = "File", .name = s->name, .file = s->name};
	struct problem_text text = {
		.reason = "TooManyObjects",
		.remedy = "remove objects that are not needed; these are taken as soon as there is "
			  "room"};

	problem_add(&p->batch.problems, SEVERITY_ERROR, &ref, &text,
		    "%zu of its objects are left out: the agent holds as many as it may",
		    p->n_left_out);
}

/* Of the batch, what the source did not hold before comes only as far as there is room. */
static void leave_out(struct picture *p, const struct api_source *old, size_t room)
{
	struct api_batch *b = &p->batch;
	size_t n_old = 0, n = 0, n_new = 0;

	for (size_t i = 0; i < old->n; i++)
		n_old += p->is_kept[i];
	for (size_t i = 0; i < b->n; i++)
		n_old += is_named(old->objects, old->n, b->objects[i]);
	for (size_t i = 0; i < b->n; i++) {
		struct api_object *o = b->objects[i];

		if (is_named(old->objects, old->n, o) || n_old + n_new < room) {
			n_new += !is_named(old->objects, old->n, o);
			b->objects[n++] = o;
		} else {
			api_object_free(o);
			p->n_left_out++;
		}
	}
	assert(n + p->n_left_out == b->n);
	assert(n_new == 0 || n_old + n_new <= room);
	b->n = n;
}

static struct picture picture_new(const struct api_source *old, const char *text, size_t len,
				  size_t room)
{
	struct picture p = {0};

	api_decode_text(old->name, text, len, &p.batch);
	sort_objects(p.batch.objects, p.batch.n);
	if (p.batch.n_refused > 0)
		qsort(p.batch.refused, p.batch.n_refused, sizeof(*p.batch.refused), refused_cmp);
	p.objects = xcalloc(p.batch.n + old->n + 1, sizeof(*p.objects));
	p.is_kept = xcalloc(old->n + 1, sizeof(*p.is_kept));
	keep_last_good(&p, old);
	if (p.n + p.batch.n > room)
		leave_out(&p, old, room);
	for (size_t i = 0; i < p.batch.n; i++)
		p.objects[p.n++] = p.batch.objects[i];
	assert(p.n <= p.batch.n + old->n);
	sort_objects(p.objects, p.n);
	if (p.n_left_out > 0)
		note_left_out(&p, old);
	problems_sort(&p.batch.problems);
	return p;
}

/* --- has anything changed? ----------------------------------------------------------------------
 */

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

/* An earlier run's objects are replaced by equal ones, too: then they are of this run. */
static bool is_same(const struct picture *p, const struct api_source *old)
{
	return old->n_stale == 0 && same_objects(p, old) &&
	       same_problems(&p->batch.problems, &old->problems) &&
	       p->batch.foreign == old->foreign;
}

/* Kinds of which the text may hold an object that is not among the batch's. */
static uint32_t hidden_kinds(const struct picture *p)
{
	const struct api_batch *b = &p->batch;
	uint32_t kinds = b->is_lost || p->n_left_out > 0 ? UINT32_MAX : 0;

	static_assert(API_N_KINDS <= 32, "a bit for each kind");
	for (size_t i = 0; i < b->n_refused; i++)
		kinds |= UINT32_C(1) << b->refused[i].kind;
	return kinds;
}

/* --- taking over --------------------------------------------------------------------------------
 */

/* Of one object, as it is saved; sums are independent of the order. */
static uint64_t saved_hash(const struct api_object *o)
{
	return o->text ? hash_u64(hash_bytes(HASH_INIT, o->text, o->text_len), o->meta.line) : 0;
}

void api_source_bury(struct api_source *s)
{
	for (size_t i = 0; i < s->n_gone; i++)
		api_object_free(s->gone[i]);
	free(s->gone);
	s->gone = NULL;
	s->n_gone = 0;
}

/* Of the old objects, those that are not kept. */
static void lay_out(struct api_source *s, const struct picture *p)
{
	assert(!s->gone);
	s->gone = TAKE_PTR(s->objects);
	for (size_t i = 0; i < s->n; i++)
		if (!p->is_kept[i])
			s->gone[s->n_gone++] = s->gone[i];
}

/* Moves the picture into the source. */
static void adopt(struct api_source *s, struct picture *p)
{
	lay_out(s, p);
	arena_free(s->arena);
	assert(!s->objects); /* they lie in `gone` */
	s->objects = TAKE_PTR(p->objects);
	s->n = s->cap = p->n;
	if (p->batch.problems.n == 0) { /* the usual case holds nothing */
		arena_free(TAKE_PTR(p->batch.arena));
		p->batch.problems = (struct problems){.arena = arena_new()};
		p->batch.arena = p->batch.problems.arena;
	}
	s->arena = TAKE_PTR(p->batch.arena);
	s->problems = p->batch.problems;
	s->foreign = p->batch.foreign;
	s->n_stale = 0;
	s->saved = 0;
	for (size_t i = 0; i < s->n; i++) {
		s->n_stale += s->objects[i]->is_stale;
		s->saved += saved_hash(s->objects[i]);
	}
}

bool api_source_put(struct api_source *s, const char *text, size_t len, size_t room)
{
	uint64_t hash = hash_bytes(HASH_INIT, text, len);
	bool changed = api_source_forgive(s);
	struct picture p;

	/* What was left out may find room now. */
	if (s->has_text && s->n_left_out == 0 && s->text_hash == hash && s->text_len == len)
		return changed;
	p = picture_new(s, text, len, room);
	s->has_text = true;
	s->text_hash = hash;
	s->text_len = len;
	s->hidden = hidden_kinds(&p);
	s->n_left_out = p.n_left_out;
	if (is_same(&p, s)) {
		api_batch_done(&p.batch);
	} else {
		adopt(s, &p);
		changed = true;
	}
	free(p.objects);
	free(p.is_kept);
	return changed;
}

/* --- an earlier run's objects -------------------------------------------------------------------
 */

/* They were saved in order, so there is rarely anything to move. */
static void insert_object(struct api_source *s, struct api_object *o)
{
	size_t i;

	xpush(&s->objects, &s->n, &s->cap, sizeof(struct api_object *));
	for (i = s->n - 1; i > 0 && api_world_object_cmp(&s->objects[i - 1], &o) > 0; i--)
		s->objects[i] = s->objects[i - 1];
	s->objects[i] = o;
	assert(s->n <= s->cap);
}

bool api_source_restore(struct api_source *s, const struct api_yaml_text *document)
{
	struct api_batch b;
	bool ok;

	assert(!s->has_text);
	api_decode_document(s->name, document, &b);
	ok = b.n == 1 && b.n_refused == 0 && !b.is_lost;
	if (ok) {
		b.objects[0]->is_stale = true;
		insert_object(s, b.objects[0]);
		s->saved += saved_hash(b.objects[0]);
		s->n_stale++;
		s->hidden = UINT32_MAX;
		b.n = 0;
	}
	api_batch_done(&b);
	return ok;
}

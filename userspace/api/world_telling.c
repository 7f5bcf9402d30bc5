// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A source knows its place in the array, so it comes and goes without a search.
 */
#include "api/world_telling.h"

#include "api/world.h"
#include "base/mem.h"

#include <assert.h>

#define STALE_NAMED 32 /* sources with a problem of their own */

static bool tells(const struct api_source *s)
{
	return s->problems || s->caller || s->n_stale > 0 || s->n_left_out > 0 || s->hidden;
}

static void begin(struct world_telling *t, struct api_source *s)
{
	struct api_source **last = xpush(&t->items, &t->n, &t->cap, sizeof(*t->items));

	assert(!s->telling);
	*last = s;
	s->telling = (uint32_t)t->n;
}

/* The last one takes its place. */
static void end(struct world_telling *t, struct api_source *s)
{
	struct api_source *last = t->items[t->n - 1];

	assert(s->telling <= t->n && t->items[s->telling - 1] == s);
	t->n--;
	t->items[s->telling - 1] = last;
	last->telling = s->telling;
	s->telling = 0;
}

bool world_telling_note(struct world_telling *t, struct api_source *s)
{
	const bool did = s->telling, does = tells(s);

	if (does && !did)
		begin(t, s);
	else if (!does && did)
		end(t, s);
	return did || does;
}

bool world_telling_forget(struct world_telling *t, struct api_source *s)
{
	if (!s->telling)
		return false;
	end(t, s);
	return true;
}

static void add_stale(struct problems *problems, const struct api_source *s, size_t n_objects,
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
		problem_add(problems, SEVERITY_WARNING, &ref, &text,
			    "here and in %zu more files %zu objects are those of an earlier run",
			    n_more, n_objects);
	else
		problem_add(problems, SEVERITY_WARNING, &ref, &text,
			    "%zu of its objects are those of an earlier run: %s", n_objects, why);
}

/* A folder that is away makes all of its files stale: some are named, the others counted. */
static void add_all_stale(const struct world_telling *t, struct problems *problems)
{
	const struct api_source *last = NULL;
	size_t n = 0, n_objects = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct api_source *s = t->items[i];

		if (s->n_stale == 0)
			continue;
		if (++n < STALE_NAMED) {
			add_stale(problems, s, s->n_stale, 0);
			continue;
		}
		last = s;
		n_objects += s->n_stale;
	}
	if (last)
		add_stale(problems, last, n_objects, n - STALE_NAMED);
}

static int telling_cmp(const void *a, const void *b)
{
	const struct api_source *const *x = a, *const *y = b;
	const unsigned shard = (*x)->name_hash % WORLD_SHARDS;
	const unsigned other = (*y)->name_hash % WORLD_SHARDS;

	return shard != other ? (shard > other) - (shard < other) : strcmp((*x)->name, (*y)->name);
}

/* Which of the stale ones are named depends on nothing but the names. */
static void sort(struct world_telling *t)
{
	if (t->n)
		qsort(t->items, t->n, sizeof(*t->items), telling_cmp);
	for (size_t i = 0; i < t->n; i++)
		t->items[i]->telling = (uint32_t)i + 1;
}

void world_telling_problems(struct world_telling *t, struct problems *problems)
{
	sort(t);
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i]->problems)
			problems_append(problems, t->items[i]->problems);
		if (t->items[i]->caller)
			problems_append(problems, t->items[i]->caller);
	}
	add_all_stale(t, problems);
}

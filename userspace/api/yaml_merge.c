// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Doubled keys and merge keys (api/yaml_merge.h). Both ask which members have one key. In a map of
 * few keys all are compared with all; elsewhere they are sorted, since their number is the writer's
 * choice.
 *
 * Merged members are copies that share their children with the map they are from. They cost no
 * weight of their own: the alias that named the map has paid for them.
 */
#include "api/yaml_merge.h"

#include <assert.h>

#define FEW_KEYS 8

const char api_yaml_merge_key[] = "<<";

struct member {
	struct api_value *v;
	size_t order; /* of two with one key the first counts: own before merged ones */
};

struct members {
	struct arena *arena;
	struct member *items;
	size_t n, cap;
};

void api_yaml_fault(struct arena *arena, struct api_value *v, unsigned line, const char *message,
		    const char *remedy)
{
	struct api_fault *fault;

	if (v->fault)
		return;
	fault = arena_new_of(arena, struct api_fault);
	*fault = (struct api_fault){.line = line, .message = message, .remedy = remedy};
	v->fault = fault;
}

static int member_cmp(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->v->key, y->v->key);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void add_member(struct members *m, struct api_value *v)
{
	assert(v->key && !v->next);
	struct member *slot = arena_push(m->arena, &m->items, &m->n, &m->cap, sizeof(*slot));

	*slot = (struct member){.v = v, .order = m->n - 1};
}

/* YAML 1.1's merge type, of one map. */
static void merge(struct members *m, struct api_value *into, const struct api_value *from)
{
	if (from->fault) {
		into->fault = into->fault ? into->fault : from->fault;
		return;
	}
	if (from->type != API_VALUE_MAP) {
		api_yaml_fault(m->arena, into, from->line,
			       "a merge key (<<) of something that is no map",
			       "name a map, or a list of maps: \"<<: *name\"");
		return;
	}
	for (const struct api_value *c = from->first; c; c = c->next) {
		struct api_value *copy;

		if (c->is_duplicate)
			continue;
		copy = arena_memdup(m->arena, c, sizeof(*c));
		copy->next = NULL;
		add_member(m, copy);
	}
}

static void merge_all(struct members *m, struct api_value *map, const struct api_value *merges)
{
	for (; merges; merges = merges->next) {
		if (merges->type != API_VALUE_SEQUENCE || merges->fault) {
			merge(m, map, merges);
			continue;
		}
		for (const struct api_value *v = merges->first; v; v = v->next)
			merge(m, map, v);
	}
}

/* Divides the members; returns the merge keys, linked to each other. */
static const struct api_value *take_merges(struct members *own, struct api_value *map)
{
	struct api_value *merges = NULL, **last = &merges, *next;

	for (struct api_value *v = map->first; v; v = next) {
		next = v->next;
		if (v->key == api_yaml_merge_key) {
			v->next = NULL;
			*last = v;
			last = &v->next;
		} else {
			v->next = NULL;
			add_member(own, v);
		}
	}
	return merges;
}

/* Links the members that stay, own ones in their order before merged ones. */
static void link_members(struct members *m, struct api_value *map, size_t n_own)
{
	struct api_value **in_order = arena_array_of(m->arena, m->n, struct api_value *);
	struct api_value **last = &map->first;

	assert(n_own <= m->n);
	if (m->n > 0)
		qsort(m->items, m->n, sizeof(*m->items), member_cmp);
	for (size_t i = 0; i < m->n; i++) {
		const struct member *at = &m->items[i];
		bool is_first = i == 0 || strcmp(at[-1].v->key, at->v->key) != 0;

		if (at->order < n_own)
			at->v->is_duplicate = !is_first;
		assert(at->order < m->n && !in_order[at->order]);
		if (at->order < n_own || is_first)
			in_order[at->order] = at->v;
	}
	map->n = 0;
	for (size_t i = 0; i < m->n; i++)
		if (in_order[i]) {
			*last = in_order[i];
			last = &in_order[i]->next;
			map->n++;
		}
	*last = NULL;
	assert(map->n >= n_own); /* a key that stands twice is kept, and marked */
}

/* Without memory. False: there is a merge key. */
static bool mark_few(struct api_value *map)
{
	for (struct api_value *v = map->first; v; v = v->next) {
		if (v->key == api_yaml_merge_key)
			return false;
		for (struct api_value *later = v->next; later; later = later->next)
			later->is_duplicate |= strcmp(v->key, later->key) == 0;
	}
	return true;
}

void api_yaml_finish_map(struct arena *arena, struct api_value *map)
{
	struct members m = {.arena = arena, .cap = map->n};
	const struct api_value *merges;
	size_t n_own;

	assert(map->type == API_VALUE_MAP);
	if (map->n <= FEW_KEYS && mark_few(map))
		return;
	m.items = arena_array_of(arena, m.cap, struct member);
	merges = take_merges(&m, map);
	n_own = m.n;
	merge_all(&m, map, merges);
	link_members(&m, map, n_own);
}

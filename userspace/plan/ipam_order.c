// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Those that are remembered come first, as remembered, then the others; in this
 * sequence each is put behind those before it, but before the first that is younger by its
 * timestamp. So the timestamps that exist are in order, and all else is by first sight.
 */
#include "plan/ipam_order.h"

#include "base/sorted.h"

#include <assert.h>

struct entry {
	const char *name;
	const struct api_object *object; /* NULL: remembered, but not there */
	size_t rank;                     /* place in `seen`, or behind */
	size_t nth;                      /* place in `pools` */
};

struct rank {
	const char *name;
	size_t at;
};

static int cmp_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	const int cmp = strcmp(x->name, y->name);

	return cmp ? cmp : (x->at > y->at) - (x->at < y->at);
}

static int cmp_name(const void *key, const void *item)
{
	const struct rank *r = item;

	return strcmp(key, r->name);
}

static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->nth > y->nth) - (x->nth < y->nth);
}

/* Pools that are there, and for the remembered that are not an entry without object. */
static size_t make_entries(const struct object_list *pools, const struct api_strings *seen,
			   struct arena *arena, struct entry *ret)
{
	struct rank *ranks = arena_array_of(arena, seen->n, struct rank);
	bool *found = arena_array_of(arena, seen->n, bool);
	size_t n = 0;

	for (size_t i = 0; i < seen->n; i++)
		ranks[i] = (struct rank){seen->items[i], i};
	qsort(ranks, seen->n, sizeof(*ranks), cmp_rank);
	for (size_t i = 0; i < pools->n; i++) {
		const char *name = pools->items[i]->meta.name;
		const struct rank *r = sorted_find(name, ranks, seen->n, sizeof(*ranks), cmp_name);

		if (r)
			found[r->at] = true;
		ret[n++] = (struct entry){name, pools->items[i], r ? r->at : seen->n, i};
	}
	for (size_t i = 0; i < seen->n; i++)
		if (!found[i])
			ret[n++] = (struct entry){seen->items[i], NULL, i, 0};
	qsort(ret, n, sizeof(*ret), cmp_entry);
	return n;
}

static int64_t created(const struct entry *e)
{
	return e->object ? e->object->meta.created_s : 0;
}

/* Puts each entry where its timestamp wants it. */
static void sort_created(struct entry *entries, size_t n)
{
	int64_t youngest = 0;

	for (size_t i = 0; i < n; i++) {
		const struct entry e = entries[i];
		size_t to = 0;

		if (created(&e) == 0 || created(&e) >= youngest) {
			youngest = created(&e) ? created(&e) : youngest;
			continue;
		}
		while (created(&entries[to]) <= created(&e))
			to++;
		assert(to < i);
		memmove(&entries[to + 1], &entries[to], (i - to) * sizeof(e));
		entries[to] = e;
	}
}

void ipam_order(const struct object_list *pools, const struct api_strings *seen, bool complete,
		struct arena *arena, struct object_list *ret_pools, struct api_strings *ret_seen)
{
	struct entry *entries = arena_array_of(arena, pools->n + seen->n, struct entry);
	const char **names = arena_array_of(arena, pools->n + seen->n, const char *);
	const size_t n = make_entries(pools, seen, arena, entries);

	*ret_pools = (struct object_list){
		.items = arena_array_of(arena, pools->n, const struct api_object *)};
	*ret_seen = (struct api_strings){.items = names};
	sort_created(entries, n);
	for (size_t i = 0; i < n; i++) {
		if (entries[i].object)
			ret_pools->items[ret_pools->n++] = entries[i].object;
		else if (complete)
			continue;
		if (ret_seen->n == 0 || strcmp(names[ret_seen->n - 1], entries[i].name) != 0)
			names[ret_seen->n++] = entries[i].name;
	}
	assert(ret_pools->n == pools->n); /* each once */
	assert(ret_seen->n <= n);
}

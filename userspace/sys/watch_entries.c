// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The entries of sys/watch_entries.h. A listing is sorted once and merged in one pass, so 50,000
 * files cost no more than their names.
 */
#include "sys/watch_entries.h"

#include "base/hash.h"

static uint64_t hash_time(uint64_t h, const struct timespec *t)
{
	return hash_u64(hash_u64(h, (uint64_t)t->tv_sec), (uint64_t)t->tv_nsec);
}

bool watch_name_is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

bool watch_name_is_listed(const char *name)
{
	return name[0] != '.' && watch_name_is_yaml(name);
}

uint64_t watch_stamp_of(const struct stat *st)
{
	uint64_t h = hash_u64(hash_u64(HASH_INIT, st->st_dev), st->st_ino);

	h = hash_u64(h, (uint64_t)st->st_size);
	h = hash_time(hash_time(h, &st->st_mtim), &st->st_ctim);
	return h ? h : 1;
}

struct watch_entry *watch_entries_push(struct watch_entries *e, const char *name)
{
	struct watch_entry *entry = xpush(&e->items, &e->n, &e->cap, sizeof(*e->items));

	*entry = (struct watch_entry){.name = xstrdup(name), .gone_at = NSEC_NEVER};
	watch_entries_stir_all(e);
	return entry;
}

static int entry_cmp(const void *a, const void *b)
{
	const struct watch_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void watch_entries_sort(struct watch_entries *e)
{
	size_t n = 0;

	if (e->n == 0)
		return;
	qsort(e->items, e->n, sizeof(*e->items), entry_cmp);
	for (size_t i = 1; i < e->n; i++)
		if (strcmp(e->items[n].name, e->items[i].name) == 0)
			free(e->items[i].name);
		else
			e->items[++n] = e->items[i];
	e->n = n + 1;
}

void watch_entries_stir_all(struct watch_entries *e)
{
	e->from = 0;
	e->to = SIZE_MAX;
}

/* Where it is, or belongs. */
static size_t place_of(const struct watch_entries *e, const char *name)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(e->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct watch_entry *watch_entries_get(struct watch_entries *e, const char *name)
{
	const size_t i = place_of(e, name);
	struct watch_entry added;

	if (i < e->n && strcmp(e->items[i].name, name) == 0)
		return &e->items[i];
	added = *watch_entries_push(e, name);
	memmove(&e->items[i + 1], &e->items[i], (e->n - 1 - i) * sizeof(added));
	e->items[i] = added;
	e->cursor += i < e->cursor;
	return &e->items[i];
}

void watch_entries_stir(struct watch_entries *e, const char *name)
{
	struct watch_entry *entry = watch_entries_get(e, name);
	const size_t i = (size_t)(entry - e->items);

	entry->is_dirty = true;
	if (e->from >= e->to) {
		e->from = i;
		e->to = i + 1;
	}
	e->from = i < e->from ? i : e->from;
	e->to = i >= e->to ? i + 1 : e->to;
}

void watch_entries_forget_gone(struct watch_entries *e)
{
	const size_t cursor = e->cursor;
	size_t n = 0;

	if (!e->any_gone)
		return;
	e->any_gone = false;
	watch_entries_stir_all(e);
	for (size_t i = 0; i < e->n; i++) {
		if (e->items[i].is_gone) {
			free(e->items[i].name);
			e->cursor -= i < cursor;
			continue;
		}
		if (n != i)
			e->items[n] = e->items[i];
		n++;
	}
	e->n = n;
}

void watch_entries_done(struct watch_entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->items[i].name);
	free(e->items);
	*e = (struct watch_entries){0};
}

void watch_names_add(struct watch_names *names, const char *name)
{
	const char **place =
		arena_push(names->arena, &names->items, &names->n, &names->cap, sizeof(*place));

	*place = arena_strdup(names->arena, name);
}

static int name_cmp(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Which comes first: <0 the entry, >0 the name, 0 both are one. */
static int head_cmp(const struct watch_entries *e, size_t i, const struct watch_names *names,
		    size_t j)
{
	if (i == e->n || j == names->n)
		return i == e->n ? 1 : -1;
	return strcmp(e->items[i].name, names->items[j]);
}

void watch_entries_merge(struct watch_entries *e, struct watch_names *names)
{
	struct watch_entries all = {.items = xcalloc(e->n + names->n, sizeof(*all.items)),
				    .cap = e->n + names->n,
				    .any_gone = e->any_gone,
				    .to = SIZE_MAX};
	size_t i = 0, j = 0;

	if (names->n > 0)
		qsort(names->items, names->n, sizeof(*names->items), name_cmp);
	while (i < e->n || j < names->n) {
		int order = head_cmp(e, i, names, j);

		if (order > 0)
			(void)watch_entries_push(&all, names->items[j]);
		else
			all.items[all.n++] = e->items[i++];
		j += order >= 0;
	}
	free(e->items);
	*e = all;
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Linear probing with at most three quarters of the slots used, and an order that is made when a
 * walk asks for it. A place without an item has the index of the next such one in its address.
 */
#include "base/prefix_table.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

#define SLOTS_MIN 64 /* a power of two */
#define NONE      UINT32_MAX

/*
 * Indices of items in order of prefix: made when a walk asks for it, and kept as long as few
 * items come and go between two walks.
 */
#define ORDER_PATCHES 64
struct prefix_order {
	uint32_t *index; /* owned */
	size_t n, cap;
	size_t n_patches; /* since the last walk */
	bool valid;
};

/* --- the order of a walk --------------------------------------------------------------------- */

static struct ip_prefix *prefix_at(const struct prefix_table *t, size_t i)
{
	return (struct ip_prefix *)(void *)((char *)t->items + i * t->size);
}

/*
 * As bytes, in whose order prefixes are: of addresses with one first half IPv4 ones come first. To
 * compare any two of a hundred thousand items is to wait for memory; so they are sorted byte by
 * byte, which goes through memory from one end to the other, and only by those that differ.
 */
#define KEY_BYTES 18
struct key {
	uint8_t bytes[KEY_BYTES];
	uint32_t index;
};

static struct key key_of(const struct ip_prefix *p, uint32_t index)
{
	struct key k = {.index = index};

	memcpy(k.bytes, p->addr.b, 8);
	k.bytes[8] = !ip_addr_is_v4(&p->addr);
	memcpy(k.bytes + 9, p->addr.b + 8, 8);
	k.bytes[17] = p->len;
	return k;
}

/* Stable, by one byte. */
static void sort_by(const struct key *from, struct key *to, size_t n, unsigned byte)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].bytes[byte]]++;
	for (unsigned v = 0; v < 256; v++) {
		const size_t first = sum;

		sum += at[v];
		at[v] = first;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].bytes[byte]]++] = from[i];
}

/* Has room for as many again; where the sorted ones begin. */
static const struct key *sort_keys(struct key *keys, size_t n)
{
	struct key *from = keys, *to = keys + n, *done;
	uint8_t differs[KEY_BYTES] = {0};

	for (size_t i = 1; i < n; i++)
		for (unsigned b = 0; b < KEY_BYTES; b++)
			differs[b] |= keys[i].bytes[b] ^ keys[0].bytes[b];
	for (unsigned b = KEY_BYTES; b-- > 0;) {
		if (!differs[b])
			continue;
		sort_by(from, to, n, b);
		done = to;
		to = from;
		from = done;
	}
	return from;
}

static void order_make(const struct prefix_table *t)
{
	struct prefix_order *o = t->order;
	_cleanup_(freep) struct key *keys = NULL;
	const struct key *sorted;

	o->n_patches = 0;
	if (o->valid)
		return;
	if (t->n > o->cap || !o->index) {
		o->cap = t->n + t->n / 4 + ORDER_PATCHES;
		o->index = xrealloc(o->index, o->cap, sizeof(*o->index));
	}
	keys = xcalloc(2 * t->n + 1, sizeof(*keys));
	o->n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (prefix_table_at(t, i))
			keys[o->n++] = key_of(prefix_at(t, i), (uint32_t)i);
	sorted = sort_keys(keys, o->n);
	for (size_t i = 0; i < o->n; i++)
		o->index[i] = sorted[i].index;
	o->valid = true;
}

/* Void from now on if it changes too often, or has no room. */
static bool order_is_kept(struct prefix_order *o)
{
	if (o->n_patches++ == ORDER_PATCHES || o->n == o->cap)
		o->valid = false;
	return o->valid;
}

/* Where the prefix stands, or belongs. */
static size_t order_place(const struct prefix_table *t, const struct ip_prefix *p)
{
	const struct prefix_order *o = t->order;
	size_t low = 0, high = o->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_prefix_cmp(p, prefix_at(t, o->index[middle])) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void order_add(struct prefix_table *t, uint32_t index)
{
	struct prefix_order *o = t->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(t, prefix_at(t, index));
	memmove(&o->index[i + 1], &o->index[i], (o->n - i) * sizeof(*o->index));
	o->index[i] = index;
	o->n++;
}

static void order_remove(struct prefix_table *t, uint32_t gap)
{
	struct prefix_order *o = t->order;
	size_t i;

	if (!order_is_kept(o))
		return;
	i = order_place(t, prefix_at(t, gap));
	assert(i < o->n && o->index[i] == gap);
	o->n--;
	memmove(&o->index[i], &o->index[i + 1], (o->n - i) * sizeof(*o->index));
}

/* --- the table ------------------------------------------------------------------------------- */

static size_t slot_of(const struct prefix_table *t, const struct ip_prefix *p)
{
	return hash_bytes(t->seed, p, sizeof(*p)) & (t->n_slots - 1);
}

/* The slot that holds the prefix, or the free one where it belongs. */
static size_t slot_find(const struct prefix_table *t, const struct ip_prefix *p)
{
	size_t i = slot_of(t, p);

	while (t->slots[i] != NONE && ip_prefix_cmp(prefix_at(t, t->slots[i]), p) != 0)
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

void *prefix_table_find(const struct prefix_table *t, const struct ip_prefix *p)
{
	uint32_t i = t->slots[slot_find(t, p)];

	return i == NONE ? NULL : prefix_table_at(t, i);
}

static void slots_resize(struct prefix_table *t, size_t n_slots)
{
	assert((n_slots & (n_slots - 1)) == 0);
	free(t->slots);
	t->n_slots = n_slots;
	t->slots = xmalloc(n_slots * sizeof(*t->slots));
	for (size_t i = 0; i < n_slots; i++)
		t->slots[i] = NONE;
	for (size_t i = 0; i < t->n; i++)
		if (prefix_table_at(t, i))
			t->slots[slot_find(t, prefix_at(t, i))] = (uint32_t)i;
}

/* A zeroed place, one that became free first. */
static uint32_t place_take(struct prefix_table *t)
{
	const uint32_t free = t->free;

	if (free == NONE) {
		(void)xpush(&t->items, &t->n, &t->cap, t->size);
		return (uint32_t)t->n - 1;
	}
	memcpy(&t->free, prefix_at(t, free)->addr.b, sizeof(t->free));
	memset(prefix_at(t, free), 0, t->size);
	t->n_free--;
	return free;
}

static void place_free(struct prefix_table *t, uint32_t i)
{
	prefix_at(t, i)->len = PREFIX_TABLE_FREE;
	memcpy(prefix_at(t, i)->addr.b, &t->free, sizeof(t->free));
	t->free = i;
	t->n_free++;
}

void *prefix_table_add(struct prefix_table *t, const struct ip_prefix *p)
{
	const size_t n = t->n + (t->free == NONE);
	uint32_t i;

	if (n * 4 > t->n_slots * 3)
		slots_resize(t, t->n_slots * 2);
	i = place_take(t);
	assert(t->n < t->n_slots); /* or a search might find no free slot */
	t->slots[slot_find(t, p)] = i;
	*prefix_at(t, i) = *p;
	order_add(t, i);
	return prefix_at(t, i);
}

/* Frees a slot of a table with linear probing: what follows moves up unless it is at home. */
static void slot_clear(struct prefix_table *t, size_t hole)
{
	size_t mask = t->n_slots - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i] != NONE; i = (i + 1) & mask) {
		size_t home = slot_of(t, prefix_at(t, t->slots[i]));

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = NONE;
}

void prefix_table_remove(struct prefix_table *t, const void *item)
{
	const uint32_t i = prefix_table_index(t, item);

	assert(i < t->n && prefix_table_at(t, i) == item);
	slot_clear(t, slot_find(t, prefix_at(t, i)));
	order_remove(t, i);
	place_free(t, i);
}

void prefix_table_init(struct prefix_table *t, size_t size, uint64_t seed)
{
	assert(size >= sizeof(struct ip_prefix));
	*t = (struct prefix_table){
		.size = size, .free = NONE, .seed = seed, .order = xcalloc(1, sizeof(*t->order))};
	slots_resize(t, SLOTS_MIN);
}

void prefix_table_done(struct prefix_table *t)
{
	free(t->order->index);
	free(t->order);
	free(t->slots);
	free(t->items);
}

const void *prefix_table_in_order(const struct prefix_table *t, size_t i)
{
	order_make(t);
	return i < t->order->n ? prefix_table_at(t, t->order->index[i]) : NULL;
}

size_t prefix_table_before(const struct prefix_table *t, const struct ip_prefix *prefix)
{
	order_make(t);
	return order_place(t, prefix);
}

size_t prefix_table_behind(const struct prefix_table *t, const struct ip_prefix *prefix)
{
	const size_t i = prefix_table_before(t, prefix);

	return i < t->order->n && ip_prefix_cmp(prefix_at(t, t->order->index[i]), prefix) == 0
		       ? i + 1
		       : i;
}

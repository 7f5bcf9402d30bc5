// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Each bit has a count of the prefixes that need it. A prefix of IPv6 that would need very many
 * needs all of its family, and has a count of its own.
 */
#include "lb/lb_deny.h"

#include "base/prefixes.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"

#define V4_LEN     16 /* prefixes of it have a bit of their own */
#define V6_LEN     32
#define V6_LEN_ALL 20 /* shorter ones need all bits */

struct sources {
	struct ip_prefix *items; /* owned */
	size_t n;
};

struct lb_deny {
	uint64_t *bits;                   /* borrowed */
	const struct lb_uplinks *uplinks; /* borrowed */
	uint32_t *counts;                 /* by bit; owned */
	uint32_t n_wide;                  /* prefixes that need all bits of IPv6 */

	struct sources have, want; /* have: when the steps were found */
	struct sources put, remove;
	size_t n_put, n_removed; /* of them, so far */
	bool removes_first;
	uint64_t *names; /* of the lists that are wanted; owned */
	size_t n_names;
	bool keeps;
};

struct lb_deny *lb_deny_new(uint64_t *bits, const struct lb_uplinks *uplinks)
{
	struct lb_deny *d = xcalloc(1, sizeof(*d));

	d->bits = bits;
	d->uplinks = uplinks;
	d->counts = xcalloc(2 * LB_DENY_BITS, sizeof(*d->counts));
	return d;
}

struct lb_deny *lb_deny_free(struct lb_deny *d)
{
	if (!d)
		return NULL;
	free(d->counts);
	free(d->have.items);
	free(d->want.items);
	free(d->put.items);
	free(d->remove.items);
	free(d->names);
	free(d);
	return NULL;
}

/* --- bits ------------------------------------------------------------------------------------- */

/* The word as the counts want it. */
static uint64_t wanted_word(const struct lb_deny *d, uint32_t word)
{
	uint64_t ret = 0;

	if (d->n_wide > 0 && word >= LB_DENY_BITS / 64)
		return UINT64_MAX;
	for (uint32_t i = 0; i < 64; i++)
		ret |= (uint64_t)(d->counts[word * 64 + i] > 0) << i;
	return ret;
}

static void store_words(const struct lb_deny *d, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		const uint64_t want = wanted_word(d, i);

		if (d->bits[i] != want)
			__atomic_store_n(&d->bits[i], want, __ATOMIC_RELEASE);
	}
}

static void count_wide(struct lb_deny *d, int by)
{
	d->n_wide += (uint32_t)by;
	if (d->n_wide == (by > 0))
		store_words(d, LB_DENY_BITS / 64, LB_DENY_WORDS);
}

static void count_bit(struct lb_deny *d, uint32_t bit, int by)
{
	const uint64_t mask = UINT64_C(1) << bit % 64;
	uint64_t *word = &d->bits[bit / 64];

	assert(by > 0 || d->counts[bit] > 0);
	d->counts[bit] += (uint32_t)by;
	if (by > 0)
		__atomic_store_n(word, *word | mask, __ATOMIC_RELEASE);
	else if (d->counts[bit] == 0 && !(bit >= LB_DENY_BITS && d->n_wide > 0))
		__atomic_store_n(word, *word & ~mask, __ATOMIC_RELEASE);
}

/* The octets that decide, read as a number that grows by one from bit to bit. */
static uint32_t bit_at(const struct ip_prefix *p, bool is_v4, uint32_t i)
{
	const uint8_t *at = p->addr.b, *last = at + (is_v4 ? 12 : 2);
	const uint16_t number = (uint16_t)((uint32_t)(last[0] << 8 | last[1]) + i);

	if (is_v4)
		return lb_deny_bit_v4(htobe16(number));
	return lb_deny_bit_v6(htobe16((uint16_t)(at[0] << 8 | at[1])), htobe16(number));
}

static void count(struct lb_deny *d, const struct ip_prefix *p, int by)
{
	const bool is_v4 = ip_addr_is_v4(&p->addr);
	const uint32_t len = is_v4 ? V4_LEN : V6_LEN;
	uint32_t n = 1;

	if (!is_v4 && p->len < V6_LEN_ALL) {
		count_wide(d, by);
		return;
	}
	if (p->len < len)
		n <<= len - p->len;
	for (uint32_t i = 0; i < n; i++)
		count_bit(d, bit_at(p, is_v4, i), by);
}

static void note_count(const struct lb_deny *d)
{
	lb_uplinks_set_denies(d->uplinks, lb_deny_count(d) > 0);
}

/* --- what is wanted --------------------------------------------------------------------------- */

static struct sources room_for(size_t n)
{
	return (struct sources){.items = xcalloc(n, sizeof(struct ip_prefix))};
}

static struct sources union_of(const struct sources *a, const struct sources *b)
{
	struct sources ret = room_for(a->n + b->n);

	ret.n = prefixes_union(a->items, a->n, b->items, b->n, ret.items);
	return ret;
}

static struct sources difference_of(const struct sources *a, const struct sources *b)
{
	struct sources ret = room_for(a->n);

	ret.n = prefixes_minus(a->items, a->n, b->items, b->n, ret.items);
	return ret;
}

static void replace(struct sources *s, struct sources by)
{
	free(s->items);
	*s = by;
}

/* By halves, so that each prefix is moved once for each doubling of their number. */
static struct sources union_of_lists(const struct lb_denied *lists, size_t n)
{
	struct sources a, b, ret;

	if (n <= 1) {
		ret = room_for(n ? lists->n : 0);
		for (size_t i = 0; n && i < lists->n; i++)
			ret.items[ret.n++] = lists->sources[i];
		return ret;
	}
	a = union_of_lists(lists, n / 2);
	b = union_of_lists(lists + n / 2, n - n / 2);
	ret = union_of(&a, &b);
	free(a.items);
	free(b.items);
	return ret;
}

/* What is in the map now. */
static struct sources present(const struct lb_deny *d)
{
	const struct sources put = {d->put.items, d->n_put};
	const struct sources removed = {d->remove.items, d->n_removed};
	struct sources all = union_of(&d->have, &put), ret = difference_of(&all, &removed);

	free(all.items);
	return ret;
}

static void find_steps(struct lb_deny *d)
{
	replace(&d->put, difference_of(&d->want, &d->have));
	replace(&d->remove, difference_of(&d->have, &d->want));
	d->n_put = d->n_removed = 0;
	d->removes_first = false;
}

static bool is_wanted(const struct lb_deny *d, const struct lb_denied *lists, size_t n, bool keep)
{
	if (!d->names || n != d->n_names || keep != d->keeps)
		return false;
	for (size_t i = 0; i < n; i++)
		if (d->names[i] != lists[i].name)
			return false;
	return true;
}

void lb_deny_want(struct lb_deny *d, const struct lb_denied *lists, size_t n, bool keep)
{
	if (is_wanted(d, lists, n, keep))
		return;
	free(d->names);
	d->names = xcalloc(n + 1, sizeof(*d->names));
	for (size_t i = 0; i < n; i++)
		d->names[i] = lists[i].name;
	d->n_names = n;
	d->keeps = keep;
	replace(&d->have, present(d));
	replace(&d->want, union_of_lists(lists, n));
	if (keep)
		replace(&d->want, union_of(&d->want, &d->have));
	find_steps(d);
}

/* --- steps ------------------------------------------------------------------------------------ */

bool lb_deny_next(struct lb_deny *d, size_t n_max, struct lb_deny_step *ret)
{
	const size_t n_put = d->put.n - d->n_put, n_remove = d->remove.n - d->n_removed;

	assert(n_max > 0);
	if (n_put + n_remove == 0)
		return false;
	ret->is_put = n_put > 0 && !(d->removes_first && n_remove > 0);
	ret->items = ret->is_put ? d->put.items + d->n_put : d->remove.items + d->n_removed;
	ret->n = ret->is_put ? n_put : n_remove;
	if (ret->n > n_max)
		ret->n = n_max;
	for (size_t i = 0; ret->is_put && i < ret->n; i++)
		count(d, &ret->items[i], 1);
	return true;
}

void lb_deny_done(struct lb_deny *d, const struct lb_deny_step *step, size_t n)
{
	assert(n <= step->n);
	for (size_t i = step->is_put ? n : 0; i < (step->is_put ? step->n : n); i++)
		count(d, &step->items[i], -1);
	*(step->is_put ? &d->n_put : &d->n_removed) += n;
	note_count(d);
}

bool lb_deny_make_room(struct lb_deny *d)
{
	if (d->n_removed == d->remove.n)
		return false;
	d->removes_first = true;
	return true;
}

void lb_deny_adopt(struct lb_deny *d, struct ip_prefix *sources, size_t n)
{
	const struct sources all = {sources, prefixes_make(sources, n)}, none = {.n = 0};

	assert(d->have.n == 0 && !d->names);
	replace(&d->have, union_of(&all, &none));
	for (size_t i = 0; i < all.n; i++)
		count(d, &all.items[i], 1);
	store_words(d, 0, LB_DENY_WORDS); /* what the former run set beside is of no use */
	note_count(d);
}

size_t lb_deny_count(const struct lb_deny *d)
{
	return d->have.n + d->n_put - d->n_removed;
}

size_t lb_deny_wanted(const struct lb_deny *d)
{
	return d->want.n;
}

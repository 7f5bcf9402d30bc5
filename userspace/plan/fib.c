// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Tables are few, each with its routes by prefix. The hops of routes are sets, shared by all that
 * have them: a number, of which 0 is the empty one.
 *
 * An item is queued if what is wanted and what is there differ and nothing speaks against trying;
 * while an operation on it is under way it waits for the outcome.
 * It is in the table as long as one of the two is there, or somebody else's route is known.
 */
#include "plan/fib.h"

#include "base/hash.h"
#include "base/prefix_queue.h"
#include "base/prefix_table.h"

#include <assert.h>
#include <errno.h>

#define NO_HOPS 0u

int fib_hop_cmp(const void *a, const void *b)
{
	const struct fib_hop *x = a, *y = b;
	const int cmp = ip_addr_cmp(&x->gateway, &y->gateway);

	return cmp ? cmp : (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

/* --- sets of hops ---------------------------------------------------------------------------- */

struct hop_set {
	struct fib_hops hops;
	size_t n_users;
};
struct hop_sets {
	struct hop_set *items; /* owned; the first is the empty one */
	size_t n, cap;
};

static bool same_hops(const struct fib_hops *a, const struct fib_hops *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (fib_hop_cmp(&a->items[i], &b->items[i]) != 0)
			return false;
	return true;
}

/* There are as many as routers and groups of them: tens. The number, used once more. */
static uint32_t sets_get(struct hop_sets *s, const struct fib_hops *hops)
{
	size_t free_at = 0;

	for (size_t i = 0; i < s->n; i++) {
		if ((i == NO_HOPS || s->items[i].n_users > 0) &&
		    same_hops(&s->items[i].hops, hops)) {
			s->items[i].n_users++;
			return (uint32_t)i;
		}
		if (i != NO_HOPS && s->items[i].n_users == 0)
			free_at = i;
	}
	if (free_at == 0) {
		(void)xpush(&s->items, &s->n, &s->cap, sizeof(*s->items));
		free_at = s->n - 1;
	}
	s->items[free_at] = (struct hop_set){.hops = *hops, .n_users = 1};
	return (uint32_t)free_at;
}

static void sets_put(struct hop_sets *s, uint32_t set)
{
	assert(s->items[set].n_users > 0);
	s->items[set].n_users--;
}

/* --- items ----------------------------------------------------------------------------------- */

struct item {
	struct ip_prefix prefix;
	bool is_queued, is_under_way, is_taken, is_adopted, is_seen;
	int16_t error;       /* -errno of the last operation */
	uint32_t want, have; /* sets */
};

struct table {
	uint32_t number;
	struct prefix_table items;
	struct prefix_queue queue;
};

struct fib {
	struct table *tables; /* owned */
	size_t n_tables, cap_tables, next_table;
	struct hop_sets sets;
	bool is_swept, is_looking;
	uint64_t n_repaired;
};

struct fib *fib_new(void)
{
	const struct fib_hops none = {.n = 0};
	struct fib *f = xcalloc(1, sizeof(*f));

	*(struct hop_set *)xpush(&f->sets.items, &f->sets.n, &f->sets.cap, sizeof(*f->sets.items)) =
		(struct hop_set){.hops = none};
	return f;
}

struct fib *fib_free(struct fib *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < f->n_tables; i++) {
		prefix_table_done(&f->tables[i].items);
		prefix_queue_done(&f->tables[i].queue);
	}
	free(f->tables);
	free(f->sets.items);
	free(f);
	return NULL;
}

static struct table *table_find(const struct fib *f, uint32_t number)
{
	for (size_t i = 0; i < f->n_tables; i++)
		if (f->tables[i].number == number)
			return &f->tables[i];
	return NULL;
}

static struct table *table_get(struct fib *f, uint32_t number)
{
	struct table *t = table_find(f, number);

	if (t)
		return t;
	t = xpush(&f->tables, &f->n_tables, &f->cap_tables, sizeof(*t));
	t->number = number;
	prefix_table_init(&t->items, sizeof(struct item), HASH_INIT);
	return t;
}

static struct item *item_get(struct fib *f, struct table *t, const struct ip_prefix *prefix)
{
	struct item *i = prefix_table_find(&t->items, prefix);

	if (i)
		return i;
	i = prefix_table_add(&t->items, prefix);
	i->want = i->have = NO_HOPS;
	f->sets.items[NO_HOPS].n_users += 2;
	return i;
}

static void set_want(struct fib *f, struct item *i, const struct fib_hops *hops)
{
	const uint32_t before = i->want;

	i->want = sets_get(&f->sets, hops);
	sets_put(&f->sets, before);
}

static void set_have(struct fib *f, struct item *i, const struct fib_hops *hops)
{
	const uint32_t before = i->have;

	i->have = sets_get(&f->sets, hops);
	sets_put(&f->sets, before);
}

static bool is_due(const struct item *i)
{
	return i->want != i->have && i->error == 0 && !i->is_adopted && !i->is_under_way &&
	       !(i->is_taken && i->have == NO_HOPS);
}

/* Queues it if there is something to do, lets it go if it is of no use any more. */
static void queue_or_forget(struct fib *f, struct table *t, struct item *i)
{
	if (is_due(i) && !i->is_queued) {
		prefix_queue_push(&t->queue, &i->prefix);
		i->is_queued = true;
	}
	if (i->want != NO_HOPS || i->have != NO_HOPS || i->is_taken || i->is_queued ||
	    i->is_under_way)
		return;
	f->sets.items[NO_HOPS].n_users -= 2;
	prefix_table_remove(&t->items, i);
}

void fib_want(struct fib *f, uint32_t table, const struct ip_prefix *prefix,
	      const struct fib_hops *hops)
{
	struct table *t = table_get(f, table);
	struct item *i;

	if (hops->n == 0 && !prefix_table_find(&t->items, prefix))
		return;
	i = item_get(f, t, prefix);
	i->error = 0;
	set_want(f, i, hops);
	queue_or_forget(f, t, i);
}

/* --- operations ------------------------------------------------------------------------------ */

/* False: meanwhile there is nothing to do. */
static bool take_item(struct fib *f, struct table *t, const struct ip_prefix *prefix,
		      struct fib_op *ret)
{
	struct item *i = prefix_table_find(&t->items, prefix);
	const bool due = is_due(i);

	assert(i->is_queued && !i->is_under_way);
	i->is_queued = false;
	i->is_under_way |= due;
	i->is_seen |= due; /* by a look that is under way: it does not know what comes of this */
	if (due)
		*ret = (struct fib_op){
			.verb = i->want == NO_HOPS   ? FIB_DELETE
				: i->have == NO_HOPS ? FIB_ADD
						     : FIB_REPLACE,
			.table = t->number,
			.prefix = *prefix,
			.hops = f->sets.items[i->want == NO_HOPS ? i->have : i->want].hops,
		};
	else
		queue_or_forget(f, t, i);
	return due;
}

size_t fib_take(struct fib *f, struct fib_op *ops, size_t n_max)
{
	struct ip_prefix prefix;
	size_t n = 0;

	for (size_t k = 0; k < f->n_tables && n < n_max; k++) {
		struct table *t = &f->tables[f->next_table++ % f->n_tables];

		while (n < n_max && prefix_queue_pop(&t->queue, &prefix))
			n += take_item(f, t, &prefix, &ops[n]);
	}
	return n;
}

void fib_done(struct fib *f, const struct fib_op *op, int error)
{
	const struct fib_hops none = {.n = 0};
	struct table *t = table_find(f, op->table);
	struct item *i = prefix_table_find(&t->items, &op->prefix);

	assert(i && i->is_under_way && !i->is_queued);
	i->is_under_way = false;
	if (op->verb == FIB_DELETE && (error == -ESRCH || error == -ENOENT))
		error = 0; /* somebody was quicker */
	if (error == 0)
		set_have(f, i, op->verb == FIB_DELETE ? &none : &op->hops);
	i->is_seen = true; /* a look that is under way may have passed by */
	i->is_taken |= error == -EEXIST;
	i->error = error == -EEXIST ? 0 : (int16_t)error;
	queue_or_forget(f, t, i);
}

/* --- looking --------------------------------------------------------------------------------- */

void fib_look_begin(struct fib *f)
{
	f->is_looking = true;
	for (size_t k = 0; k < f->n_tables; k++)
		for (size_t n = 0; n < f->tables[k].items.n; n++) {
			struct item *i = prefix_table_at(&f->tables[k].items, n);

			if (i)
				i->is_seen = i->is_under_way;
		}
}

void fib_look_route(struct fib *f, const struct fib_seen *seen)
{
	const struct fib_hops none = {.n = 0};
	struct table *t = table_get(f, seen->table);
	struct item *i = item_get(f, t, &seen->prefix);

	assert(f->is_looking);
	if (i->is_seen) /* changed since the look began, or shown already */
		return;
	i->is_seen = true;
	i->is_taken = !seen->is_ours;
	i->error = 0;
	if (!seen->is_ours)
		set_have(f, i, &none);
	if (seen->is_ours) {
		i->is_adopted |= i->have == NO_HOPS && !f->is_swept;
		set_have(f, i, &seen->hops);
	}
	queue_or_forget(f, t, i);
}

/* What it has not shown is not there. */
static void miss(struct fib *f, struct table *t, struct item *i)
{
	const struct fib_hops none = {.n = 0};

	f->n_repaired += i->have != NO_HOPS && i->want == i->have;
	set_have(f, i, &none);
	i->is_taken = i->is_adopted = false;
	queue_or_forget(f, t, i);
}

void fib_look_end(struct fib *f, bool is_whole)
{
	f->is_looking = false;
	for (size_t k = 0; is_whole && k < f->n_tables; k++) {
		struct table *t = &f->tables[k];

		for (size_t n = t->items.n; n-- > 0;) {
			struct item *i = prefix_table_at(&t->items, n);

			if (i && !i->is_seen)
				miss(f, t, i);
			i = prefix_table_at(&t->items, n);
			if (i && i->error) { /* to be tried again */
				i->error = 0;
				queue_or_forget(f, t, i);
			}
		}
	}
}

void fib_sweep(struct fib *f)
{
	f->is_swept = true;
	for (size_t k = 0; k < f->n_tables; k++) {
		struct table *t = &f->tables[k];

		for (size_t n = t->items.n; n-- > 0;) {
			struct item *i = prefix_table_at(&t->items, n);

			if (!i)
				continue;
			i->is_adopted = false;
			queue_or_forget(f, t, i);
		}
	}
}

bool fib_is_swept(const struct fib *f)
{
	return f->is_swept;
}

/* --- telling --------------------------------------------------------------------------------- */

static enum fib_state state_of(const struct item *i)
{
	if (i->want == NO_HOPS)
		return FIB_NONE;
	if (i->want == i->have)
		return FIB_PLACED;
	if (i->is_taken)
		return FIB_TAKEN;
	return i->error ? FIB_FAILED : FIB_WAITING;
}

size_t fib_n(const struct fib *f)
{
	size_t n = 0;

	for (size_t k = 0; k < f->n_tables; k++)
		n += prefix_table_n_items(&f->tables[k].items);
	return n;
}

bool fib_walk(const struct fib *f, uint32_t table, size_t *pos, struct ip_prefix *ret)
{
	const struct table *t = table_find(f, table);

	if (!t || *pos > t->items.n)
		*pos = t ? t->items.n : 0;
	while (*pos > 0) {
		const struct item *i = prefix_table_at(&t->items, --*pos);

		if (i) {
			*ret = i->prefix;
			return true;
		}
	}
	return false;
}

struct fib_counts fib_counts(const struct fib *f)
{
	struct fib_counts ret = {.n_repaired = f->n_repaired};

	for (size_t k = 0; k < f->n_tables; k++) {
		for (size_t n = 0; n < f->tables[k].items.n; n++) {
			const struct item *i = prefix_table_at(&f->tables[k].items, n);
			const enum fib_state state = i ? state_of(i) : FIB_NONE;

			if (!i)
				continue;
			ret.n_wanted += state != FIB_NONE;
			ret.n_placed += state == FIB_PLACED;
			ret.n_failed += state == FIB_FAILED;
			ret.n_taken += state == FIB_TAKEN;
			ret.n_adopted += i->is_adopted;
			ret.n_waiting += i->is_under_way;
			if (state == FIB_FAILED && ret.first_error == 0)
				ret.first_error = i->error;
		}
		ret.n_waiting += f->tables[k].queue.n;
	}
	return ret;
}

enum fib_state fib_state(const struct fib *f, uint32_t table, const struct ip_prefix *prefix,
			 struct fib_hops *ret_hops, int *ret_error)
{
	const struct table *t = table_find(f, table);
	const struct item *i = t ? prefix_table_find(&t->items, prefix) : NULL;

	ret_hops->n = 0;
	*ret_error = 0;
	if (!i)
		return FIB_NONE;
	*ret_hops = f->sets.items[i->want].hops;
	*ret_error = i->error;
	return state_of(i);
}

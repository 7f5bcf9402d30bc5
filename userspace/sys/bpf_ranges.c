// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The map cannot be asked for the ranges of one set, so they are kept here, 24 bytes each. A set
 * that was being filled for a frontend that wants another one now, or that could not be filled, is
 * emptied like one that was used.
 */
#include "sys/bpf_maps.h"
#include "sys/clock.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#define PORTION BPF_RANGES_AT_ONCE

/* The ranges of a set as the kernel has them. */
struct range_list {
	struct lb_range *items; /* owned */
	size_t n, cap;
};

struct bpf_ranges {
	int fd; /* borrowed */
	struct lb_tables *tables;
	struct range_list sets[LB_RANGE_SETS];
	uint32_t filling; /* a set; 0: none */
	uint64_t name;    /* that it will have */
	uint32_t *left;   /* sets to be emptied; owned */
	size_t n_left, cap_left;
};

static void leave(struct bpf_ranges *r, uint32_t set)
{
	*(uint32_t *)xpush(&r->left, &r->n_left, &r->cap_left, sizeof(set)) = set;
}

struct lb_range bpf_range_of(uint32_t set, const struct ip_prefix *p)
{
	struct lb_range ret = {.set = set};
	const uint32_t mapped = ip_addr_is_v4(&p->addr) ? 96 : 0;

	ret.len = LB_RANGE_SET_BITS + mapped + p->len;
	memcpy(ret.addr, p->addr.b, sizeof(ret.addr));
	return ret;
}

int bpf_ranges_write(int fd, const struct lb_range *keys, uint32_t n, bool is_put, uint32_t *ret_n)
{
	uint32_t values[BPF_RANGES_AT_ONCE] = {0};
	__u32 done = n;
	int error;

	assert(n <= BPF_RANGES_AT_ONCE);
	error = is_put ? bpf_map_update_batch(fd, keys, values, &done, NULL)
		       : bpf_map_delete_batch(fd, keys, &done, NULL);
	*ret_n =
		error && done == n ? 0 : done; /* refused at once, it leaves the number as it was */
	if (error != -ENOENT || is_put)
		return error;
	++*ret_n; /* somebody else took it out */
	return 0;
}

/* --- filling ---------------------------------------------------------------------------------- */

static int begin(struct bpf_ranges *r, uint64_t name)
{
	int error;

	if (r->filling && r->name == name)
		return 0;
	if (r->filling)
		leave(r, r->filling);
	r->filling = 0;
	error = lb_tables_take_ranges(r->tables, &r->filling);
	if (error != 0)
		return error;
	assert(r->sets[r->filling].n == 0);
	r->name = name;
	return 0;
}

/* The next ranges of the frontend, into the map and the list. */
static int add_portion(struct bpf_ranges *r, const struct lb_frontend *f)
{
	struct range_list *list = &r->sets[r->filling];
	struct lb_range keys[PORTION];
	uint32_t n = 0;
	int error;

	while (n < PORTION && list->n + n < f->n_ranges) {
		keys[n] = bpf_range_of(r->filling, &f->ranges[list->n + n]);
		n++;
	}
	error = bpf_ranges_write(r->fd, keys, n, true, &n);
	for (uint32_t i = 0; i < n; i++) /* as many as are in, also if it failed */
		*(struct lb_range *)xpush(&list->items, &list->n, &list->cap, sizeof(*keys)) =
			keys[i];
	return error;
}

int bpf_ranges_fill(struct bpf_ranges *r, const struct lb_clock *c, const struct lb_frontend *f,
		    nsec_t until)
{
	int error = begin(r, f->ranges_name);

	while (error == 0 && r->sets[r->filling].n < f->n_ranges) {
		if (until && clock_now() >= until)
			return -EINPROGRESS;
		error = add_portion(r, f);
	}
	if (error == 0)
		lb_tables_name_ranges(r->tables, c, r->filling, r->name);
	else if (r->filling)
		leave(r, r->filling);
	r->filling = 0;
	return error;
}

/* --- emptying --------------------------------------------------------------------------------- */

/* The last ranges of the list, out of the map and the list. */
static int remove_portion(struct bpf_ranges *r, struct range_list *list)
{
	const uint32_t most = list->n < PORTION ? (uint32_t)list->n : PORTION;
	struct lb_range *from = list->items + list->n - most;
	uint32_t n;
	int error = bpf_ranges_write(r->fd, from, most, false, &n);

	memmove(from, from + n, (most - n) * sizeof(*from));
	list->n -= n;
	return error;
}

/* What the map does not give back is tried again, but not at once. */
bool bpf_ranges_tick(struct bpf_ranges *r, const struct lb_clock *c)
{
	struct range_list *list;
	uint32_t set;

	while (lb_tables_drop_ranges(r->tables, c, &set))
		leave(r, set);
	if (r->n_left == 0)
		return false;
	set = r->left[r->n_left - 1];
	list = &r->sets[set];
	if (list->n > 0 && remove_portion(r, list) != 0)
		return false;
	if (list->n == 0) {
		free(list->items);
		*list = (struct range_list){.n = 0};
		r->n_left--;
		lb_tables_give_ranges(r->tables, set);
	}
	return r->n_left > 0;
}

/* --- adoption --------------------------------------------------------------------------------- */

static int read_all(struct bpf_ranges *r, struct range_list *ret)
{
	struct lb_range key, next;
	const void *from = NULL;

	while (bpf_map_get_next_key(r->fd, from, &next) == 0) {
		*(struct lb_range *)xpush(&ret->items, &ret->n, &ret->cap, sizeof(next)) = next;
		key = next;
		from = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

/* What is denied, and belongs to no service's set. False: it is something else. */
static bool take_denied(const struct lb_range *range, struct ip_prefix *ret)
{
	const uint32_t mapped = range->set == LB_DENY_SET_V4 ? 96 : 0;

	if (range->set != LB_DENY_SET_V4 && range->set != LB_DENY_SET_V6)
		return false;
	*ret = (struct ip_prefix){.len = (uint8_t)(range->len - LB_RANGE_SET_BITS - mapped)};
	memcpy(ret->addr.b, range->addr, sizeof(ret->addr.b));
	return true;
}

static int adopt(struct bpf_ranges *r, struct lb_deny *deny)
{
	struct range_list all = {.n = 0};
	int error = read_all(r, &all);
	struct ip_prefix *denied = xcalloc(all.n + 1, sizeof(*denied));
	size_t n_denied = 0;

	for (size_t i = 0; i < all.n && error == 0; i++) {
		const struct lb_range *range = &all.items[i];
		struct range_list *list;

		if (take_denied(range, &denied[n_denied])) {
			n_denied++;
			continue;
		}
		if (!lb_tables_has_ranges(r->tables, range->set)) {
			error = bpf_map_delete_elem(r->fd, range) == 0 ? 0 : -errno;
			continue;
		}
		list = &r->sets[range->set];
		*(struct lb_range *)xpush(&list->items, &list->n, &list->cap, sizeof(*range)) =
			*range;
	}
	lb_deny_adopt(deny, denied, n_denied);
	free(denied);
	free(all.items);
	return error;
}

int bpf_ranges_new(int map_fd, struct lb_tables *tables, struct lb_deny *deny,
		   struct bpf_ranges **ret)
{
	struct bpf_ranges *r = xcalloc(1, sizeof(*r));
	int error;

	r->fd = map_fd;
	r->tables = tables;
	error = adopt(r, deny);
	if (error != 0)
		bpf_ranges_free(r);
	else
		*ret = r;
	return error;
}

struct bpf_ranges *bpf_ranges_free(struct bpf_ranges *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < LB_RANGE_SETS; i++)
		free(r->sets[i].items);
	free(r->left);
	free(r);
	return NULL;
}

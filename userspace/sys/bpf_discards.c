// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes into the map `blackholes`, a merge-diff with what it holds, which is kept here; each
 * has a place in `blackhole_drops` as long as it is there, and begins to count at nothing. New ones
 * are put before old ones go, so what lies under one before and after is so meanwhile.
 */
#include "sys/bpf_maps.h"

#include "base/limits.h"
#include "base/sorted.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>

_Static_assert(LIMIT_DISCARDS == LB_BLACKHOLES, "there is a place for each");

struct placed {
	struct lb_discard what; /* first, as in all arrays that are compared with these */
	uint32_t place;
};

struct bpf_discards {
	int fd, drops_fd; /* borrowed, as are: */
	struct lb_tables *tables;
	int n_cpus;
	struct placed *have; /* by what; owned */
	size_t n;
	bool taken[LB_BLACKHOLES]; /* places */
};

static int cmp_discard(const void *a, const void *b)
{
	return lb_discard_cmp(a, b);
}

static bool is_same(const void *want, const void *have)
{
	(void)want;
	(void)have;
	return true;
}

static struct lb_range key_of(const struct lb_discard *what)
{
	return bpf_range_of(what->domain, &what->prefix);
}

static struct lb_discard discard_of(const struct lb_range *key)
{
	struct lb_discard ret = {.domain = (uint16_t)key->set};

	memcpy(ret.prefix.addr.b, key->addr, sizeof(ret.prefix.addr.b));
	ret.prefix.len = (uint8_t)(key->len - LB_RANGE_SET_BITS -
				   (ip_addr_is_v4(&ret.prefix.addr) ? 96 : 0));
	return ret;
}

/* --- one of them ------------------------------------------------------------------------------ */

static int clear_drops(const struct bpf_discards *d, uint32_t place)
{
	_cleanup_(freep) uint64_t *zero = xcalloc((size_t)d->n_cpus, sizeof(*zero));

	return bpf_map_update_elem(d->drops_fd, &place, zero, BPF_ANY);
}

/* Into the room behind the n that there are. */
static int put(struct bpf_discards *d, const struct lb_discard *what)
{
	const struct lb_range key = key_of(what);
	uint32_t place = 0;
	int error;

	while (place < LB_BLACKHOLES && d->taken[place])
		place++;
	if (place == LB_BLACKHOLES)
		return -ENOSPC;
	error = clear_drops(d, place);
	if (error == 0)
		error = bpf_map_update_elem(d->fd, &key, &place, BPF_ANY);
	if (error != 0)
		return error;
	lb_tables_cover(d->tables, &what->prefix);
	d->taken[place] = true;
	d->have[d->n++] = (struct placed){.what = *what, .place = place};
	return 0;
}

static int take_out(struct bpf_discards *d, const struct placed *p)
{
	const struct lb_range key = key_of(&p->what);
	const int error = bpf_map_delete_elem(d->fd, &key);

	if (error != 0 && error != -ENOENT)
		return error;
	lb_tables_uncover(d->tables, &p->what.prefix);
	d->taken[p->place] = false;
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* New ones come to stand behind the others, which `diff` walks through. */
static int put_new(struct bpf_discards *d, struct diff diff)
{
	struct diff_step step;
	int ret = 0;

	while (diff_next(&diff, &step)) {
		const int error = step.op == DIFF_ADD ? put(d, step.want) : 0;

		ret = error ? error : ret;
	}
	return ret;
}

static int take_out_old(struct bpf_discards *d, const struct lb_discard *want, size_t n)
{
	size_t n_kept = 0;
	int ret = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct placed p = d->have[i];
		const bool is_wanted = sorted_find(&p.what, want, n, sizeof(*want), cmp_discard);
		const int error = is_wanted ? 0 : take_out(d, &p);

		ret = error ? error : ret;
		if (is_wanted || error != 0)
			d->have[n_kept++] = p;
	}
	d->n = n_kept;
	return ret;
}

int bpf_discards_apply(struct bpf_discards *d, const struct lb_discard *want, size_t n)
{
	const struct diff diff = {.want = {want, n, sizeof(*want)},
				  .have = {d->have, d->n, sizeof(*d->have)},
				  .cmp = cmp_discard,
				  .same = is_same};
	int error = put_new(d, diff), other = take_out_old(d, want, n);

	if (d->n > 0)
		qsort(d->have, d->n, sizeof(*d->have), cmp_discard);
	return error ? error : other;
}

const struct lb_discard *bpf_discards_list(const struct bpf_discards *d, struct arena *arena,
					   size_t *ret_n)
{
	struct lb_discard *ret = arena_array_of(arena, d->n, struct lb_discard);

	for (size_t i = 0; i < d->n; i++)
		ret[i] = d->have[i].what;
	*ret_n = d->n;
	return ret;
}

bool bpf_discards_drops(const struct bpf_discards *d, const struct lb_discard *what,
			uint64_t *ret_packets)
{
	_cleanup_(freep) uint64_t *values = xcalloc((size_t)d->n_cpus, sizeof(*values));
	const struct placed *p = sorted_find(what, d->have, d->n, sizeof(*p), cmp_discard);

	*ret_packets = 0;
	if (!p || bpf_map_lookup_elem(d->drops_fd, &p->place, values) != 0)
		return false;
	for (int i = 0; i < d->n_cpus; i++)
		*ret_packets += values[i];
	return true;
}

/* --- adoption --------------------------------------------------------------------------------- */

/* One whose place is another's is taken out, to be put again by the next plan. */
static int adopt(struct bpf_discards *d, const struct lb_range *key)
{
	uint32_t place;

	if (bpf_map_lookup_elem(d->fd, key, &place) != 0)
		return -errno;
	if (d->n == LB_BLACKHOLES || place >= LB_BLACKHOLES || d->taken[place])
		return bpf_map_delete_elem(d->fd, key);
	d->taken[place] = true;
	d->have[d->n] = (struct placed){.what = discard_of(key), .place = place};
	lb_tables_cover(d->tables, &d->have[d->n++].what.prefix);
	return 0;
}

static int adopt_all(struct bpf_discards *d)
{
	_cleanup_(freep) struct lb_range *keys = xcalloc(LB_BLACKHOLES, sizeof(*keys));
	const struct lb_range *from = NULL;
	size_t n = 0;
	int error = 0;

	while (n < LB_BLACKHOLES && bpf_map_get_next_key(d->fd, from, &keys[n]) == 0)
		from = &keys[n++];
	for (size_t i = 0; i < n && error == 0; i++)
		error = adopt(d, &keys[i]);
	if (d->n > 0)
		qsort(d->have, d->n, sizeof(*d->have), cmp_discard);
	return error;
}

int bpf_discards_new(const struct bpf_maps *maps, struct lb_tables *tables,
		     struct bpf_discards **ret)
{
	struct bpf_discards *d = xcalloc(1, sizeof(*d));
	int error;

	d->fd = bpf_maps_fd(maps, "blackholes");
	d->drops_fd = bpf_maps_fd(maps, "blackhole_drops");
	d->tables = tables;
	d->n_cpus = maps->n_cpus;
	d->have = xcalloc(2 * LB_BLACKHOLES, sizeof(*d->have));
	error = adopt_all(d);
	if (error != 0)
		bpf_discards_free(d);
	else
		*ret = d;
	return error;
}

struct bpf_discards *bpf_discards_free(struct bpf_discards *d)
{
	if (!d)
		return NULL;
	free(d->have);
	free(d);
	return NULL;
}

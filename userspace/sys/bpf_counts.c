// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A process that is killed between the put and the note of what left loses that note, some
 * microseconds of time; never is anything counted twice.
 */
#include "sys/bpf_counts.h"

#include "base/hash.h"
#include "base/sorted.h"

#include <bpf/bpf.h>

#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

#define AT_A_TIME LB_SUMS

/* --- of backends ------------------------------------------------------------------------------ */

void bpf_counts_read(const struct bpf_maps *m, size_t first, size_t n, struct bpf_packets *ret)
{
	const size_t all = m->n_counters * LB_BACKEND_CHUNK;
	uint32_t index[AT_A_TIME];

	while (n > 0 && first < all) {
		size_t piece = n < all - first ? n : all - first;

		piece = piece < AT_A_TIME ? piece : AT_A_TIME;
		for (size_t i = 0; i < piece; i++)
			index[i] = (uint32_t)(first + i);
		bpf_counts_of(m, index, piece, ret);
		first += piece;
		ret += piece;
		n -= piece;
	}
}

void bpf_counts_of(const struct bpf_maps *m, const uint32_t *index, size_t n,
		   struct bpf_packets *ret)
{
	const size_t all = m->n_counters * LB_BACKEND_CHUNK;
	struct lb_counter sums[AT_A_TIME];
	uint32_t known[AT_A_TIME];

	for (size_t done = 0, piece; done < n; done += piece) {
		piece = n - done < AT_A_TIME ? n - done : AT_A_TIME;
		for (size_t i = 0; i < piece; i++)
			known[i] = index[done + i] < all ? index[done + i] : 0;
		if (all > 0)
			bpf_maps_counters(m, known, piece, sums);
		for (size_t i = 0; i < piece; i++)
			if (index[done + i] < all)
				ret[done + i] =
					(struct bpf_packets){sums[i].packets, sums[i].bytes};
	}
}

void bpf_counts_sum(const struct bpf_maps *m, const struct bpf_counting *all, struct arena *scratch,
		    struct bpf_counter *total, struct bpf_counter *targets, size_t cap)
{
	struct lb_counter *sums = arena_array_of(scratch, all->n, struct lb_counter);

	bpf_maps_counters(m, all->index, all->n, sums);
	for (size_t i = 0; i < all->n; i++) {
		const struct bpf_counter one = {sums[i].packets, sums[i].bytes, all->flows[i], 0};

		total->packets += one.packets;
		total->bytes += one.bytes;
		total->flows += one.flows;
		if (i < cap)
			targets[i] = one;
	}
}

/* --- by reason -------------------------------------------------------------------------------- */

size_t bpf_counts_drops(const struct bpf_maps *m, uint64_t *counts, size_t cap)
{
	int fd = bpf_maps_fd(m, "drops");
	_cleanup_(freep) uint64_t *values = xcalloc((size_t)m->n_cpus, sizeof(*values));

	for (__u32 reason = 0; reason < LB_N_DROPS && reason < cap; reason++) {
		counts[reason] = 0;
		if (bpf_map_lookup_elem(fd, &reason, values) != 0)
			continue;
		for (int cpu = 0; cpu < m->n_cpus; cpu++)
			counts[reason] += values[cpu];
	}
	return LB_N_DROPS;
}

/* --- of frontends ----------------------------------------------------------------------------- */

/* What the map holds, of which this process is the only writer: asked for with each scrape. */
struct bpf_retired {
	struct lb_service_key key;
	struct bpf_packets of;
	UT_hash_handle hh;
};

static struct bpf_retired *find(const struct bpf_maps *m, const struct lb_key *key)
{
	const struct lb_service_key k = lb_service_key_of(key);
	struct bpf_retired *ret;

	HASH_FIND(hh, m->retired, &k, sizeof(k), ret);
	return ret;
}

static struct bpf_retired *add(struct bpf_maps *m, const struct lb_service_key *key)
{
	struct bpf_retired *ret = xcalloc(1, sizeof(*ret));

	ret->key = *key;
	HASH_ADD(hh, m->retired, key, sizeof(ret->key), ret);
	return ret;
}

static void take_out(struct bpf_maps *m, struct bpf_retired *r)
{
	HASH_DEL(m->retired, r);
	free(r);
}

void bpf_counts_open(struct bpf_maps *m)
{
	struct lb_retired_key key, *before = NULL;
	struct lb_counter value;

	while (bpf_map_get_next_key(m->retired_fd, before, &key) == 0) {
		if (bpf_map_lookup_elem(m->retired_fd, &key, &value) == 0)
			add(m, &key.service)->of = (struct bpf_packets){value.packets, value.bytes};
		before = &key;
	}
}

void bpf_counts_close(struct bpf_maps *m)
{
	struct bpf_retired *r, *next;

	HASH_ITER (hh, m->retired, r, next)
		take_out(m, r);
}

static struct lb_retired_key retired_key_of(const struct lb_key *key)
{
	return (struct lb_retired_key){.bits = LB_RETIRED_BITS, .service = lb_service_key_of(key)};
}

struct bpf_packets bpf_counts_retired(const struct bpf_maps *m, const struct lb_key *key)
{
	const struct bpf_retired *r = find(m, key);

	return r ? r->of : (struct bpf_packets){0};
}

static int cmp_target(const void *key, const void *item)
{
	return lb_target_cmp(key, item);
}

struct bpf_packets bpf_counts_leaving(const struct bpf_maps *m, const struct lb_tables *t,
				      const struct lb_actual *before, const struct lb_frontend *f,
				      struct arena *scratch)
{
	struct bpf_packets ret = {0};
	const uint32_t *index;
	size_t n;

	if (!lb_tables_backends(t, &before->key, scratch, &index, &n) || n != before->n_targets)
		return ret;
	for (size_t i = 0; i < n; i++) {
		struct lb_counter one;

		if (sorted_find(&before->targets[i], f->targets, f->n_targets, sizeof(*f->targets),
				cmp_target))
			continue;
		one = bpf_maps_counter(m, index[i]);
		ret.packets += one.packets;
		ret.bytes += one.bytes;
	}
	return ret;
}

void bpf_counts_retire(struct bpf_maps *m, const struct lb_key *key, const struct bpf_packets *n)
{
	const struct lb_retired_key k = retired_key_of(key);
	struct bpf_retired *r = find(m, key);
	struct lb_counter value;

	if (n->packets == 0)
		return;
	if (!r)
		r = add(m, &k.service);
	r->of.packets += n->packets;
	r->of.bytes += n->bytes;
	value = (struct lb_counter){.packets = r->of.packets, .bytes = r->of.bytes};
	(void)bpf_map_update_elem(m->retired_fd, &k, &value, BPF_ANY);
}

void bpf_counts_forget(struct bpf_maps *m, const struct lb_key *key)
{
	const struct lb_retired_key k = retired_key_of(key);
	struct bpf_retired *r = find(m, key);

	if (!r)
		return;
	(void)bpf_map_delete_elem(m->retired_fd, &k);
	take_out(m, r);
}

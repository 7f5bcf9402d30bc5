// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A process that is killed between the put and the note of what left loses that note, some
 * microseconds of time; never is anything counted twice.
 */
#include "sys/bpf_counts.h"

#include "base/sorted.h"

#include <bpf/bpf.h>

#define AT_A_TIME 256u

/* --- of backends ------------------------------------------------------------------------------ */

void bpf_counts_read(const struct bpf_maps *m, size_t first, size_t n, struct bpf_packets *ret)
{
	const size_t all = m->n_counters * LB_BACKEND_CHUNK;
	struct lb_counter sums[AT_A_TIME];

	while (n > 0 && first < all) {
		size_t piece = n < all - first ? n : all - first;

		piece = piece < AT_A_TIME ? piece : AT_A_TIME;
		bpf_maps_counters(m, (uint32_t)first, piece, sums);
		for (size_t i = 0; i < piece; i++)
			ret[i] = (struct bpf_packets){sums[i].packets, sums[i].bytes};
		first += piece;
		ret += piece;
		n -= piece;
	}
}

/* --- of frontends ----------------------------------------------------------------------------- */

static struct lb_retired_key retired_key_of(const struct lb_key *key)
{
	return (struct lb_retired_key){.bits = LB_RETIRED_BITS, .service = lb_service_key_of(key)};
}

struct bpf_packets bpf_counts_retired(const struct bpf_maps *m, const struct lb_key *key)
{
	const struct lb_retired_key k = retired_key_of(key);
	struct lb_counter value = {0};

	if (bpf_map_lookup_elem(m->retired_fd, &k, &value) != 0)
		return (struct bpf_packets){0};
	return (struct bpf_packets){value.packets, value.bytes};
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

void bpf_counts_retire(const struct bpf_maps *m, const struct lb_key *key,
		       const struct bpf_packets *n)
{
	const struct lb_retired_key k = retired_key_of(key);
	struct bpf_packets all = bpf_counts_retired(m, key);
	struct lb_counter value = {.packets = all.packets + n->packets,
				   .bytes = all.bytes + n->bytes};

	if (n->packets > 0)
		(void)bpf_map_update_elem(m->retired_fd, &k, &value, BPF_ANY);
}

void bpf_counts_forget(const struct bpf_maps *m, const struct lb_key *key)
{
	const struct lb_retired_key k = retired_key_of(key);

	(void)bpf_map_delete_elem(m->retired_fd, &k);
}

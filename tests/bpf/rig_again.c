// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A rig is used again by the next test of its process: the verifier's work on the programs is most
 * of what a test takes, and in an emulated machine it is seconds. Its maps are made empty before,
 * each by what its type says, so that no map is forgotten; the programs keep nothing else.
 */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One, that rig_free() was given; the process's end frees it. */
static struct rig *kept;

/* The kernel lets nobody map a timer; writing over one ends it. */
static bool has_timers(const struct bpf_map *map)
{
	return strcmp(bpf_map__name(map), "bfd_timers") == 0;
}

void rig_make_mappable(const struct rig *r)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, r->xdp->obj)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_ARRAY && !bpf_map__is_internal(map) &&
		    !has_timers(map))
			rig_must(bpf_map__set_map_flags(map,
							bpf_map__map_flags(map) | BPF_F_MMAPABLE),
				 "make an array mappable");
	}
}

static void empty_by_memory(const struct bpf_map *map)
{
	size_t len = (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7) & ~7u);
	void *values = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    bpf_map__fd(map), 0);

	rig_must(values == MAP_FAILED ? -1 : 0, "map an array");
	memset(values, 0, len);
	munmap(values, len);
}

/* With a value for each CPU: key by key. */
static void empty_by_writing(const struct rig *r, const struct bpf_map *map)
{
	void *zero = calloc(r->n_cpus, (bpf_map__value_size(map) + 7) & ~7u);

	if (!zero)
		abort();
	for (uint32_t key = 0; key < bpf_map__max_entries(map); key++)
		rig_must(bpf_map_update_elem(bpf_map__fd(map), &key, zero, BPF_ANY),
			 "empty an array");
	free(zero);
}

static void empty_by_deleting(const struct bpf_map *map)
{
	uint8_t key[64];

	if (bpf_map__key_size(map) > sizeof(key))
		abort();
	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, key) == 0)
		rig_must(bpf_map_delete_elem(bpf_map__fd(map), key), "empty a map");
}

static void empty(const struct rig *r, const struct bpf_map *map)
{
	switch ((unsigned)bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
		if (has_timers(map))
			empty_by_writing(r, map);
		else
			empty_by_memory(map);
		return;
	case BPF_MAP_TYPE_RINGBUF: /* who reads it begins with that, rig_bfd_woken() */
		return;
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		empty_by_writing(r, map);
		return;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		empty_by_deleting(map);
		return;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
		return; /* rig_drop_chunks() */
	case BPF_MAP_TYPE_PROG_ARRAY:
		return; /* what it holds belongs to the program */
	default:
		abort(); /* it is to be said here how */
	}
}

static void empty_all(struct rig *r)
{
	struct bpf_map *map;

	rig_drop_chunks(r);
	bpf_object__for_each_map(map, r->xdp->obj)
	{
		if (!bpf_map__is_internal(map))
			empty(r, map);
	}
	r->n_services = 0;
	r->n_rows = 0;
}

struct rig *rig_new(const char **ret_why)
{
	struct rig *r = kept;

	kept = NULL;
	if (!r)
		return rig_make(1, true, ret_why);
	empty_all(r);
	rig_add_flows(r);
	return r;
}

struct rig *rig_free(struct rig *r)
{
	if (!r)
		return NULL;
	if (r->again && !kept) {
		kept = r;
		return NULL;
	}
	rig_destroy(r);
	return NULL;
}

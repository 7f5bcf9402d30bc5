// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The maps as memory: maps the fixed ones and the chunks into the process for lb/lb_tables.h, adds
 * chunks, and reads and writes the per-CPU counters beside the backends.
 */
#pragma once

#include "lb/lb_tables.h"
#include "lb/lb_uplinks.h"

struct bpf_object;

/* --- before and after loading an object ----------------------------------------------------------
 */

/*
 * Gives an opened object the maps pinned in a folder. -ENOENT: one is missing; -ESTALE: one is of
 * another shape. After an error the object must be closed. Maps that hold no flow, and that the
 * agent fills from what it knows, are no error: they will be fresh, and bpf_maps_pin_fresh() puts
 * them in the place of those. So another version may change their shape and cut no connection.
 */
int bpf_maps_reuse(struct bpf_object *obj, const char *dir) must_check;
int bpf_maps_pin_fresh(const struct bpf_object *obj, const char *dir) must_check;
/* How inner maps must be made; libbpf forgets it when it has loaded the object. */
struct bpf_inner {
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t btf_key, btf_value;
};
struct bpf_inners {
	struct bpf_inner rows, late, backends, counters;
};
/* From an opened object. -ENOENT: it has no such maps. */
int bpf_maps_inners(const struct bpf_object *obj, struct bpf_inners *ret) must_check;

/* Gives an opened object the maps of a loaded one. */
int bpf_maps_share(const struct bpf_object *from, struct bpf_object *to) must_check;
/* Pins all maps of a loaded object in a folder by their names. */
int bpf_maps_pin(const struct bpf_object *obj, const char *dir) must_check;

/* --- mapped --------------------------------------------------------------------------------------
 */

struct bpf_mapping {
	void *at;
	size_t size;
};

/* Chunks of one kind that are there, and how many were added last, and when. */
struct bpf_growth {
	uint32_t n_chunks, last;
	nsec_t at;
};

struct bpf_maps {
	const struct bpf_object *obj; /* borrowed; loaded */
	struct bpf_inners inners;
	struct lb_images images;
	struct lb_uplinks uplinks;
	struct bpf_mapping *mappings; /* owned */
	size_t n_mappings, cap_mappings;
	int *counter_fds; /* one per chunk of backends; owned */
	size_t n_counters, cap_counters;
	struct bpf_growth growth[2]; /* of rows, of backends */
	int n_cpus;
};

int bpf_maps_open(struct bpf_maps *m, const struct bpf_object *obj,
		  const struct bpf_inners *inners) must_check;
void bpf_maps_close(struct bpf_maps *m);
/* fd of a map by name, or -1; borrowed. */
int bpf_maps_fd(const struct bpf_maps *m, const char *name);

/* Hands the chunks that exist to the tables, in their order. 0 or -errno. */
int bpf_maps_load_chunks(struct bpf_maps *m, struct lb_tables *t) must_check;
/*
 * Makes new chunks for LB_NEED_*: one, or many at once if they are asked for again at the same time
 * `now`. 0 or -errno.
 */
int bpf_maps_grow(struct bpf_maps *m, struct lb_tables *t, int need, nsec_t now) must_check;

/* Sum over CPUs of one counter, by the index of its backend. */
struct lb_counter bpf_maps_counter(const struct bpf_maps *m, uint32_t index);
/* Does what lb_tables_take_moves() says. */
void bpf_maps_move_counter(const struct bpf_maps *m, const struct lb_counter_move *move);

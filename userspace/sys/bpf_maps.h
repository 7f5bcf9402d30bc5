// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The maps as memory: maps the fixed ones and the chunks into the process for lb/lb_tables.h, adds
 * chunks, and reads and writes the per-CPU counters beside the backends.
 */
#pragma once

#include "lb/lb_deny.h"
#include "lb/lb_tables.h"
#include "lb/lb_uplinks.h"
#include "plan/plan.h"
#include "sys/bpf_kept.h"

struct bpf_object;
struct bpf_retired;

/* --- before and after loading an object ------------------------------------------------------- */

/*
 * Gives an opened object the maps pinned in a folder. -ENOENT: one is missing; -ESTALE: one is of
 * another shape. After an error the object must be closed. Maps that hold no flow, and that the
 * agent fills from what it knows, are no error, and the programs' own are not asked for: they will
 * be fresh, and bpf_maps_pin_fresh() puts them in the place of those, so that no connection is cut.
 */
int bpf_maps_reuse(struct bpf_object *obj, const char *dir) must_check;
int bpf_maps_pin_fresh(const struct bpf_object *obj, const char *dir) must_check;
/* How inner maps must be made; libbpf forgets it when it has loaded the object. */
struct bpf_inner {
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t btf_key, btf_value;
};
struct bpf_inners {
	struct bpf_inner rows, backends, counters, flows, nodes, kernel_flows, nat;
};
/* From an opened object. -ENOENT: it has no such maps. */
int bpf_maps_inners(const struct bpf_object *obj, struct bpf_inners *ret) must_check;

/* Gives an opened object the maps that were kept of a loaded one. */
int bpf_maps_share(const struct bpf_kept *from, struct bpf_object *to) must_check;
/* Pins all maps of a loaded object in a folder by their names. */
int bpf_maps_pin(const struct bpf_object *obj, const char *dir) must_check;

/* --- mapped ----------------------------------------------------------------------------------- */

struct bpf_mapping {
	void *at;
	size_t size;
};

/* The kinds of chunk and what they consist of. Those of flows are bpf_flows.h's alone. */
enum bpf_chunk_which {
	BPF_CHUNK_ROWS,
	BPF_CHUNK_BACKENDS,
	BPF_CHUNK_NODES,
	BPF_CHUNK_KERNEL_FLOWS, /* one, reached by its fd alone */
	BPF_CHUNK_NAT,          /* one, the programs' alone */
	BPF_CHUNK_FLOWS,
	BPF_N_CHUNK_KINDS
};
struct bpf_chunk_kind {
	const char *main, *beside; /* names of the outer maps; beside may be NULL */
	size_t main_bytes;         /* of main, which is mapped; 0: it is not */
	uint32_t max;
};
const struct bpf_chunk_kind *bpf_chunk_kind(enum bpf_chunk_which which);

struct bpf_maps {
	const struct bpf_kept *kept; /* borrowed */
	const char *pin_dir;         /* borrowed */
	struct bpf_inners inners;
	struct lb_images images;
	uint64_t *backend_bits, *deny_bits;
	struct lb_uplinks uplinks;
	struct bpf_mapping *mappings; /* owned */
	size_t n_mappings, cap_mappings;
	int retired_fd;              /* of the map; borrowed */
	struct bpf_retired *retired; /* what it holds (bpf_counts.h); owned */
	int sums_fd;                 /* of the program xdp_sums; borrowed */
	int kernel_flows_fd;         /* of the inner map, -1: there is none; owned */
	int *counter_fds;            /* one per chunk of backends; owned */
	size_t n_counters, cap_counters;
	uint32_t n_chunks[BPF_N_CHUNK_KINDS];
	int n_cpus;
};

int bpf_maps_open(struct bpf_maps *m, const struct bpf_kept *kept, const struct bpf_inners *inners,
		  const char *pin_dir) must_check;
void bpf_maps_close(struct bpf_maps *m);
/* fd of a map by name, or -1; borrowed. */
int bpf_maps_fd(const struct bpf_maps *m, const char *name);

/*
 * Hands the chunks that exist to the tables, in their order, and removes pins of others. 0 or
 * -errno.
 */
int bpf_maps_load_chunks(struct bpf_maps *m, struct lb_tables *t) must_check;

/* Inner maps and their memory, not in the tables yet; owned. */
struct bpf_chunk {
	int main, beside; /* fds; -1: none */
	struct bpf_mapping main_at;
};
/* Maps the first. 0 or -errno, after which it is to be discarded. */
int bpf_chunk_map(struct bpf_chunk *c, const struct bpf_chunk_kind *kind) must_check;
void bpf_chunk_discard(struct bpf_chunk *c);
/* The next of its kind, for the tables; what it owns goes over. */
void bpf_maps_add_chunk(struct bpf_maps *m, struct lb_tables *t, enum bpf_chunk_which which,
			struct bpf_chunk *c);
/* Maps a map or an inner one as long as m is open; *(void **)ret is where. */
int bpf_maps_map(struct bpf_maps *m, int fd, size_t size, void *ret) must_check;
/* Maps the one chunk of `nat`, for the caller to unmap. */
int bpf_maps_nat(const struct bpf_maps *m, struct bpf_mapping *ret) must_check;

/* --- source ranges ---------------------------------------------------------------------------- */

/*
 * What is in the sets of source ranges (struct lb_range): they are filled before a frontend names
 * them, and emptied when none does any more. Both go in portions, since ten thousand ranges take
 * longer than others are to wait.
 */
struct bpf_ranges;
/*
 * Takes over what the map holds, once the tables have adopted their images, and tells deny of what
 * is denied; what belongs to no set with a name is removed. 0 or -errno; the caller owns *ret.
 * Tables are borrowed.
 */
int bpf_ranges_new(int map_fd, struct lb_tables *tables, struct lb_deny *deny,
		   struct bpf_ranges **ret) must_check;
struct bpf_ranges *bpf_ranges_free(struct bpf_ranges *r);

/*
 * Goes on filling a set with the frontend's ranges, and names it when they are all in: 0, put
 * again. -EINPROGRESS: that takes more turns, of which `until`, by the clock, ends this one (0: no
 * end). -ENOSPC: too many ranges or sets; another -errno of the map.
 */
int bpf_ranges_fill(struct bpf_ranges *r, const struct lb_clock *c, const struct lb_frontend *f,
		    nsec_t until) must_check;

/* Empties a portion of what nobody uses; true: there is more to do at once. */
bool bpf_ranges_tick(struct bpf_ranges *r, const struct lb_clock *c);

#define BPF_RANGES_AT_ONCE 256u /* of one call, about 0.2 ms */
/*
 * Puts up to so many ranges into the map, or takes them out; one that is out already is no error.
 * 0, or -errno of the map; *ret_n are in, or out, from the first on, in either case.
 */
int bpf_ranges_write(int fd, const struct lb_range *keys, uint32_t n, bool is_put,
		     uint32_t *ret_n) must_check;

/* Key of a prefix in a set. */
struct lb_range bpf_range_of(uint32_t set, const struct ip_prefix *p);

/* --- denied sources --------------------------------------------------------------------------- */

/* Key of a denied source, in the same map. */
struct lb_range bpf_deny_range(const struct ip_prefix *p);
/*
 * Brings the map to what is wanted of deny (lb/lb_deny.h): 0, it is. -EINPROGRESS: that takes more
 * turns, of which `until`, by the clock, ends this one (0: no end). -ENOSPC: the map is full;
 * another -errno of the map.
 */
int bpf_deny_go_on(struct lb_deny *d, int map_fd, nsec_t until) must_check;

/* --- rates ------------------------------------------------------------------------------------ */

struct bpf_rates;
/* Takes over what the map holds. 0 or -errno; the caller owns *ret. */
int bpf_rates_new(int map_fd, struct bpf_rates **ret) must_check;
struct bpf_rates *bpf_rates_free(struct bpf_rates *r);
/* Brings the map to these, sorted by VIP. 0, or the last -errno: what could be done is. */
int bpf_rates_apply(struct bpf_rates *r, const struct plan_rate *want, size_t n) must_check;

/* --- blackholes ------------------------------------------------------------------------------- */

struct bpf_discards;
/*
 * Takes over what the maps hold, before the tables adopt their images. 0 or -errno; the caller owns
 * *ret. Tables are borrowed.
 */
int bpf_discards_new(const struct bpf_maps *maps, struct lb_tables *tables,
		     struct bpf_discards **ret) must_check;
struct bpf_discards *bpf_discards_free(struct bpf_discards *d);
/* Brings the map to these, sorted. 0, or an -errno: what could be done is. -ENOSPC: too many. */
int bpf_discards_apply(struct bpf_discards *d, const struct lb_discard *want, size_t n) must_check;
/* What is in the map, sorted, in the arena. */
const struct lb_discard *bpf_discards_list(const struct bpf_discards *d, struct arena *arena,
					   size_t *ret_n);
/* Packets that were dropped for it; false: it is not there, or nobody can say. */
bool bpf_discards_drops(const struct bpf_discards *d, const struct lb_discard *what,
			uint64_t *ret_packets);

/* --- counters --------------------------------------------------------------------------------- */

/* Sums over CPUs, by the indices of backends: of one, and of n of them, many with a system call. */
struct lb_counter bpf_maps_counter(const struct bpf_maps *m, uint32_t index);
void bpf_maps_counters(const struct bpf_maps *m, const uint32_t *index, size_t n,
		       struct lb_counter *ret);
/* Does what lb_tables_take_moves() says, in that order. */
void bpf_maps_move_counters(const struct bpf_maps *m, const struct lb_counter_move *moves,
			    size_t n);

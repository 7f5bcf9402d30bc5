// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The tables of the data plane in memory: places services, rows and backends in the images that the
 * BPF programs read, which are mappings of the maps in production and plain memory in tests. It
 * makes no call and knows no clock: when a table must grow, it says so and the caller adds a chunk.
 *
 * What it keeps, after every single store (bpf/abi.h): a reader that looks up an existing service
 * finds it, a row of it, and backends that are or were backends of it; nothing is reused while a
 * reader may still hold its number; ids and generations never let a new backend inherit the flows
 * of an old one. The images are the only truth: lb_tables_adopt() rebuilds the rest from them.
 */
#pragma once

#include "lb/lb.h"

#include "base/arena.h"
#include "base/nsec.h"

#include <linux/types.h>

#include "bpf/abi.h"
#include "lb/lb_far.h"
#include "lb/lb_nodes.h"
#include "lb/lb_served.h"
#include "lb/lb_slots.h"

/* Outcomes of put: add a chunk of this kind and put again. */
#define LB_NEED_ROWS_CHUNK    1
#define LB_NEED_BACKEND_CHUNK 2
#define LB_NEED_RANGES        3 /* not a chunk: fill a set with the frontend's ranges */
/* ... and LB_NEED_NODE_CHUNK (lb_nodes.h), and LB_NEED_FAR (lb_far.h): not a chunk */

struct lb_settling;
struct lb_tables;

/* The fixed images, zeroed or of a former run; borrowed, they outlive the tables. */
struct lb_images {
	struct lb_config *config;
	struct lb_service *services;    /* LB_SERVICE_SLOTS */
	uint64_t *vip_bits;             /* LB_VIP_WORDS */
	uint64_t *range_names;          /* LB_RANGE_SETS */
	struct lb_new_flows *new_flows; /* LB_SERVICE_SLOTS */
	uint64_t *node_places;          /* LB_NODE_PLACES; written anew by adoption */
	struct lb_tunnel *tunnel;
};

struct lb_tables *lb_tables_new(const struct lb_images *images);
struct lb_tables *lb_tables_free(struct lb_tables *t);
/* Other nodes, whose chunks are added as the others are; borrowed. */
struct lb_nodes *lb_tables_nodes(const struct lb_tables *t);
/* What they say of unsettled rows (lb/lb_settling.h); borrowed. */
struct lb_settling *lb_tables_settling(const struct lb_tables *t);

/* The next chunk of its kind, zeroed or of a former run; borrowed. */
void lb_tables_add_rows_chunk(struct lb_tables *t, uint64_t *rows);
void lb_tables_add_backend_chunk(struct lb_tables *t, struct lb_backend *backends);

/* Chunks' worth of room for LB_NEED_* that nothing uses and nothing rests in, rounded down. */
uint32_t lb_tables_spare(const struct lb_tables *t, int need);

/*
 * The secret of the flow table's hash (bpf/flow_hash.h), expanded into its constants. Equal secrets
 * give equal constants, so a table outlives the agent that made it.
 */
void lb_flow_keys(const __u64 secret[2], struct lb_flow_keys *ret);

/* The flow table: n chunks, a power of two, in their order; borrowed, in place of any told before.
 */
void lb_tables_set_flows(struct lb_tables *t, struct lb_flow_line *const *chunks, size_t n);

/*
 * Growth. Chunks of the larger table that is wanted, 0 if none is; it is to be made, zeroed, and
 * told, with the place of its first chunk. It then is the one in which entries are made, and those
 * of the other one are copied by lb_tables_tick(); once that is emptied nobody looks there any
 * more, and it is to be dropped, after which another may be wanted.
 */
uint32_t lb_tables_flows_wanted(const struct lb_tables *t);
void lb_tables_grow_flows(struct lb_tables *t, const struct lb_clock *c,
			  struct lb_flow_line *const *chunks, size_t n, uint32_t first);
bool lb_tables_flows_emptied(const struct lb_tables *t, const struct lb_clock *c);
void lb_tables_drop_flows(struct lb_tables *t);
/* Of a former run that was at it: after lb_tables_set_flows(), the table that was being left. */
void lb_tables_set_flows_left(struct lb_tables *t, const struct lb_clock *c,
			      struct lb_flow_line *const *chunks, size_t n);

/*
 * VIPs that this node has served since it booted (lb_served.h): n of them are told, in any order,
 * as they were known; those of the images and those to come are added. The rows of others begin
 * settled. Their generation changes when one comes to them.
 */
void lb_tables_add_served(struct lb_tables *t, const struct lb_vip *vips, size_t n);
const struct lb_vip *lb_tables_served(const struct lb_tables *t, struct arena *arena,
				      size_t *ret_n);
uint64_t lb_tables_served_generation(const struct lb_tables *t);

/*
 * Takes over what the images hold, once, after the chunks were added and before anything else. What
 * contradicts itself is taken out, to be put again by the next plan; returns how many slots that
 * was.
 */
size_t lb_tables_adopt(struct lb_tables *t, const struct lb_clock *c);

/* As lb_slots_cover() and lb_slots_uncover(): packets to addresses under it are looked at. */
void lb_tables_cover(struct lb_tables *t, const struct ip_prefix *prefix);
void lb_tables_uncover(struct lb_tables *t, const struct ip_prefix *prefix);

/*
 * Sets of source ranges, which the caller fills and empties. Taken, filled and named, a set is
 * found by the next put; -ENOSPC: there are too many. A set that is named and that no service has
 * used for a rest is dropped, to be emptied and given back; false: there is none.
 */
int lb_tables_take_ranges(struct lb_tables *t, uint32_t *ret_set) must_check;
void lb_tables_name_ranges(struct lb_tables *t, const struct lb_clock *c, uint32_t set,
			   uint64_t name);
bool lb_tables_drop_ranges(struct lb_tables *t, const struct lb_clock *c, uint32_t *ret_set);
void lb_tables_give_ranges(struct lb_tables *t, uint32_t set);
/* There is a set of that number, with a name. */
bool lb_tables_has_ranges(const struct lb_tables *t, uint32_t set);

/*
 * As lb_store_ops. put: 0, or LB_NEED_*; -ENOSPC: a table is full; -EAGAIN: possible once something
 * has rested (see lb_tables_tick); -EINVAL: more backends or rows than the formats hold, or a
 * weight out of range. A node that a target is on need not be told yet: no flow begins there until
 * it is.
 */
int lb_tables_put(struct lb_tables *t, const struct lb_clock *c,
		  const struct lb_frontend *f) must_check;
/*
 * Before a put: makes a piece of the rows ahead where there are so many targets that this takes
 * long; a piece is LB_PIECE_DRAWS of the rows' draws, some milliseconds. True: put is quick now, or
 * would be refused, or has waited for so many pieces of others that it is done in one go.
 */
#define LB_PIECE_DRAWS (UINT64_C(1) << 21)
bool lb_tables_prepare(struct lb_tables *t, const struct lb_frontend *f) must_check;
void lb_tables_del(struct lb_tables *t, const struct lb_clock *c, const struct lb_key *key);
void lb_tables_dump(const struct lb_tables *t, struct arena *arena, const struct lb_actual **ret,
		    size_t *ret_n);
/* The same without a copy. */
void lb_tables_look(const struct lb_tables *t, struct lb_look *ret);
/* One of them; false: not there. */
bool lb_tables_get(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
		   struct lb_actual *ret);
/* The self-test of a frontend passed: it counts as tested until it is put with a change. */
void lb_tables_set_tested(struct lb_tables *t, const struct lb_key *key);

/*
 * Network namespaces of the pods of one frontend, sorted by ip_addr_cmp, in place of all told
 * before; a target that is not among them has none that is known. It stays with a backend over
 * later puts; a new one has none at first. Nothing happens if there is no such frontend.
 */
void lb_tables_set_nsids(struct lb_tables *t, const struct lb_key *key, const struct lb_nsid *nsids,
			 size_t n);

/*
 * Rests that are over, and a part of the walk through flows and rows (lb_walk.c), in less than a
 * millisecond. Returns when it wants to be called again.
 */
nsec_t lb_tables_tick(struct lb_tables *t, const struct lb_clock *c);

/* Address and port of the backend with this index, whosever it is. False: there is none. */
bool lb_tables_backend(const struct lb_tables *t, uint32_t i, struct ip_addr *ret, uint16_t *port);
/*
 * Indices in the table of backends (and of counters) of a frontend's targets, in the order of
 * dump(), from the arena. False: no such frontend.
 */
bool lb_tables_backends(const struct lb_tables *t, const struct lb_key *key, struct arena *arena,
			const uint32_t **ret, size_t *ret_n);

/* Living flows of each of these backends by the last walk, from the arena. */
const uint32_t *lb_tables_flows(const struct lb_tables *t, const uint32_t *index, size_t n,
				struct arena *arena);

/* Changes when something else is idle (lb_actual.idle, LB_BACKEND_IDLE) than before. */
uint64_t lb_tables_idle_generation(const struct lb_tables *t);

/*
 * What must be done to the counters since the last call, in order: those of `from` belong to `to`
 * now, or, if `from` is LB_NO_COUNTER, `to` begins anew. Borrowed until the next put.
 */
#define LB_NO_COUNTER UINT32_MAX
struct lb_counter_move {
	uint32_t from, to;
};
size_t lb_tables_take_moves(struct lb_tables *t, const struct lb_counter_move **ret);

/* For status: flows; services, backend entries and rows in use. */
struct lb_flow_usage lb_tables_flow_usage(const struct lb_tables *t);
struct lb_usage {
	size_t services, rows, backends, rows_chunks, backend_chunks;
};
struct lb_usage lb_tables_usage(const struct lb_tables *t);

struct lb_nat_line;
struct lb_trace;
struct lb_trace_flow;
/* What becomes of a flow's packets (lb/lb_trace.h). */
void lb_trace(const struct lb_tables *t, const struct lb_trace_flow *flow,
	      const struct lb_nat_line *nat, struct lb_trace *ret);

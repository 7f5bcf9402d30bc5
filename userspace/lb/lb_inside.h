// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The inside of lb_tables.h, shared by its files only: lb_tables.c (chunks, adoption), lb_edit.c
 * (put), lb_ranges.c (sets of source ranges), lb_walk.c (flows and settling), lb_spread.c (settling
 * by what all nodes know), lb_idle.c (where no
 * flow is left), lb_growth.c (a larger flow table), lb_rest.c (ends of rests), lb_place.c (words
 * and places of rows and backends), lb_view.c (dump), lb_far.c (which programs it takes).
 */
#pragma once

#include "lb/lb_flow.h"
#include "lb/lb_nodes_inside.h"
#include "lb/lb_range_sets.h"
#include "lb/lb_rows.h"
#include "lb/lb_served.h"
#include "lb/lb_settling.h"
#include "lb/lb_space.h"
#include "lb/lb_tables.h"

#define LB_ROWS_UNITS_PER_CHUNK    (LB_ROWS_CHUNK / LB_ROWS_UNIT)
#define LB_BACKEND_UNITS_PER_CHUNK (LB_BACKEND_CHUNK / LB_BACKEND_UNIT)

struct lb_rows_chunk {
	uint64_t *rows;             /* borrowed */
	uint64_t *foreign, *beyond; /* a bit a row: of lb_walk.c. Owned */
};

struct lb_backend_chunk {
	struct lb_backend *backends; /* borrowed */
	nsec_t *freed_at;            /* per backend, 0 = ever. Owned */
	uint32_t *n_flows,
		*counted; /* per backend: living ones, by the last walk and by this one. Owned */
	uint64_t *open;   /* a bit a backend: this walk found a flow that is not closing. Owned */
	uint8_t *silent;  /* per backend: walks in a row that found none (lb_idle.c). Owned */
};

/* A service's rows went on in another region at `at`; readers may still mark the old ones. */
struct lb_rows_move {
	nsec_t at;
	struct lb_key key;
	uint32_t id;        /* of the service */
	uint32_t rows_base; /* the old one, in its unit */
	uint8_t rows_log2;
};

/* A walk, of which a slice is done at a time (lb_walk.c). */
struct lb_walk {
	enum { LB_WALK_IDLE, LB_WALK_COPY, LB_WALK_MARKS, LB_WALK_FLOWS, LB_WALK_ROWS } phase;
	nsec_t began, quiet, next_at;
	struct lb_key last; /* services: this one had its turn, and all before it, */
	bool is_under_way;  /* if any had */
	uint32_t line; /* flows: goes on at this line; those of a table that is left are first */
	uint32_t n_living, n_established; /* entries */
	bool is_awaited; /* somebody waits for a slot, and would for seconds with many services */
};

/* A flow table that is left for a larger one (lb_growth.c). */
struct lb_growth {
	enum { LB_GROWTH_NONE, LB_GROWTH_RESTING, LB_GROWTH_COPYING, LB_GROWTH_EMPTIED } phase;
	nsec_t since;               /* resting, emptied */
	struct lb_flow_chunks left; /* chunks owned, their lines borrowed */
	uint32_t line;              /* copying goes on at this line */
	bool is_clean;              /* nothing had to stay in this pass so far */
	uint32_t wanted;            /* chunks of a larger table that is asked for; 0: none is */
};

/* Rows made ahead (lb_prepare.c). */
struct lb_prepared {
	uint64_t table;                /* name of theirs; 0: none */
	struct lb_rows_making *making; /* owned */
	uint64_t *rows;                /* owned */
	bool is_ready;
	unsigned n_pieces; /* since such rows were put last */
};

struct lb_tables {
	struct lb_config *config; /* borrowed */
	struct lb_slots slots;
	struct lb_space rows_space, backend_space;
	struct lb_ranges ranges;
	struct lb_nodes *nodes;            /* owned */
	struct lb_settling *settling;      /* owned */
	struct lb_rows_chunk *rows_chunks; /* owned */
	size_t n_rows_chunks, cap_rows_chunks;
	struct lb_backend_chunk *backend_chunks; /* owned */
	size_t n_backend_chunks, cap_backend_chunks;
	struct lb_counter_move *moves; /* owned */
	size_t n_moves, cap_moves;
	struct lb_rows_move *rows_moves; /* in order of `at`. Owned */
	size_t n_rows_moves, cap_rows_moves;
	struct lb_view *view;        /* owned */
	struct lb_prepared prepared; /* owned */
	uint64_t *new_rows;          /* a table being made, 1 << LB_ROWS_LOG2_MAX. Owned */
	struct lb_flow_chunks flows; /* chunks owned, their lines borrowed */
	struct lb_growth growth;
	struct lb_served served;
	struct lb_walk walk;
	struct lb_flow_usage usage; /* by the last walk */
	uint64_t idle_generation;
	bool has_far; /* lb_far.h */
};

/* The parts of a live word. */
struct lb_live {
	uint32_t backends_base, rows_base; /* in their units */
	uint8_t rows_log2;
	uint32_t flags; /* LB_SVC_* */
};
uint64_t lb_live_word(const struct lb_live *live);
struct lb_live lb_live_of(uint64_t word);

/* Units that a table of 1 << log2 rows takes, and that it is aligned to. 0 for a VIP. */
uint32_t lb_rows_units(uint8_t rows_log2);

/*
 * Ends rests: what was given back at `quiet` or before can be taken again. What the last readers of
 * old rows have marked there goes over to the rows that took their place.
 */
void lb_tables_wake(struct lb_tables *t, nsec_t quiet);
/* What the program marked in the rows from `from` on goes over to those from `to` on. */
void lb_carry_marks(const struct lb_tables *t, uint32_t from_base, uint32_t to_base,
		    uint8_t rows_log2);

/* Its VIP was served before, so that flows may have owners whose entries are gone. */
bool lb_is_known(const struct lb_tables *t, const struct lb_key *key);

/* Row and backend by number in their whole table. */
uint64_t *lb_row_at(const struct lb_tables *t, uint32_t row);
struct lb_backend *lb_backend_at(const struct lb_tables *t, uint32_t index);
nsec_t *lb_freed_at(const struct lb_tables *t, uint32_t index);

/* A backend of a frontend and its index there. */
struct lb_placed {
	struct lb_target target;
	uint16_t index;
};
/* The next slice of the walk; when it wants to go on. */
nsec_t lb_walk(struct lb_tables *t, const struct lb_clock *c);
/* Somebody waits for a slot: it is walked for at once, and a walk that is under way hurries. */
void lb_walk_soon(struct lb_tables *t, const struct lb_clock *c);
/* Places for entries. */
uint32_t lb_growth_ways(const struct lb_flow_chunks *flows);
/* Decides, after a walk, whether a larger table is wanted. */
void lb_growth_judge(struct lb_tables *t, uint32_t n_established);
bool lb_growth_wants_to_copy(const struct lb_tables *t, const struct lb_clock *c);
/* The next slice; true: the table that was left is empty. */
bool lb_growth_copy(struct lb_tables *t, const struct lb_clock *c);
void lb_growth_done(struct lb_growth *g);

/* Brings up to date since when slots are free of flows: at once where nobody makes any. */
void lb_walk_note(struct lb_tables *t, const struct lb_clock *c);

/* The backends in use of a slot, sorted by target, to be freed by the caller; n in *ret_n. */
struct lb_placed *lb_placed_of(const struct lb_tables *t, uint32_t slot, size_t *ret_n) must_check;

/*
 * The state word of a backend in use with this generation, and nsid + 1 of its pod or 0. If it is
 * on another node that one has a number.
 */
uint64_t lb_state_word(const struct lb_tables *t, const struct lb_target *target, uint8_t gen,
		       uint32_t nsid_1);
uint8_t lb_state_gen(uint64_t state);
uint32_t lb_state_nsid_1(uint64_t state);
uint32_t lb_state_node(uint64_t state);
enum lb_way lb_state_way(uint64_t state);
/* One store; none if nothing changes. */
void lb_state_store(struct lb_backend *backend, uint64_t state);
/* lb_service.affinity: in ages of the shorter unit, unless there are too many. */
uint16_t lb_affinity_of(const struct lb_clock *c, const struct lb_frontend *f);
/* Limit of new flows of a slot that is there, or LB_NO_SLOT. */
void lb_store_limit(struct lb_tables *t, uint32_t slot, const struct lb_frontend *f);
/* What lb_tables_put() takes at all. */
bool lb_frontend_is_valid(const struct lb_frontend *f);
/* 0: it can be put; else -EINVAL, or LB_NEED_FAR. */
int lb_may_put(const struct lb_tables *t, const struct lb_frontend *f) must_check;
/* Target i of a frontend as the rows see it, by this index. */
struct lb_row_target lb_row_target_of(const struct lb_frontend *f, size_t i, uint16_t index);
/* Rows of a frontend whose targets have these indices, if they were made ahead; once. */
bool lb_prepared_take(struct lb_prepared *p, const struct lb_frontend *f, const uint16_t *index,
		      uint64_t *ret);
void lb_prepared_done(struct lb_prepared *p);

void lb_move_counter(struct lb_tables *t, uint32_t from, uint32_t to);

/*
 * What dump() told last, so that the next one reads only what was touched since: nothing but put,
 * del and set_tested changes what it tells of a key.
 */
struct lb_view;

struct lb_view *lb_view_new(void);
struct lb_view *lb_view_free(struct lb_view *v);
void lb_view_touch(struct lb_view *v, const struct lb_key *key);
void lb_view_drop(struct lb_view *v);

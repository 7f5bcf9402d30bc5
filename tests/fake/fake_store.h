// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane store in memory: what sys/ does with BPF maps, as an array. It fails on request,
 * so that a test can let the n-th call fail for every n and demand convergence afterwards, and it
 * checks what every store may expect of its caller.
 */
#pragma once

#include "plan/sink.h"

struct fake_frontend {
	struct lb_key key;
	uint64_t table;
	uint32_t flags, seed;
	uint8_t rows_log2;
	uint64_t ranges_name, limit;
	bool tested, idle;
	struct lb_target *targets; /* owned */
	size_t n_targets;
};

#define FAKE_RATES_MAX    64
#define FAKE_DISCARDS_MAX 64

struct fake_store {
	struct fake_frontend *items; /* by key; owned */
	size_t n, cap;
	struct plan_rate rates[FAKE_RATES_MAX]; /* by VIP */
	size_t n_rates;
	struct lb_discard discards[FAKE_DISCARDS_MAX]; /* sorted */
	size_t n_discards;
	size_t n_calls;           /* put, del and test, also those that failed */
	size_t fail_at;           /* the call of that number (from 1) fails; 0 = none */
	size_t fail_every;        /* every so manieth call fails; 0 = none */
	bool fail_tests;          /* every self-test packet goes astray */
	size_t per_turn;          /* calls that a turn may make, 0 = any number */
	size_t left;              /* of them; filled up by fake_store_turn() */
	size_t n_orphans;         /* frontends put while their VIP was not there */
	size_t far_turns;         /* that it takes to load the far programs (lb/lb_far.h) */
	bool refuses_far;         /* they cannot be loaded */
	bool has_far;             /* they are there: what is far is put then, and not before */
	size_t far_left;          /* turns; 0: it was not begun, or is over */
	struct arena *seen_arena; /* owned; holds what was told last */
	const struct lb_actual *seen;
	size_t n_seen;
	uint64_t generation;
};

struct lb_store fake_store_ops(struct fake_store *s);
/* Tells what is there, and what of it differs from what was told last; in the arena. */
void fake_store_look(struct fake_store *s, struct arena *arena, struct plan_actual *ret);
/* Limits of VIPs towards the plan's: 1, they differed; 0; or -errno, and they are as they were. */
int fake_store_rates(struct fake_store *s, const struct plan *plan);
/* The same of blackholes. */
int fake_store_discards(struct fake_store *s, const struct plan *plan);
/* Another process takes the store over: it has the far programs if anything in it is far. */
void fake_store_adopt(struct fake_store *s);
/* Something in it leads to far programs that are not there. */
bool fake_store_leads_nowhere(const struct fake_store *s);
/* A turn begins. */
void fake_store_turn(struct fake_store *s);
/* A plan as far as a turn goes; all of it is held against what is there. */
void fake_store_apply(struct fake_store *s, const struct plan *plan, struct plan_apply *apply,
		      nsec_t now, struct arena *arena);
void fake_store_done(struct fake_store *s);
struct fake_frontend *fake_store_find(struct fake_store *s, const struct lb_key *key);

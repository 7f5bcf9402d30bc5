// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The inside of lb_settling.h: lb_settling.c (nodes and messages), lb_settling_blocks.c (what each
 * node says of each block).
 */
#pragma once

#include "lb/lb_settling.h"

#define NO_PEER UINT32_MAX

/* What a node said of a block last: 8 octets for each pair, as there are many. */
struct settle_record {
	uint32_t epoch;  /* 0: nothing */
	uint32_t recipe; /* half of it */
};
/* Rows of which a node says that they have foreign flows, where there are any. */
struct settle_rows {
	uint32_t peer; /* NO_PEER: this node */
	uint64_t mask;
	uint64_t words[]; /* as many as `mask` has bits */
};

struct settle_block {
	struct settle_block *next; /* of its bucket */
	uint64_t name, recipe;     /* recipe, epoch: the own statement's, as is */
	uint32_t epoch;            /* LB_SETTLE_ABSENT: it is not ours; 0: nothing is said yet */
	uint32_t n_records;
	uint64_t number;               /* this */
	uint64_t walk;                 /* in which it was said */
	uint64_t table;                /* this node's name of its rows, which `recipe` is of */
	nsec_t agreed_at;              /* somebody changed his recipe */
	struct settle_record *records; /* by peer. Owned */
	struct settle_rows **rows;     /* own ones, too. Owned */
	size_t n_rows, cap_rows;
};

struct settle_logged {
	uint64_t number;
	struct settle_block *block; /* borrowed; NULL: it was said anew */
};

struct settle_blocks {
	struct settle_block **buckets; /* power of two; owned, as the blocks are */
	size_t n_buckets, n;
	struct settle_logged *log; /* own statements by number. Owned */
	size_t n_log, cap_log;
	uint64_t number; /* of the last statement */
	uint64_t walk;
	size_t bytes;
};

void settle_blocks_done(struct settle_blocks *b);

/* What the node with this place among the peers says. */
void settle_blocks_note(struct settle_blocks *b, uint32_t peer, const struct lb_settle_said *said,
			nsec_t now);
/* It is none of the nodes any more, and its place may be another's. */
void settle_blocks_forget(struct settle_blocks *b, uint32_t peer);
/* The own statement, with a number of its own if it is another than before. NULL: there are too
 * many. */
struct settle_block *settle_blocks_say(struct settle_blocks *b, const struct lb_settle_said *own,
				       uint64_t table, nsec_t now);
/* As lb_settling_recipe(). */
uint64_t settle_blocks_recipe(const struct settle_blocks *b, uint64_t name, uint64_t table);
/* What was not said in this walk is said to be absent; what nobody has is dropped. `acked`: all
 * peers have all own statements up to this number. */
void settle_blocks_sweep(struct settle_blocks *b, uint64_t acked, nsec_t now);
/* Adds own statements behind p->since as far as they fit, and sets p->upto. */
void settle_blocks_fill(const struct settle_blocks *b, struct lb_settle_page *p);

/* What a node said of rows, into words that are 0. */
void settle_rows_add(const struct settle_rows *r, uint64_t words[LB_SETTLE_N_WORDS]);

static inline uint32_t settle_half(uint64_t recipe)
{
	return (uint32_t)(recipe ^ recipe >> 32);
}

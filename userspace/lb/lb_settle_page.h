// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Pages of statements about unsettled rows as they go from agent to agent (bpf/wire_settle.h):
 * written and read an octet at a time, the highest first, whatever the processor's order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LB_SETTLE_PAGE_MAX 1232 /* LB_SETTLE_BYTES */
#define LB_SETTLE_N_WORDS  64

struct lb_settle_said {
	uint64_t block, recipe;
	uint32_t epoch;
	uint32_t zero;
	uint64_t words[LB_SETTLE_N_WORDS]; /* those that are 0 are not written */
};

struct lb_settle_page {
	uint64_t to;                         /* the echo's token */
	uint64_t from, has, since, upto, at; /* struct lb_settle_head */
	uint64_t seen;
	uint8_t data[LB_SETTLE_PAGE_MAX];
	size_t n; /* of data: octets of the whole datagram so far */
};

static inline unsigned lb_settle_bits(uint64_t word)
{
	unsigned n = 0;

	for (; word; word &= word - 1)
		n++;
	return n;
}

/* Begins a page with the numbers that are filled in; `upto` and `seen` count at its end. */
void lb_settle_page_begin(struct lb_settle_page *p);
/* False: there is no room for it, and the page is as it was. */
bool lb_settle_page_add(struct lb_settle_page *p, const struct lb_settle_said *said);
/* The datagram is data[0..n). */
void lb_settle_page_end(struct lb_settle_page *p);

/*
 * Reads a datagram's numbers into *p, whose data is not used. *ret_at is where its statements
 * begin. False: it is no page, or is cut off.
 */
bool lb_settle_page_read(const uint8_t *data, size_t n, struct lb_settle_page *p, size_t *ret_at);
/* The statement at *at, which goes on to the next; false: there is none, or half a one. */
bool lb_settle_page_next(const uint8_t *data, size_t n, size_t *at, struct lb_settle_said *ret);

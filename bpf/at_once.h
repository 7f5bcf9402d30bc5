/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is nearly always so of packets whose flow must be looked for, without a call: the entry lies
 * in its first line and nothing of it is out of date, or that line says that there is none and has
 * room for one; and the table does not grow. An owner that is not to be found like that is looked
 * for by one call. Whatever is not so is left to the cold half (select.h), by OWNER_NOBODY, which
 * says nothing.
 *
 * Calls are most of what the cold half costs: a return is some 5 ns where the kernel guards it
 * against speculation.
 */
#pragma once

#include "backend.h"
#include "common.h"
#include "owner.h"
#include "parse.h"
#include "row.h"
#include "target.h"

/*
 * Of an entry's second word: slot, row, backend and its generation, and the bit that states from
 * LB_FLOW_CLOSING on have.
 */
#define AT_ONCE_SAME (0x00f0ffffffffffffull | (__u64)LB_FLOW_CLOSING << 48)

/* A candidate's entry for the packet's flow. */
struct at_once {
	struct lb_backend *be;
	struct lb_flow_line *line;
	struct lb_flow *entry;
	__u64 hash, rest;
	__u32 backend; /* index within the service */
};

enum at_once_found {
	AT_ONCE_UNKNOWN,
	AT_ONCE_ITS,
	AT_ONCE_NONE,
	AT_ONCE_ELSEWHERE, /* maybe */
};

static __always_inline __u16 at_once_row(const struct target *t)
{
	return (__u16)(t->row_index - row_index(t->live, 0));
}

/* Nothing of the candidate's entry is out of date. The verifier pays for each branch: one for all.
 */
static __always_inline bool at_once_is(const struct target *t, const struct at_once *x)
{
	__u64 state = READ_ONCE(x->be->state);
	__u8 gen = lb_flow_state(0, false, backend_gen(state));
	__u64 want = lb_rest((__u16)t->slot, at_once_row(t), (__u16)x->backend, gen, 0);

	return !((x->rest ^ want) & AT_ONCE_SAME) && backend_is(state, LB_BE_IN_USE);
}

/* flow_hash() for a packet, whose family the compiler knows. */
static __always_inline __u64 at_once_hash(const struct packet *p, const struct lb_backend *be)
{
	__u32 ports = lb_flow_ports(be->port, p->sport), client[4];

	parse_saddr(p, client);
	if (p->family == FAMILY_V4)
		return lb_flow_hash_v4(flow_secret(), be->addr[3], client[3], ports, p->proto);
	return lb_flow_hash(flow_secret(), be->addr, client, ports, p->proto);
}

/*
 * Candidate i of the row, and where its entry for the packet's flow would be found. Where the first
 * is on another node nothing is: an entry of that lies elsewhere (entry.h), which the cold half
 * knows, and a line read here for nothing is in no cache.
 */
static __always_inline bool at_once_aim(const struct packet *p, const struct target *t, __u32 i,
					struct at_once *x)
{
	x->backend = row_candidate(t->row, i);
	x->be = backend_slot(backend_index(t->live, x->backend));
	if (x->backend == LB_ROW_NONE || !x->be)
		return false;
	if (!i && unlikely(!backend_is(READ_ONCE(x->be->state), LB_BE_LOCAL)))
		return false;
	x->hash = at_once_hash(p, x->be);
	return true;
}

/* Looks for its entry in its first line. */
static __always_inline enum at_once_found at_once_look(const struct target *t, flow_table_t table,
						       struct at_once *x)
{
	__u32 way;

	x->line = flow_line_at(table, lb_flow_first(x->hash, flow_table_lines(table)));
	if (!x->line)
		return AT_ONCE_UNKNOWN;
	way = lb_flow_way_of(x->line, x->hash);
	if (!way)
		return lb_flow_line_is_all(x->line) ? AT_ONCE_NONE : AT_ONCE_ELSEWHERE;
	x->entry = &x->line->way[(way - 1) & (LB_FLOW_WAYS - 1)];
	x->rest = LB_FLOW_READ(lb_flow_rest_of(x->entry));
	return LB_FLOW_READ(&x->entry->hash) == x->hash && at_once_is(t, x) ? AT_ONCE_ITS
									    : AT_ONCE_UNKNOWN;
}

/* Looks for its entry wherever it may be, which is a call. */
static __always_inline enum at_once_found at_once_search(const struct target *t, flow_table_t table,
							 struct at_once *x)
{
	__u64 place = lb_flow_place(table, x->hash);

	if (!place)
		return AT_ONCE_NONE;
	x->entry = lb_flow_at(table, place);
	if (!x->entry)
		return AT_ONCE_UNKNOWN;
	x->rest = LB_FLOW_READ(lb_flow_rest_of(x->entry));
	return LB_FLOW_READ(&x->entry->hash) == x->hash && at_once_is(t, x) ? AT_ONCE_ITS
									    : AT_ONCE_UNKNOWN;
}

/* In its first line, else in its second one, or in two tables while one grows. */
static __always_inline enum at_once_found at_once_find(const struct packet *p,
						       const struct target *t, flow_table_t table,
						       __u32 i, struct at_once *x)
{
	enum at_once_found found = AT_ONCE_ELSEWHERE;

	if (!at_once_aim(p, t, i, x))
		return AT_ONCE_UNKNOWN;
	if (likely(!flow_table_left(table)))
		found = at_once_look(t, table, x);
	return found == AT_ONCE_ELSEWHERE ? at_once_search(t, table, x) : found;
}

/* Of an unsettled row: the first candidate or the second has the flow. */
static __always_inline int at_once_owner(const struct packet *p, const struct target *t)
{
	flow_table_t table = flow_table();
	enum at_once_found found;
	struct at_once x;

	found = at_once_find(p, t, table, 0, &x);
	if (found == AT_ONCE_NONE)
		found = at_once_aim(p, t, 1, &x) ? at_once_look(t, table, &x) : AT_ONCE_UNKNOWN;
	return found == AT_ONCE_ITS ? (int)x.backend : OWNER_NOBODY;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New flows: which candidate of the row takes one, and what is written down of it. A backend has a
 * flow once the reply's key is the flow's; the flow cache then remembers who it was. The first
 * candidate is taken as it is, since the row says so; a later one only if it is ready, and the row
 * is read through the flow cache from then on.
 */
#pragma once

#include "maps.h"

#include "backend.h"
#include "common.h"
#include "flow.h"
#include "reply.h"
#include "row.h"

/* No choice: an enum lb_drop, negative, says why. Else an index within the service. */
#define ADMIT_DROP(reason) (-(int)(reason))

/* A backend that a flow may have, and how it came by it. */
struct admit_claim {
	__u32 backend;
	__u8 gen; /* 0: it may not */
	bool known;
};

/*
 * Has this backend take the flow, and the reply's key be the flow's. A flow that the cache lost
 * comes this way with each packet; its second one establishes the entry all the same.
 */
static __always_inline struct admit_claim admit_claim(const struct flow *f, __u32 backend,
						      __u32 flags)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));
	struct admit_claim c = {.backend = backend};
	enum reply_claimed claimed;
	__u64 state;

	if (!be)
		return c;
	state = READ_ONCE(be->state);
	if (!backend_is(state, flags))
		return c;
	claimed = reply_claim(f, be, backend);
	if (claimed)
		c.gen = backend_gen(state);
	c.known = claimed == REPLY_AGAIN && flow_goes_on(f);
	if (c.known)
		reply_establish(f, be, backend);
	return c;
}

/* What is known already need not wait for its second packet to be safe from a flood. */
static __always_inline void admit_record(const struct flow *f, struct lb_flow4_line *line,
					 struct lb_flow4 *way, const struct admit_claim *c)
{
	if (!line)
		return;
	way = flow_record(line, way, f, c->backend, c->gen);
	if (c->known)
		flow_promote(line, way, f->age);
}

/* A new flow whose first candidate's reply key is taken: the next that is ready and free. */
__noinline int admit_next(const struct flow *f, struct lb_flow4_line *line, struct lb_flow4 *way)
{
	__u64 *slot;

	if (!f)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	for (__u32 i = 1; i < LB_CANDIDATES; i++) {
		struct admit_claim c;

		if (row_candidate(f->row, i) == LB_ROW_NONE)
			break;
		c = admit_claim(f, row_candidate(f->row, i), LB_BE_IN_USE | LB_BE_READY);
		if (!c.gen)
			continue;
		slot = row_slot(f->row_index);
		if (slot)
			row_set_unsettled(slot);
		admit_record(f, line, way, &c);
		return c.backend;
	}
	return ADMIT_DROP(LB_DROP_TUPLE_TAKEN);
}

/* A new flow: the first candidate that can have it. `way`: the flow's own, or NULL. */
static __always_inline int admit_new(const struct flow *f, struct lb_flow4_line *line,
				     struct lb_flow4 *way)
{
	struct admit_claim c = admit_claim(f, row_candidate(f->row, 0), LB_BE_IN_USE);

	if (unlikely(!c.gen))
		return admit_next(f, line, way);
	admit_record(f, line, way, &c);
	return c.backend;
}

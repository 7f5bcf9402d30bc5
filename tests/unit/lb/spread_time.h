// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* How time passes on the nodes of spread_bed.h, and what they say gets from one to another. */
#pragma once

#include "spread_bed.h"

static inline void spread_send(struct spread *s, uint32_t node, const struct lb_settling_message *m)
{
	s->octets += m->n;
	if (rng_below(&s->rng, 256) < s->loss || s->is_cut[node])
		return;
	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		if (s->wire[i].at)
			continue;
		s->wire[i] = (struct spread_message){.at = s->now + rng_below(&s->rng, 3) * STEP,
						     .from = node,
						     .to = ip_addr_v4(&m->to) - NODE_ADDR,
						     .m = *m};
		return;
	}
}

static inline void spread_deliver(struct spread *s)
{
	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		struct spread_message *m = &s->wire[i];
		const struct ip_addr from = node_addr(m->from);

		if (!m->at || m->at > s->now)
			continue;
		m->at = 0;
		if (!s->is_cut[m->to])
			lb_settling_receive(lb_tables_settling(s->nodes[m->to].t), s->now, &from,
					    m->m.data, m->m.n);
	}
}

static inline void spread_step(struct spread *s)
{
	struct lb_settling_message message; /* room for one at a time */
	size_t n;

	s->now += STEP;
	for (uint32_t i = 0; i < NODES; i++) {
		struct fixture *x = &s->nodes[i];

		fixture_at(x, s->now);
		(void)lb_tables_tick(x->t, &x->c);
		do {
			n = lb_settling_poll(lb_tables_settling(x->t), s->now, &message, 1);
			assert_in_range(n, 0, 1);
			if (n > 0)
				spread_send(s, i, &message);
		} while (n > 0);
	}
	spread_deliver(s);
	for (uint32_t i = 0; i < FLOWS; i++)
		if (s->flows[i].lives)
			spread_write(s, i); /* answers keep it young */
}

static inline void spread_pass(struct spread *s, nsec_t span)
{
	for (nsec_t end = s->now + span; s->now < end;)
		spread_step(s);
}

// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the tests of the walk share: one service, entries of its flows laid by hand, and time. */
#pragma once

#include "fixture.h"

#include "lb/lb_flow.h"

#define ROWS    256
#define HOURS   (3600 * SECOND)
#define AWHILE  (15 * SECOND) /* two walks, and what was in use when the first began has rested */
#define WEB     0xc0000201
#define OTHER   0xc0000202
#define TARGETS 0x0a000001

static inline struct lb_key key(void)
{
	return key_of(WEB, 80);
}

static inline void put_at(struct fixture *x, struct lb_key at, uint32_t from, uint32_t upto,
			  uint32_t flags)
{
	struct lb_target targets[32];
	struct lb_frontend f;

	for (uint32_t i = from; i < upto; i++)
		targets[i - from] = target_of_v4(TARGETS + i, 8080, true);
	f = frontend_of(at, targets, upto - from);
	frontend_set_flags(&f, flags);
	assert_int_equal(fixture_put(x, &f), 0);
}

/* The service with these targets, of which those up to `ready` drain. */
static inline void put_draining(struct fixture *x, uint32_t from, uint32_t ready, uint32_t upto)
{
	struct lb_target targets[32];
	struct lb_frontend f;

	for (uint32_t i = from; i < upto; i++)
		targets[i - from] = target_of_v4(TARGETS + i, 8080, i >= ready);
	f = frontend_of(key(), targets, upto - from);
	assert_int_equal(fixture_put(x, &f), 0);
}

static inline void put(struct fixture *x, uint32_t from, uint32_t upto)
{
	put_at(x, key(), from, upto, 0);
}

static inline const struct lb_service *service(const struct fixture *x, struct lb_key at)
{
	uint64_t live;
	const struct lb_service *svc = reader_find(x, &at, &live);

	assert_non_null(svc);
	return svc;
}

static inline uint64_t *row_at(const struct fixture *x, uint32_t row)
{
	return reader_row(x, service(x, key())->live, row);
}

static inline uint32_t n_unsettled(const struct fixture *x)
{
	uint32_t n = 0;

	for (uint32_t row = 0; row < ROWS; row++)
		n += !!(*row_at(x, row) & LB_ROW_UNSETTLED);
	return n;
}

/* Time passes as an agent lives it: called when it asked to be. */
static inline void pass(struct fixture *x, nsec_t span)
{
	nsec_t end = x->c.now + span, next;

	while (x->c.now < end) {
		next = lb_tables_tick(x->t, &x->c);
		assert_true(next > x->c.now);
		fixture_at(x, next < end ? next : end);
	}
	lb_tables_tick(x->t, &x->c);
}

/* Whatever VIP it is, it was served before. */
static inline void begin(struct fixture *x)
{
	const struct lb_vip served[] = {{.addr = ip_addr_from_v4(WEB)},
					{.addr = ip_addr_from_v4(OTHER)}};

	fixture_init(x);
	fixture_add_flows(x);
	lb_tables_add_served(x->t, served, 2);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Entry i of a test, in a line of its own. */
static inline struct lb_flow *entry(const struct fixture *x, uint32_t i)
{
	return &x->flows[i * 7].way[i % 4];
}

static inline bool is_there(const struct fixture *x, uint32_t i)
{
	return entry(x, i)->hash > LB_FLOW_FREE;
}

static inline uint32_t slot_of(const struct fixture *x, struct lb_key at)
{
	return (uint32_t)(service(x, at) - x->services);
}

static inline void flow_in_state(struct fixture *x, uint32_t i, struct lb_key at, uint32_t row,
				 uint16_t backend, uint32_t state)
{
	uint32_t index = reader_index(service(x, at)->live, backend, 0);
	uint8_t gen = (uint8_t)(reader_backend(x, index)->state >> LB_BE_GEN_SHIFT);

	*entry(x, i) = (struct lb_flow){.hash = 1000 + i,
					.slot = (uint16_t)slot_of(x, at),
					.row = (uint16_t)row,
					.backend = backend,
					.state = lb_flow_state(state, false, gen),
					.age = x->c.age};
}

static inline void flow(struct fixture *x, uint32_t i, uint32_t row, uint16_t backend)
{
	flow_in_state(x, i, key(), row, backend, LB_FLOW_ESTABLISHED);
}

/* A later candidate of a row, which is not [0]. */
static inline uint16_t later(const struct fixture *x, uint32_t row)
{
	return lb_row_candidate(*row_at(x, row), 1);
}

/* Answers keep it young over such a time; the agent walks through each age of it more than once. */
static inline void pass_with_answers(struct fixture *x, nsec_t span, uint32_t i)
{
	for (nsec_t end = x->c.now + span; x->c.now < end;) {
		fixture_at(x, x->c.now + 60 * SECOND - AWHILE);
		pass(x, AWHILE);
		entry(x, i)->age = x->c.age;
	}
}
